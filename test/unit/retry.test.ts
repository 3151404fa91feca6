import t from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { Host } from '../../src/host/host.ts';
import { delaySeconds } from '../../src/retry.ts';
import { update } from '../../src/update.ts';
import { InvalidReleaseError } from '../../src/errors.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeWorld, type World } from '../support/fake-world.ts';

const config = settleConfig(
  configSchema.parse({ health: { urls: [], stable_seconds: 3, unhealthy_seconds: 5 } }),
);
const web = (tag: string) => ({ model: { services: { web: { image: `web:${tag}` } } } });
const releases = {
  old: web('1'),
  good: { parent: 'old', ...web('2') },
  bad: { parent: 'old', ...web('3'), sick: ['web'] },
  /** A word in the README on top of the bad one. */
  same: { parent: 'bad', ...web('3') },
  mended: { parent: 'same', ...web('4') },
};
const MINUTE_MS = 60_000;
const automatic = { force: false, isAutomatic: true };
const byHand = { force: false, isAutomatic: false };

function worldAt(tip: string): World {
  const world = makeWorld(releases, 'old');
  world.tip = tip;
  return world;
}

await t.test('the delays double, end at six hours, and are never quite the same', async (t) => {
  t.equal(delaySeconds(1, 0.5), 300);
  t.equal(delaySeconds(3, 0.5), 1200);
  t.equal(delaySeconds(50, 0.5), 6 * 3600);
  t.equal(delaySeconds(1, 0), 225);
  t.equal(delaySeconds(1, 1), 375);
});

await t.test('what may go away is tried again later and later; by hand at once', async (t) => {
  const world = worldAt('good');
  world.registry.delete('web:2');
  const run = (options = automatic) => update(fakeHost(world), config, options);
  await t.rejects(run(), /not found/);
  t.match(await run(), { result: 'held', summary: /failed once .* not found/, exitCode: 0 });
  await t.rejects(run(byHand), /not found/, 'a person is not kept back');
  world.clockMs += 6 * MINUTE_MS;
  t.match(await run(), { result: 'held', summary: /failed 2 times/ });
  world.registry.set('web:2', 'id:web:2');
  world.clockMs += 5 * MINUTE_MS;
  t.match(await run(), { result: 'updated' });
});

await t.test('a clock that was set back does not keep it from being tried', async (t) => {
  const world = worldAt('good');
  world.registry.delete('web:2');
  await t.rejects(update(fakeHost(world), config, automatic));
  world.clockMs -= 365 * 24 * 60 * MINUTE_MS;
  world.registry.set('web:2', 'id:web:2');
  t.match(await update(fakeHost(world), config, automatic), { result: 'updated' });
});

await t.test('a new commit is not kept back by the failure of another', async (t) => {
  const world = worldAt('good');
  world.registry.delete('web:2');
  await t.rejects(update(fakeHost(world), config, automatic));
  world.tip = 'mended';
  t.match(await update(fakeHost(world), config, automatic), { result: 'updated' });
});

await t.test('a release that cannot be read is quarantined at once', async (t) => {
  const world = worldAt('good');
  const host = fakeHost(world);
  const refusing: Host = {
    ...host,
    compose: {
      ...host.compose,
      resolve: async (staging) => {
        if (staging.commit === 'good') throw new InvalidReleaseError('good', 'no yaml', 'push');
        return host.compose.resolve(staging);
      },
    },
  };
  await t.rejects(update(refusing, config, automatic), /no yaml/);
  t.match(await update(fakeHost(world), config, automatic), {
    result: 'held',
    summary: /quarantined: no yaml/,
  });
  t.match(await update(fakeHost(world), config, { force: true, isAutomatic: false }), {
    result: 'updated',
  });
});

await t.test(
  'a commit that does the same as a bad one is held, a mended one is taken',
  async (t) => {
    const world = worldAt('bad');
    t.match(await update(fakeHost(world), config, automatic), { result: 'rolled back' });
    world.tip = 'same';
    const { effects } = world;
    t.match(await update(fakeHost(world), config, automatic), {
      result: 'held',
      summary: /does the same as bad: not healthy/,
    });
    t.same(
      world.containers.map(({ image }) => image),
      ['web:1'],
    );
    t.ok(world.effects - effects <= 2, 'nothing but the record of it');
    world.tip = 'mended';
    t.match(await update(fakeHost(world), config, automatic), { result: 'updated' });
  },
);
