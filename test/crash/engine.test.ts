import t, { type Test } from 'tap';
import type { EngineOutcome } from '../../src/engine-outcome.ts';
import { InterruptedError } from '../../src/errors.ts';
import { rollEngineBack } from '../../src/take-engine-back.ts';
import { recoverEngine, upgradeEngine } from '../../src/upgrade-engine.ts';
import {
  changes,
  engineWorld,
  fakeEngineHost,
  Gone,
  rebootEngine,
  type EngineWorld,
  type Fate,
} from '../support/fake-engine.ts';

const wish = { settleSeconds: 5, holdSeconds: 30 };
const asked = { ...wish, changes, clients: [], liveRestore: true };
type Act = (world: EngineWorld, fate: Fate) => Promise<EngineOutcome | undefined>;

const upgrade: Act = (world, fate) => upgradeEngine(fakeEngineHost(world, fate), asked);
const rollback: Act = (world, fate) => rollEngineBack(fakeEngineHost(world, fate), wish);
const withoutLiveRestore: Act = (world, fate) =>
  upgradeEngine(fakeEngineHost(world, fate), { ...asked, liveRestore: false });
const recover: Act = (world, fate) => recoverEngine(fakeEngineHost(world, fate), wish);

/** One whole engine, verified; the cluster runs; nothing of ours is left in the way. */
function expectWhole(t: Test, world: EngineWorld, what: string): void {
  t.equal(world.latched, undefined, what);
  t.not(world.installed, 'mixed', what);
  t.equal(world.runs, world.installed, what);
  t.not(world.db, 0, what);
  t.not(world.web, 0, what);
  t.notOk(world.files.has('engine-transaction.json'), what);
  t.notOk(world.isLiveRestoreConfigured, what);
  const held = world.wasTouched ? ['containerd', 'docker.io'] : world.heldBefore;
  t.same(world.held.toSorted(), held, `${what}: held`);
}

/** What a boot leaves ended is started by `recover` of the cluster, where nothing of the engine was touched. */
async function upTo(act: Act, world: EngineWorld, fate: Fate): Promise<'gone' | 'ended'> {
  try {
    const outcome = await act(world, fate);
    const isUntouched = outcome === undefined || outcome.state === 'aborted';
    if (isUntouched && world.boot > 1 && world.db === 0) world.db = 300;
    return 'ended';
  } catch (error) {
    const isForeseen = error instanceof Gone || error instanceof InterruptedError;
    if (!isForeseen && world.files.has('engine-transaction.json')) throw error;
    return 'gone';
  }
}

/** Cut at every effect, then again at every effect of what sees to it; by a kill, and by a power cut. */
async function cutEverywhere(t: Test, act: Act, make: () => Promise<EngineWorld>, isBad: boolean) {
  let rounds = 0;
  for (const isPowerCut of [false, true]) {
    for (let cut = 1; ; cut++) {
      const world = await make();
      if ((await upTo(act, world, { cutAt: world.effects + cut, isBad })) === 'ended') break;
      for (let again = 0; ; again++) {
        const second = structuredClone(world);
        if (isPowerCut) rebootEngine(second, { isBad });
        const cutAt = again === 0 ? {} : { cutAt: second.effects + again };
        const ended = await upTo(recover, second, { ...cutAt, isBad });
        if (ended === 'gone') {
          if (isPowerCut) rebootEngine(second, { isBad });
          await upTo(recover, second, { isBad });
        }
        rounds += 1;
        const what = `cut at ${cut}, then at ${again}${isPowerCut ? ', power' : ''}`;
        expectWhole(t, second, what);
        if (isBad) t.equal(second.installed, 'old', what);
        if (again > 0 && ended === 'ended') break;
      }
    }
  }
  t.comment(`${rounds} histories`);
  t.ok(rounds > 100);
}

/** A person holds a part of it. */
const partlyHeld = async (): Promise<EngineWorld> => engineWorld(['containerd']);
const fresh = async (): Promise<EngineWorld> => engineWorld();
const upgraded = async (): Promise<EngineWorld> => {
  const world = engineWorld();
  await upgrade(world, {});
  return world;
};

await t.test('a good engine: the new one, or the old one', (t) =>
  cutEverywhere(t, upgrade, fresh, false),
);
await t.test('what a person held before is held after, and nothing else', (t) =>
  cutEverywhere(t, upgrade, partlyHeld, false),
);
await t.test('a bad engine: the old one', (t) => cutEverywhere(t, upgrade, fresh, true));
await t.test('the way back', (t) => cutEverywhere(t, rollback, upgraded, false));

await t.test('nobody is restarted by a good engine, and all is held', async (t) => {
  const world = engineWorld();
  t.equal((await upgrade(world, {}))?.state, 'done');
  expectWhole(t, world, 'done');
  t.same([world.db, world.web], [100, 200]);
  t.same(world.held, ['docker.io', 'containerd']);
  t.equal((await rollback(world, {}))?.state, 'done');
  t.equal(world.installed, 'old');
  await t.rejects(rollback(world, {}), /no upgrade of the engine is known/);
});

