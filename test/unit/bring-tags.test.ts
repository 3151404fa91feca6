import t from 'tap';
import type { ImageAnswer } from '../../src/core/image-look.ts';
import { rollBackByHand } from '../../src/roll-back-by-hand.ts';
import { record, timer } from '../support/approval-world.ts';
import { fakeHost } from '../support/fake-host.ts';
import type { World } from '../support/fake-world.ts';
import { before, builtin, imageWorld, runs } from '../support/image-world.ts';

const HOUR_MS = 3_600_000;
const config = builtin();

/** The registry has a newer tag for what the tag policy of `web` allows. */
function offer(world: World, current: string, tag: string): void {
  const [id, digest] = [`id:web:${tag}`, `sha256:id:web:${tag}`];
  world.registry.set(`web:${tag}`, id);
  const pinned = `web:${tag}@${digest}`;
  const answer = { verdict: 'moved', tag, digest, platformDigest: digest, pinned } as const;
  world.answers.set(current, { ...answer, created: undefined } satisfies ImageAnswer);
  const same = { verdict: 'same', tag, digest, note: undefined } as const;
  world.answers.set(`web:${tag}`, same);
}

/** The tags that run, by service. */
const tags = (world: World): Record<string, string> =>
  Object.fromEntries(world.containers.map(({ service, image }) => [service, image]));

async function atNewerTag(): Promise<World> {
  const world = imageWorld();
  offer(world, 'web:1', '1.1');
  t.match(await timer(world, config), { result: 'updated' });
  return world;
}

await t.test('a newer tag is run, and the compose file says what it says', async (t) => {
  const world = await atNewerTag();
  t.same(tags(world), { web: 'web:1.1', db: 'db:1', twin: 'db:1' });
  t.same(record(world, 'deployed.json')?.['pins'], {
    web: { declared: 'web:1', reference: 'web:1.1' },
  });
  t.equal(world.pinned?.services['web']?.image, 'web:1.1');
  world.clockMs += 2 * HOUR_MS;
  t.match(await timer(world, config), { result: 'nothing' }, 'it is at rest');
});

await t.test('a bad one is taken back, and nothing is chosen', async (t) => {
  const world = imageWorld();
  offer(world, 'web:1', '1.1');
  world.sickImages.add('id:web:1.1');
  t.match(await timer(world, config), { result: 'rolled back', exitCode: 12 });
  t.same(runs(world), before);
  t.equal(world.pinned, undefined);
  t.equal(record(world, 'deployed.json')?.['pins'], undefined);
  world.clockMs += 2 * HOUR_MS;
  t.match(await timer(world, config), { result: 'held', summary: /web:1\.1 \(sha256/ });
});

await t.test('the newest of several steps; the one before comes back by hand', async (t) => {
  const world = await atNewerTag();
  offer(world, 'web:1.1', '1.2');
  world.clockMs += 2 * HOUR_MS;
  t.match(await timer(world, config), { result: 'updated' });
  t.match(record(world, 'deployed.json'), {
    pins: { web: { declared: 'web:1', reference: 'web:1.2' } },
  });
  t.match(await rollBackByHand(fakeHost(world), config, {}), { result: 'updated' });
  t.equal(tags(world)['web'], 'web:1.1');
  t.match(await rollBackByHand(fakeHost(world), config, {}), { result: 'updated' });
  t.equal(tags(world)['web'], 'web:1');
  t.equal(world.pinned, undefined, 'the files of the work tree count again');
  t.same(record(world, 'deployed.json')?.['pins'], {});
});

await t.test(
  'a release that names the same keeps it; one that names another ends it',
  async (t) => {
    const world = await atNewerTag();
    world.tip = 'text';
    t.match(await timer(world, config), { result: 'updated' });
    t.equal(tags(world)['web'], 'web:1.1');
    t.match(record(world, 'deployed.json'), { commit: 'text', pins: { web: {} } });
    world.tip = 'next';
    t.match(await timer(world, config), { result: 'updated' });
    t.equal(tags(world)['web'], 'web:2');
    t.equal(world.pinned, undefined);
    t.same(record(world, 'deployed.json')?.['pins'], {});
  },
);
