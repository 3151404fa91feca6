import t from 'tap';
import { batchesOf } from '../../../src/core/batches.ts';
import type { ComposeModel } from '../../../src/core/compose-model.ts';
import { model, type Services } from '../../support/builders.ts';
import { randomFrom, type Random } from '../../support/random.ts';

const started = { condition: 'service_started' };

/** Batches where only the named services changed and no port or name moves. */
function batches(services: readonly string[], after: Services): string[][] {
  return batchesOf(services, model(after), model(after));
}

await t.test('independent services go one by one, in name order', async (t) => {
  t.same(batches(['c', 'a', 'b'], { a: {}, b: {}, c: {}, d: {} }), [['a'], ['b'], ['c']]);
  t.same(batches([], { a: {} }), []);
});

await t.test(
  'what is depended on goes first, through services that stay as they are',
  async (t) => {
    t.same(
      batches(['a', 'z'], {
        a: { depends_on: { m: started } },
        m: { depends_on: { z: started } },
        z: {},
      }),
      [['z'], ['a']],
    );
  },
);

for (const condition of ['service_healthy', 'service_completed_successfully']) {
  await t.test(`${condition} brings them together`, async (t) => {
    const after = { app: { depends_on: { db: { condition } } }, db: {}, other: {} };
    t.same(batches(['app', 'db', 'other'], after), [['db', 'app', 'other']]);
    t.same(batches(['app', 'other'], after), [['app'], ['other']], 'not when only one changes');
  });
}

await t.test('who shares a namespace goes along, however indirectly', async (t) => {
  const after = {
    vpn: {},
    side: { pid: 'service:app' },
    app: { network_mode: 'service:vpn' },
    other: {},
  };
  t.same(batches(['vpn'], after), [['vpn', 'app', 'side']]);
  t.same(batches(['other'], after), [['other']]);
  t.same(batches(['side'], after), [['side']]);
});

const port = (published: string, protocol = 'tcp') => ({ ports: [{ published, protocol }] });

await t.test('a port that moves to another service', async (t) => {
  const before = model({ blue: port('80'), green: {}, x: {} });
  const after = model({ blue: {}, green: port('80'), x: { image: '2' } });
  t.same(batchesOf(['blue', 'green', 'x'], before, after), [['blue', 'green', 'x']]);
  const gone = model({ green: port('80'), x: { image: '2' } });
  t.same(
    batchesOf(['green', 'x'], before, gone),
    [['green'], ['x']],
    'its holder is removed anyway',
  );
  const udp = model({ blue: {}, green: port('80', 'udp') });
  t.same(batchesOf(['blue', 'green'], before, udp), [['blue'], ['green']]);
});

await t.test('a container name that moves to another service', async (t) => {
  const before = model({ blue: { container_name: 'front' }, green: {} });
  const after = model({ blue: {}, green: { container_name: 'front' } });
  t.same(batchesOf(['blue', 'green'], before, after), [['blue', 'green']]);
  const same = model({ blue: { container_name: 'front', image: '2' }, green: { image: '2' } });
  t.same(batchesOf(['blue', 'green'], before, same), [['blue'], ['green']]);
});

await t.test('a circle of dependencies still ends', async (t) => {
  const after = { a: { depends_on: { b: started } }, b: { depends_on: { a: started } } };
  t.same(batches(['a', 'b'], after).flat().toSorted(), ['a', 'b']);
});

await t.test('any model: every changed service once, dependencies before dependents', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomFrom(seed);
    const after = randomModel(random);
    const changed = Object.keys(after.services).filter(() => random.below(2) === 0);
    const flat = batchesOf(changed, after, after).flat();
    const complaint = wrongOrder(flat, changed, after);
    if (complaint) t.fail(`seed ${seed}: ${complaint}`, { after, changed, flat });
  }
});

/** Services that depend only on those before them. */
function randomModel(random: Random): ComposeModel {
  const names = random.shuffle(['a', 'b', 'c', 'd', 'e']);
  const services = names.map((name, index) => {
    const on = names.slice(0, index).filter(() => random.below(3) === 0);
    const condition = random.pick(['service_started', 'service_started', 'service_healthy']);
    const shared = index > 0 && random.below(5) === 0 ? `service:${names[0]}` : undefined;
    return [
      name,
      {
        depends_on: Object.fromEntries(on.map((other) => [other, { condition }])),
        ...(shared === undefined ? {} : { network_mode: shared }),
      },
    ] as const;
  });
  return model(Object.fromEntries(services));
}

function wrongOrder(flat: readonly string[], changed: readonly string[], after: ComposeModel) {
  if (new Set(flat).size !== flat.length) return 'twice';
  const missing = changed.filter((name) => !flat.includes(name));
  if (missing.length > 0) return `without ${missing.join()}`;
  for (const [index, name] of flat.entries()) {
    const late = Object.keys(after.services[name]?.depends_on ?? {}).find(
      (other) => flat.indexOf(other) > index,
    );
    if (late !== undefined) return `${name} before ${late}`;
  }
  return undefined;
}
