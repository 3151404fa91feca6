import t from 'tap';
import { recover } from '../../src/recover.ts';
import { rollBackByHand } from '../../src/roll-back-by-hand.ts';
import {
  broken,
  config,
  effectsOf,
  live,
  old,
  releases,
  run,
  worldAt,
} from '../support/crash-world.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeWorld, reboot, runningRelease, type World } from '../support/fake-world.ts';

await t.test(
  'undisturbed: good is taken, bad is rolled back and held, text touches nothing',
  async (t) => {
    const good = worldAt('good');
    t.match(await run(good), { result: 'updated', exitCode: 0 });
    t.equal(broken(good, ['good']), undefined);
    t.match(await run(good), { result: 'nothing' });

    const bad = worldAt('bad');
    t.match(await run(bad), { result: 'rolled back', exitCode: 12 });
    t.equal(broken(bad, ['old']), undefined);
    const { effects } = bad;
    t.match(await run(bad), { result: 'held', exitCode: 0 });
    t.equal(bad.effects, effects, 'a held run changes nothing at all');

    const text = worldAt('text');
    const before = structuredClone(text.containers);
    t.match(await run(text), { result: 'updated' });
    t.same(text.containers, before);
    t.equal(text.tree.commit, 'text');
    t.notOk(
      [...text.backups].some((name) => name.startsWith('2026')),
      'no backup is made',
    );
  },
);

await t.test('a power cut before any effect leaves old or new, whole', async (t) => {
  for (const [tip, allowed, final] of [
    ['good', ['old', 'good'], 'good'],
    ['bad', ['old'], 'old'],
    ['text', ['old'], 'old'],
    ['mounted', ['old', 'mounted'], 'mounted'],
    ['restarted', ['old', 'restarted'], 'restarted'],
    ['both', ['old', 'both'], 'both'],
  ] as const) {
    const effects = await effectsOf(tip);
    t.ok(effects > 5, `${tip}: ${effects} effects`);
    const problems: string[] = [];
    for (let cut = 0; cut < effects; cut++) {
      const world = await live(tip, [{ cutBefore: cut }]);
      const problem = broken(world, allowed);
      if (problem) problems.push(`cut ${cut}: ${problem}`);
      await run(world);
      const later = broken(world, [final]);
      if (later) problems.push(`cut ${cut}, next run: ${later}`);
    }
    t.same(problems, [], tip);
  }
});

await t.test('a kill before any effect, with everything else running on', async (t) => {
  for (const [tip, final] of [
    ['good', 'good'],
    ['bad', 'old'],
    ['mounted', 'mounted'],
    ['restarted', 'restarted'],
  ] as const) {
    const effects = await effectsOf(tip);
    const problems: string[] = [];
    for (let cut = 0; cut < effects; cut++) {
      const world = worldAt(tip);
      await run(world, { cutBefore: cut }).catch(() => {});
      await recover(fakeHost(world), config);
      const problem = broken(world, ['old', final]);
      if (problem) problems.push(`kill ${cut}: ${problem}`);
      await run(world);
      const later = broken(world, [final]);
      if (later) problems.push(`kill ${cut}, next run: ${later}`);
    }
    t.same(problems, [], tip);
  }
});

await t.test('a second cut, anywhere in the recovery of the first', async (t) => {
  for (const [tip, allowed] of [
    ['good', ['old', 'good']],
    ['bad', ['old']],
    ['both', ['old', 'both']],
  ] as const) {
    const effects = await effectsOf(tip);
    const problems: string[] = [];
    let lives = 0;
    for (let first = 0; first < effects; first++) {
      for (let second = 0; second < effects; second++) {
        const world = await live(tip, [{ cutBefore: first }, { cutBefore: second }]);
        lives += 1;
        const problem = broken(world, allowed);
        if (problem) problems.push(`cuts ${first}, ${second}: ${problem}`);
      }
    }
    t.same(problems.slice(0, 5), [], `${tip}: ${lives} lives`);
  }
});

await t.test(
  'a stop signal before any effect leaves old or new, and is not held against it',
  async (t) => {
    const effects = await effectsOf('good');
    const problems: string[] = [];
    for (let stop = 0; stop < effects; stop++) {
      const world = worldAt('good');
      const outcome = await run(world, { stopBefore: stop }).catch(() => undefined);
      const problem = broken(world, ['old', 'good']);
      if (problem) problems.push(`stop ${stop}: ${problem}`);
      if (outcome?.result === 'rolled back') problems.push(`stop ${stop}: the release was blamed`);
      await run(world);
      const later = broken(world, ['good']);
      if (later) problems.push(`stop ${stop}, next run: ${later}`);
    }
    t.same(problems, []);
  },
);

await t.test('a release that the host crashes with twice is quarantined', async (t) => {
  const effects = await effectsOf('good');
  const world = worldAt('good');
  // Late in the run, when the new containers are being applied.
  const cut = { cutBefore: Math.floor(effects * 0.6) };
  for (const _ of [1, 2]) {
    await run(world, cut).catch(() => {});
    reboot(world);
    await recover(fakeHost(world), config);
  }
  t.match(await run(world), { result: 'held' });
  t.equal(broken(world, ['old']), undefined);
});

async function updated(): Promise<World> {
  const world = worldAt('good');
  await run(world);
  return world;
}

await t.test('a rollback by hand is as safe, and pins what was left', async (t) => {
  const clean = await updated();
  const before = clean.effects;
  t.match(await rollBackByHand(fakeHost(clean), config, {}), { exitCode: 0 });
  t.equal(broken(clean, ['old']), undefined);
  t.match(await run(clean), { result: 'held' });
  for (let cut = 0; cut < clean.effects - before; cut++) {
    const world = await updated();
    await rollBackByHand(fakeHost(world, { cutBefore: cut }), config, {}).catch(() => {});
    reboot(world);
    await recover(fakeHost(world), config);
    const problem = broken(world, ['old', 'good']);
    if (problem) t.fail(`cut ${cut}: ${problem}`);
    const isBack = runningRelease(world) === 'old';
    t.match(await run(world), { result: isBack ? 'held' : 'nothing' }, `cut ${cut}`);
  }
});

await t.test('an old release that does not come back latches for an operator', async (t) => {
  const sickOld = { ...releases, old: { ...old, sick: ['db'] } };
  const world = makeWorld(sickOld, 'old');
  // Healthy when the baseline is taken; whatever is made anew is not.
  world.containers = world.containers.map((one) => ({ ...one, health: 'healthy' }));
  world.tip = 'bad';
  t.match(await run(world), { result: 'needs operator', exitCode: 13 });
  const { effects } = world;
  t.match(await run(world), { result: 'needs operator', exitCode: 13 });
  t.equal(world.effects, effects, 'nothing is changed while it is latched');
});
