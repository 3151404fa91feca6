import t from 'tap';
import { diffModels, touchedServices, type Change } from '../../../src/core/diff.ts';
import type { ComposeModel } from '../../../src/core/compose-model.ts';
import { model, type Services } from '../../support/builders.ts';
import { randomFrom, randomJson, reordered, type Random } from '../../support/random.ts';

const web = { image: 'web:1', ports: [{ published: '8082' }] };
const db = { image: 'db:1', environment: { A: '1', B: '2' } };

await t.test('nothing differs, whatever the order of keys', async (t) => {
  const before = model({ web, db }, { networks: { default: { name: 'n', ipam: {} } } });
  const after = {
    networks: { default: { ipam: {}, name: 'n' } },
    services: { db: { environment: { B: '2', A: '1' }, image: 'db:1' }, web },
    name: 'shop',
  };
  t.same(diffModels(before, after), []);
});

await t.test('services: added, removed, image, changed; in name order', async (t) => {
  const before = model({ web, db, old: { image: 'old:1' } });
  const after = model({
    web: { ...web, image: 'web:2' },
    db: { ...db, environment: { A: '1', B: '3' }, restart: 'always' },
    new: { image: 'new:1' },
  });
  t.same(diffModels(before, after), [
    { kind: 'changed', service: 'db', fields: ['environment', 'restart'] },
    { kind: 'added', service: 'new' },
    { kind: 'removed', service: 'old' },
    { kind: 'image', service: 'web', from: 'web:1', to: 'web:2' },
  ]);
});

await t.test('an image and something else is a change, not only an image', async (t) => {
  const after = model({ web: { ...web, image: 'web:2', user: '1' } });
  t.same(diffModels(model({ web }), after), [
    { kind: 'changed', service: 'web', fields: ['image', 'user'] },
  ]);
});

await t.test('the order of a list is a change: ports, commands', async (t) => {
  const one = model({ web: { command: ['a', 'b'] } });
  const other = model({ web: { command: ['b', 'a'] } });
  t.same(diffModels(one, other), [{ kind: 'changed', service: 'web', fields: ['command'] }]);
});

await t.test('a service under a new name is a rename, matched one to one', async (t) => {
  t.same(diffModels(model({ web }), model({ front: web })), [
    { kind: 'renamed', service: 'front', from: 'web' },
  ]);
  t.same(diffModels(model({ a: web, b: web }), model({ c: web })), [
    { kind: 'removed', service: 'b' },
    { kind: 'renamed', service: 'c', from: 'a' },
  ]);
  t.same(diffModels(model({ a: web }), model({ b: web, c: web })), [
    { kind: 'renamed', service: 'b', from: 'a' },
    { kind: 'added', service: 'c' },
  ]);
  t.same(diffModels(model({ web }), model({ front: { ...web, image: 'web:2' } })), [
    { kind: 'added', service: 'front' },
    { kind: 'removed', service: 'web' },
  ]);
});

await t.test('networks, volumes, configs and secrets, in that order', async (t) => {
  const before = model(
    {},
    {
      networks: { default: { name: 'n' }, old: null },
      volumes: { data: { name: 'd' } },
      secrets: { key: { file: '/a' } },
    },
  );
  const after = model(
    {},
    {
      networks: { default: { name: 'n', internal: true } },
      configs: { app: { content: 'x' } },
      secrets: { key: { file: '/b' } },
    },
  );
  t.same(
    diffModels(before, after).map((change) =>
      change.kind === 'resource' ? `${change.section} ${change.name} ${change.what}` : change,
    ),
    [
      'networks default changed',
      'networks old removed',
      'volumes data removed',
      'configs app added',
      'secrets key changed',
    ],
  );
});

await t.test('touched are the services that get a container', async (t) => {
  const changes: Change[] = [
    { kind: 'removed', service: 'gone' },
    { kind: 'renamed', service: 'z', from: 'y' },
    { kind: 'image', service: 'b', from: '1', to: '2' },
    { kind: 'added', service: 'a' },
    { kind: 'resource', section: 'volumes', name: 'v', what: 'added' },
  ];
  t.same(touchedServices(changes), ['a', 'b', 'z']);
});

await t.test('any two models: what is told is what differs', async (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomFrom(seed);
    const before = randomModel(random);
    const after = randomModel(random);
    const changes = diffModels(before, after);
    const complaint = wrongIn(changes, before, after);
    if (complaint) t.fail(`seed ${seed}: ${complaint}`, { before, after, changes });
    if (diffModels(before, reordered(random, before) as ComposeModel).length > 0) {
      t.fail(`seed ${seed}: key order`, { before });
    }
  }
});

function randomModel(random: Random): ComposeModel {
  const names = ['a', 'b', 'c', 'd'].filter(() => random.below(2) === 0);
  const services: Services = Object.fromEntries(
    names.map((name) => [name, { image: random.pick(['i', 'j']), x: randomJson(random, 1) }]),
  );
  return model(services);
}

/** Applies the changes by name and says what does not fit. */
function wrongIn(changes: readonly Change[], before: ComposeModel, after: ComposeModel) {
  const names = new Set(Object.keys(before.services));
  for (const change of changes) {
    if (change.kind === 'removed') names.delete(change.service);
    if (change.kind === 'renamed') names.delete(change.from);
    if (change.kind === 'added' || change.kind === 'renamed') names.add(change.service);
  }
  const expected = Object.keys(after.services).toSorted().join();
  if ([...names].toSorted().join() !== expected) return `${[...names].join()} for ${expected}`;
  if (changes.length === 0 && JSON.stringify(before) !== JSON.stringify(after)) return 'unseen';
  return undefined;
}
