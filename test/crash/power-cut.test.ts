import t from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { Outcome } from '../../src/outcome.ts';
import { recover } from '../../src/recover.ts';
import { rollBackByHand } from '../../src/roll-back-by-hand.ts';
import { update } from '../../src/update.ts';
import { fakeHost, type Disturbance } from '../support/fake-host.ts';
import {
  makeWorld,
  reboot,
  runningRelease,
  type FakeRelease,
  type World,
} from '../support/fake-world.ts';

const config = settleConfig(
  configSchema.parse({ health: { urls: [], stable_seconds: 3, unhealthy_seconds: 5 } }),
);
const service = (image: string, extra: object = {}) => ({ image, restart: 'always', ...extra });
const conf = { volumes: [{ type: 'bind', source: '/live/conf' }] };
const old = {
  model: {
    services: {
      web: service('web:1'),
      db: service('db:1', conf),
      gone: service('x:1'),
      reader: service('z:1', {
        volumes: [{ type: 'bind', source: '/live/rules' }],
        labels: { 'orchestrator-update.on-file-change': 'restart' },
      }),
    },
  },
};
const releases: Record<string, FakeRelease> = {
  old,
  good: {
    parent: 'old',
    model: {
      services: {
        web: service('web:2'),
        db: service('db:1', { environment: { A: '1' } }),
        added: service('y:1'),
      },
    },
  },
  bad: {
    parent: 'old',
    model: {
      services: { web: service('web:3'), db: service('db:1', { environment: { A: '2' } }) },
    },
    sick: ['web'],
  },
  text: { parent: 'old', ...old },
  // The same model; a file that db mounts is another.
  mounted: { ...old, parent: 'old', contents: { db: 'new' }, changedPaths: ['conf/db.conf'] },
  // The same for a service that is to be restarted: no container tells whether that was done.
  restarted: { ...old, parent: 'old', contents: { reader: 'new' }, changedPaths: ['rules/a.yml'] },
  // Another model of the service that mounts it, too.
  both: {
    parent: 'old',
    model: { services: { ...old.model.services, db: service('db:2', conf) } },
    contents: { db: 'new' },
    changedPaths: ['conf/db.conf', 'docker-compose.yml'],
  },
};

const run = (world: World, disturbance?: Disturbance): Promise<Outcome> =>
  update(fakeHost(world, disturbance), config, { force: false, isAutomatic: true });

function worldAt(tip: string): World {
  const world = makeWorld(releases, 'old');
  world.tip = tip;
  return world;
}

/** How many effects an undisturbed run has: each of them can be the last. */
async function effectsOf(tip: string): Promise<number> {
  const world = worldAt(tip);
  await run(world);
  return world.effects;
}

/** The promise, as an operator would check it. */
function broken(world: World, allowed: readonly string[]): string | undefined {
  const running = runningRelease(world);
  if (running === undefined) {
    return `containers are no whole release: ${world.containers.map((c) => `${c.name} ${c.state} ${c.image}`).join(', ')}`;
  }
  if (!allowed.includes(running)) return `${running} runs, not one of ${allowed.join(', ')}`;
  const sameModel =
    running === world.tree.commit ||
    releases[running]?.model === releases[world.tree.commit]?.model;
  if (!sameModel) return `the tree is at ${world.tree.commit}, the containers at ${running}`;
  if (world.tree.locked) return 'a lock was left in the work tree';
  if (world.files.has('active')) return 'the journal is still open';
  if (world.files.has('needs-operator.json')) return 'an operator is needed for nothing';
  if (world.partialBackups.size > 0) return 'half a backup was left';
  return undefined;
}

/** A whole life: disturbed runs, then the boot unit, then the next timer runs. */
async function live(tip: string, disturbances: readonly Disturbance[]): Promise<World> {
  const world = worldAt(tip);
  for (const disturbance of disturbances) {
    await run(world, disturbance).catch(() => {});
    reboot(world);
  }
  await recover(fakeHost(world), config);
  return world;
}

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
    t.equal(text.backups.size, 0);
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

await t.test('a rollback by hand is as safe, and pins what was left', async (t) => {
  const updated = async (): Promise<World> => {
    const world = worldAt('good');
    await run(world);
    return world;
  };
  const clean = await updated();
  const before = clean.effects;
  t.match(await rollBackByHand(fakeHost(clean), config, undefined), { exitCode: 0 });
  t.equal(broken(clean, ['old']), undefined);
  t.match(await run(clean), { result: 'held' });
  for (let cut = 0; cut < clean.effects - before; cut++) {
    const world = await updated();
    await rollBackByHand(fakeHost(world, { cutBefore: cut }), config, undefined).catch(() => {});
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
