import t from 'tap';
import type { EngineDiagnosis } from '../../src/core/engine-diagnosis.ts';
import { LAST_RUNG, USUAL_RUNG } from '../../src/core/engine-ladder.ts';
import type { RungName } from '../../src/core/engine-rungs.ts';
import type { RepairHost } from '../../src/host/repair-host.ts';
import { repairEngine, rungOfIncident } from '../../src/repair-engine.ts';
import { down, failing, orphan, well } from '../support/engine-diagnosis.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeWorld, type World } from '../support/fake-world.ts';

interface Machine {
  readonly host: RepairHost;
  readonly world: World;
  readonly taken: RungName[];
  readonly started: string[];
  readonly latched: string[];
}

/** A machine whose engine is as the last of these says, each after one more rung. */
function machine(
  states: readonly EngineDiagnosis[],
  world = makeWorld({ old: { model: { services: {} } } }, 'old'),
): Machine {
  const taken: RungName[] = [];
  const started: string[] = [];
  const latched: string[] = [];
  const { state, log } = fakeHost(world);
  const host: RepairHost = {
    state,
    log,
    now: () => new Date('2026-01-01T00:00:00Z'),
    diagnose: async () => states[Math.min(taken.length, states.length - 1)] ?? well,
    runningContainers: async () => (taken.length === 0 ? ['web', 'db'] : []),
    take: async (rung) => {
      taken.push(rung);
      if (rung === 'kill-dockerd') throw new Error('systemctl failed');
    },
    untilStarted: async () => {},
    settle: async () => {},
    pause: async () => {},
    isStopping: () => false,
    startEnded: async (ids) => {
      started.push(...ids);
      return [];
    },
    collectEvidence: async () => '/state/evidence.txt',
    latch: async (reason) => void latched.push(reason),
  };
  return { host, world, taken, started, latched };
}
const wish = { isDry: false, maxRung: USUAL_RUNG };

await t.test('an engine that works is left alone', async (t) => {
  const { host, taken, world } = machine([well]);
  t.match(await repairEngine(host, wish), { state: 'well', rungs: [] });
  t.same(taken, []);
  t.equal(world.files.size, 0);
});

await t.test('the least that can help, then another look', async (t) => {
  const { host, taken, started, world } = machine([down, failing({ ports: 'nobody' }), well]);
  const outcome = await repairEngine(host, wish);
  t.match(outcome, {
    state: 'repaired',
    complaints: [/^api: no answer/, /does not run \(exit-code\)/],
  });
  t.same(taken, ['start', 'restart-docker']);
  t.same(started, ['web', 'db'], 'what ran before runs again');
  t.notOk(
    [...world.files.keys()].some((name) => name.includes('incident')),
    'the incident is over',
  );
});

await t.test('a rung that fails is not the end', async (t) => {
  const hung = failing({ api: 'no answer within 3 s' });
  const { host, taken } = machine([hung, { ...down, socket: 'missing' }, well]);
  t.match(await repairEngine(host, wish), { state: 'repaired' });
  t.same(taken, ['kill-dockerd', 'start']);
});

await t.test(
  'nothing helps: a person, with what was seen; each rung once, also in the next run',
  async (t) => {
    const { host, taken, latched, world } = machine([down]);
    const outcome = await repairEngine(host, wish);
    t.match(outcome, { state: 'operator', evidence: '/state/evidence.txt' });
    t.match(latched, [/nothing that may be done helps: api: no answer/]);
    t.same(taken, ['start']);
    const again = machine([down], world);
    t.match(await repairEngine(again.host, wish), { state: 'operator' });
    t.same(again.taken, []);
  },
);

await t.test('a dry run and a highest rung', async (t) => {
  const broken = failing({ ports: 'nobody', tasks: 'x' }, { orphans: [orphan] });
  const { host, taken, world } = machine([broken]);
  const dry = await repairEngine(host, { ...wish, isDry: true });
  t.match(dry, {
    state: 'would repair',
    rungs: [{ number: 7 }, { number: 8, isReversible: false }],
  });
  t.same(taken, []);
  t.equal(world.files.size, 0);
  const low = machine([broken]);
  t.match(await repairEngine(low.host, { ...wish, maxRung: 7 }), { state: 'operator' });
  t.same(low.taken, ['restart-docker']);
});