await t.test('holds that cannot be released are told', async (t) => {
  const world = engineWorld();
  t.equal(await upTo(upgrade, world, { cutAt: 7 }), 'gone');
  t.ok(world.files.has('engine-transaction.json') && !world.wasTouched);
  const host = {
    ...fakeEngineHost(world),
    unhold: async () => Promise.reject(new Error('locked')),
  };
  t.match((await recoverEngine(host, wish))?.summary, /apt-mark unhold docker\.io containerd/);
});

await t.test('a bad engine is taken back, and says why', async (t) => {
  const world = engineWorld();
  t.match(await upgrade(world, { isBad: true }), {
    state: 'taken back',
    problems: [/does not start/],
  });
  expectWhole(t, world, 'taken back');
});

await t.test(
  'without live-restore: what ends well when it is stopped is started again',
  async (t) => {
    const world = engineWorld();
    t.equal((await withoutLiveRestore(world, {}))?.state, 'done');
    expectWhole(t, world, 'done');
    await cutEverywhere(t, withoutLiveRestore, fresh, false);
    await cutEverywhere(t, withoutLiveRestore, fresh, true);
  },
);

await t.test('packages that do not install: the old ones, or a person is told', async (t) => {
  const world = engineWorld();
  t.match(await upgrade(world, { doesNotInstall: 'new' }), {
    state: 'taken back',
    problems: [/no space left/],
  });
  expectWhole(t, world, 'taken back');
  const full = engineWorld();
  const host = {
    ...fakeEngineHost(full),
    install: async () => {
      full.installed = 'mixed';
      throw new Error('no space left on device');
    },
  };
  const outcome = await upgradeEngine(host, asked);
  t.equal(outcome.state, 'operator', 'an old dockerd that still answers does not count');
  t.match(outcome.problems.join(), /not all installed, or not whole/);
  t.match(full.latched, /no space left/);
  t.ok(full.kept.has('old'), 'what a second try needs is kept');
  t.equal((await recover(full, {}))?.state, 'operator');
  t.equal(full.installed, 'mixed', 'nothing is changed while a person is waited for');
  full.latched = undefined;
  const again = await recover(full, {});
  t.equal(again?.state, 'taken back', 'after an acknowledgement it is tried again');
  expectWhole(t, full, 'acknowledged');
});

await t.test('a live-restore that could not be switched off is told', async (t) => {
  for (const isBad of [false, true]) {
    const world = engineWorld();
    const said: string[] = [];
    const host = fakeEngineHost(world, { isBad });
    const outcome = await upgradeEngine(
      {
        ...host,
        switchLiveRestoreOff: async () => 'live-restore stays on: type this',
        log: { ...host.log, warn: (text: string) => void said.push(text) },
      },
      asked,
    );
    t.equal(outcome.state, isBad ? 'taken back' : 'done');
    t.match(outcome.summary, /; live-restore stays on: type this$/);
    t.match(said.join('\n'), /live-restore stays on: type this/);
  }
  const world = engineWorld();
  const host = {
    ...fakeEngineHost(world),
    switchLiveRestoreOff: async () => Promise.reject(new Error('read-only file system')),
  };
  const outcome = await upgradeEngine(host, asked);
  t.equal(outcome.state, 'done', 'what is done is done');
  t.match(outcome.summary, /; live-restore may be on still: read-only file system$/);
});

await t.test('what cannot change is not waited for, what may is', async (t) => {
  const patient = { ...asked, settleSeconds: 1000 };
  const world = engineWorld();
  const host = fakeEngineHost(world);
  const asVfs = async () => {
    const view = await host.view();
    return world.runs === 'new' ? { ...view, storageDriver: 'vfs' } : view;
  };
  const outcome = await upgradeEngine({ ...host, view: asVfs }, patient);
  t.match(outcome, { state: 'taken back', problems: [/vfs instead of overlay2/] });
  t.ok(world.nowMs < 100_000, `${world.nowMs} ms`);
  const slow = engineWorld();
  const late = fakeEngineHost(slow);
  const probe = async () => {
    const probes = await late.probe();
    const isLate = slow.runs === 'new' && slow.nowMs < 600_000;
    const detail = 'what was run in a new container did not end within 20 s';
    const failed = { name: 'container', state: 'failed', detail, seconds: 20 } as const;
    return isLate ? [...probes, failed] : probes;
  };
  t.equal((await upgradeEngine({ ...late, probe }, patient)).state, 'done', 'only slow');
});

await t.test('a shutdown at any moment blames nobody', async (t) => {
  for (const isBad of [false, true]) {
    for (let stopAt = 1; ; stopAt++) {
      const world = engineWorld();
      const ended = await upTo(upgrade, world, { stopAt, isBad });
      if (world.effects < stopAt) break;
      rebootEngine(world, { isBad });
      await upTo(recover, world, { isBad });
      expectWhole(t, world, `stopped at ${stopAt}, ${ended}`);
    }
  }
});

await t.test('a transaction that cannot be read is for a person', async (t) => {
  const world = engineWorld();
  world.files.set('engine-transaction.json', '{"id":');
  t.equal((await recover(world, {}))?.state, 'operator');
  t.match(world.latched, /damaged.*rm /);
});
