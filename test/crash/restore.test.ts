import t from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import { recover } from '../../src/recover.ts';
import { rollBackByHand } from '../../src/roll-back-by-hand.ts';
import type { Swap } from '../../src/core/swap.ts';
import { update } from '../../src/update.ts';
import { broken, config, run, worldAt } from '../support/crash-world.ts';
import { fakeHost, type Disturbance } from '../support/fake-host.ts';
import { reboot, runningRelease, type World } from '../support/fake-world.ts';

/** At `good`, with data that is to be replaced, and a backup of `of`. */
async function worldToRestore(target: string): Promise<{ world: World; backup: string }> {
  const world = worldAt('good');
  await run(world);
  const backup = `20260101T000000Z-${target}`;
  world.backups.add(backup);
  return { world, backup };
}

const contentsOf = (world: World): string | undefined => world.data.get('/volumes/data')?.contents;

/** The data is that of its release; nothing of what was there before is lost, nothing of ours is left. */
function wrong(world: World, backup: string): string | undefined {
  const live = contentsOf(world);
  const all = [...world.data.values()].map(({ contents }) => contents);
  if (!all.includes('live')) return `what was there before is gone: ${all.join(', ')}`;
  if (live !== 'live' && live !== backup) return `the live data is ${live}`;
  if (live === 'live' && all.length > 1) return `left behind: ${all.join(', ')}`;
  if (world.volumes.length !== world.data.size) return 'a volume without data, or data without one';
  return undefined;
}

await t.test(
  'undisturbed: the release and the data of the backup, what was there is kept',
  async (t) => {
    for (const target of ['old', 'good']) {
      const { world, backup } = await worldToRestore(target);
      const outcome = await rollBackByHand(fakeHost(world), config, { to: backup, withData: true });
      t.match(outcome, { result: 'updated', exitCode: 0 });
      t.match(outcome.summary, new RegExp(`with the data of ${backup}.*volume data_replaced_`));
      t.equal(broken(world, [target]), undefined);
      t.equal(contentsOf(world), backup);
      t.equal(wrong(world, backup), undefined);
      t.notMatch(
        world.files.get('quarantine.json') ?? '',
        `"commit":"${target}"`,
        'what runs is not held',
      );
    }
  },
);

async function disturbed(
  target: string,
  disturbances: readonly Disturbance[],
): Promise<{ world: World; backup: string }> {
  const { world, backup } = await worldToRestore(target);
  const [first, ...others] = disturbances;
  await rollBackByHand(fakeHost(world, first), config, { to: backup, withData: true }).catch(
    () => {},
  );
  reboot(world);
  for (const disturbance of others) {
    await recover(fakeHost(world, disturbance), config).catch(() => {});
    reboot(world);
  }
  await recover(fakeHost(world), config);
  return { world, backup };
}

/** The data of the backup is there with its release, the data of before with the other. */
function brokenRestore(world: World, backup: string, target: string): string | undefined {
  const release = broken(world, ['good', target]);
  const data = wrong(world, backup);
  if (release !== undefined || data !== undefined) return release ?? data;
  const wanted = runningRelease(world) === target ? backup : 'live';
  const isBoth = target === 'good';
  return isBoth || contentsOf(world) === wanted
    ? undefined
    : `${runningRelease(world)} runs with ${contentsOf(world)}`;
}

await t.test('a power cut before and during any effect: old with old, new with new', async (t) => {
  for (const target of ['old', 'good']) {
    const { world, backup } = await worldToRestore(target);
    const start = world.effects;
    await rollBackByHand(fakeHost(world), config, { to: backup, withData: true });
    const effects = world.effects - start;
    const problems: string[] = [];
    const ends = new Set<string | undefined>();
    for (let cut = 0; cut < effects; cut++) {
      for (const how of [{ cutBefore: cut }, { cutDuring: cut }]) {
        const life = await disturbed(target, [how]);
        const problem = brokenRestore(life.world, life.backup, target);
        ends.add(contentsOf(life.world));
        if (problem) problems.push(`${JSON.stringify(how)}: ${problem}`);
      }
    }
    t.same(problems.slice(0, 5), [], `${target}: ${effects} effects`);
    t.same(ends.size, 2, 'both ends were seen');
  }
});

await t.test('a second cut in the recovery of the first', async (t) => {
  for (const target of ['old', 'good']) {
    const problems: string[] = [];
    for (let first = 0; first < 90; first += 3) {
      for (let second = 0; second < 60; second += 2) {
        const life = await disturbed(target, [{ cutBefore: first }, { cutDuring: second }]);
        const problem = brokenRestore(life.world, life.backup, target);
        if (problem) problems.push(`cuts ${first}, ${second}: ${problem}`);
      }
    }
    t.same(problems.slice(0, 5), [], target);
  }
});