await t.test('what was only slow is not touched', async (t) => {
  const { host, taken, world } = machine([failing({ api: 'no answer within 3 s' })]);
  let looks = 0;
  const diagnose = async (): Promise<EngineDiagnosis> => {
    looks += 1;
    return looks === 1 ? failing({ api: 'no answer within 3 s' }) : well;
  };
  t.match(await repairEngine({ ...host, diagnose }, wish), { state: 'well' });
  t.same(taken, []);
  t.equal(world.files.size, 0);
});

await t.test('no room: nothing is ended', async (t) => {
  const full = {
    container: 'failed to create shim task: write /x: no space left on device',
    ports: 'x',
  };
  const { host, taken } = machine([failing(full)]);
  t.match(await repairEngine(host, wish), { state: 'operator' });
  t.same(taken, []);
});

await t.test('what ran before and does not start is named', async (t) => {
  const { host } = machine([down, well]);
  const broken = { ...host, startEnded: async () => ['web: port is already allocated'] };
  const outcome = await repairEngine(broken, wish);
  t.match(outcome, { state: 'half', summary: /works again.*do not start: web: port/ });
});

await t.test('evidence that cannot be kept does not keep the latch from being set', async (t) => {
  const { host, latched } = machine([down]);
  const full = { ...host, collectEvidence: () => Promise.reject(new Error('no space left')) };
  t.match(await repairEngine(full, wish), { state: 'operator' });
  t.equal(latched.length, 1);
});

await t.test('what is broken in another way each time is for a person', async (t) => {
  const { host, taken, latched } = machine([well]);
  const ways = [failing({ ports: 'x' }), failing({ container: 'unsupported shim version' })];
  let looks = 0;
  const diagnose = async (): Promise<EngineDiagnosis> => ways[(looks += 1) % 2] ?? well;
  t.match(await repairEngine({ ...host, diagnose }, wish), { state: 'operator' });
  t.same(taken, []);
  t.equal(latched.length, 1);
});

await t.test(
  'volumes that could not be brought back are never taken for those of the cluster',
  async (t) => {
    const { host, taken, latched } = machine([
      { ...well, cluster: 'lost' },
      { ...well, cluster: 'gone' },
    ]);
    const take = async (rung: RungName): Promise<void> => {
      taken.push(rung);
      throw new Error('the backup is damaged');
    };
    const outcome = repairEngine({ ...host, take }, { isDry: false, maxRung: LAST_RUNG });
    await t.resolveMatch(outcome, { state: 'operator' });
    t.same(taken, ['restore']);
    t.equal(latched.length, 1);
  },
);

await t.test('what keeps the cluster from being looked at is told', async (t) => {
  const outcome = await repairEngine(
    machine([{ ...well, clusterHindrance: 'on hold' }]).host,
    wish,
  );
  t.match(outcome, { state: 'well', summary: /not looked at: on hold/ });
});

await t.test('what a person could allow is told', async (t) => {
  const { host, taken, latched } = machine([{ ...down, isRootAtFault: true }]);
  const outcome = await repairEngine(host, wish);
  t.same(taken, ['start']);
  t.match(outcome, { state: 'operator', summary: /rung 16 .*engine repair --max-rung 16/ });
  t.match(latched, [/--max-rung 16/]);
});

await t.test('a reboot is not waited for, and whoever comes next knows of it', async (t) => {
  const { host, taken } = machine([down]);
  const outcome = await repairEngine(host, { isDry: false, maxRung: LAST_RUNG });
  t.match(outcome, { state: 'rebooting', summary: /rebooted/ });
  t.same(taken, ['start', 'reboot']);
  t.equal(await rungOfIncident(host), LAST_RUNG);
  const again = await repairEngine(host, { isDry: false, maxRung: LAST_RUNG });
  t.match(again, { state: 'operator' }, 'once');
});

await t.test('on a full disk room is made, although nothing can be written', async (t) => {
  const full = failing({ container: 'x' }, { disk: 'room' });
  const { host } = machine([full, well]);
  const state = { ...host.state, write: () => Promise.reject(new Error('ENOSPC')) };
  await t.resolveMatch(repairEngine({ ...host, state }, wish), { state: 'repaired' });
  const useless = machine([full]);
  const outcome = repairEngine({ ...useless.host, state }, wish);
  await t.resolveMatch(outcome, { state: 'operator' });
  t.same(useless.taken, ['make-room'], 'once');
});