await t.test('a restored release that is sick: what was there before comes back', async (t) => {
  const { world } = await worldToRestore('old');
  const backup = '20260102T000000Z-bad';
  world.backups.add(backup);
  const outcome = await rollBackByHand(fakeHost(world), config, { to: backup, withData: true });
  t.match(outcome, { result: 'rolled back', exitCode: 12 });
  t.equal(broken(world, ['good']), undefined);
  t.equal(contentsOf(world), 'live');
  t.equal(wrong(world, backup), undefined);
});

await t.test(
  'a Docker that is restarted while data changes places: nobody keeps what was',
  async (t) => {
    const { world, backup } = await worldToRestore('good');
    const usual = fakeHost(world);
    const stopped: string[] = [];
    const host = {
      ...usual,
      engine: {
        ...usual.engine,
        stop: async (container: { id: string; name: string }) => {
          stopped.push(container.name);
          await usual.engine.stop(container);
        },
      },
      swaps: {
        ...usual.swaps,
        exchange: async (swap: Swap) => {
          await usual.swaps.exchange(swap);
          stopped.length = 0;
          world.containers = world.containers.map((one) => ({ ...one, state: 'running' as const }));
        },
      },
    };
    t.match(await rollBackByHand(host, config, { to: backup, withData: true }), { exitCode: 0 });
    t.ok(stopped.includes('db'), 'it is started anew');
  },
);

await t.test('a damaged record of what changed places ends with a person', async (t) => {
  const { world, backup } = await worldToRestore('old');
  const start = world.effects;
  const whole = await worldToRestore('old');
  await rollBackByHand(fakeHost(whole.world), config, { to: whole.backup, withData: true });
  const effects = whole.world.effects - start;
  for (let cut = 0; cut < effects; cut++) {
    const { world: one } = await worldToRestore('old');
    await rollBackByHand(fakeHost(one, { cutBefore: cut }), config, {
      to: backup,
      withData: true,
    }).catch(() => {});
    if (contentsOf(one) !== backup) continue;
    const name = [...one.files.keys()].find((file) => file.endsWith('swaps.json')) ?? '';
    one.files.set(name, 'damaged');
    reboot(one);
    const outcome = await recover(fakeHost(one), config);
    t.match(outcome?.result, 'needs operator');
    t.match(outcome?.summary, 'record of what a restore replaced is damaged');
    t.ok(
      [...one.data.values()].some(({ contents }) => contents === 'live'),
      'nothing was lost',
    );
    return;
  }
  t.fail(`the data was never live in the middle: ${world.effects}`);
});

const withVolumes = (volumes: string) =>
  settleConfig(
    configSchema.parse({
      health: { urls: [], stable_seconds: 3, unhealthy_seconds: 5 },
      rollback: { volumes },
    }),
  );

await t.test(
  'rollback.volumes: the data of before the update comes back when asked for',
  async (t) => {
    for (const [policy, isBack] of [
      ['never', false],
      ['if-migrated', false],
      ['always', true],
    ] as const) {
      const world = worldAt('bad');
      const settings = withVolumes(policy);
      const options = { force: false, isAutomatic: true };
      t.match(await update(fakeHost(world), settings, options), { exitCode: 12 });
      t.equal(broken(world, ['old']), undefined);
      t.equal(contentsOf(world)?.startsWith('2026'), isBack, policy);
      t.ok([...world.data.values()].some(({ contents }) => contents === 'live'));
      t.equal(
        world.said.some((line) => /kept until you remove it: volume data_/.test(line)),
        isBack,
      );
    }
    const effects = 120;
    const problems: string[] = [];
    for (let cut = 0; cut < effects; cut++) {
      const world = worldAt('bad');
      const settings = withVolumes('always');
      const options = { force: false, isAutomatic: true };
      await update(fakeHost(world, { cutDuring: cut }), settings, options).catch(() => {});
      reboot(world);
      await recover(fakeHost(world), settings);
      const problem = broken(world, ['old']);
      if (problem) problems.push(`cut ${cut}: ${problem}`);
      const all = [...world.data.values()].map(({ contents }) => contents);
      if (!all.includes('live')) problems.push(`cut ${cut}: lost`);
      if (contentsOf(world) === 'half' || contentsOf(world) === '')
        problems.push(`cut ${cut}: half`);
    }
    t.same(problems.slice(0, 5), []);
  },
);
