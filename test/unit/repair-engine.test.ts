import t from 'tap';
import { engineProbeNames, type EngineProbe } from '../../src/core/engine-health.ts';
import type { EngineDiagnosis } from '../../src/core/engine-diagnosis.ts';
import { LAST_RUNG, rungsFor, USUAL_RUNG } from '../../src/core/engine-ladder.ts';
import type { RungName } from '../../src/core/engine-rungs.ts';
import type { RepairHost } from '../../src/host/repair-host.ts';
import { repairEngine, rungAfterReboot } from '../../src/repair-engine.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeWorld, type World } from '../support/fake-world.ts';

const well: EngineDiagnosis = {
  probes: engineProbeNames.map((name) => ({ name, state: 'ok', detail: '', seconds: 0 })),
  docker: { isActive: true, result: 'success' },
  socket: 'there',
  configProblem: undefined,
  hasGoodConfig: true,
  doesContainerdAnswer: true,
  orphans: [],
  halfInstalled: [],
  damaged: undefined,
  keepsImagesItself: true,
  canRecreate: true,
  damagedPackages: [],
  isRootAtFault: false,
  disk: 'well',
  cluster: 'there',
};

/** The same with some probes that fail. */
const failing = (details: Record<string, string>, more: Partial<EngineDiagnosis> = {}) => ({
  ...well,
  probes: well.probes.map((probe): EngineProbe =>
    details[probe.name] === undefined
      ? probe
      : { ...probe, state: 'failed', detail: details[probe.name] ?? '' },
  ),
  ...more,
});
const down = failing({ api: 'no answer' }, { docker: { isActive: false, result: 'exit-code' } });
const orphan = { id: 'a', pid: 1, status: 'RUNNING' };

const names = (
  diagnosis: EngineDiagnosis,
  tried: RungName[] = [],
  highest = USUAL_RUNG,
): RungName[] => rungsFor(diagnosis, tried, highest).map(({ name }) => name);

await t.test('what can help, the least first', async (t) => {
  t.same(names(well), []);
  t.same(names(down), ['start']);
  t.same(names(down, ['start']), []);
  const bad = { ...down, configProblem: 'invalid character' };
  t.same(names(bad), ['restore-config']);
  t.same(names({ ...bad, hasGoodConfig: false }), []);
  t.same(names(failing({ api: '' }, { socket: 'missing' })), ['renew-socket', 'kill-dockerd']);
  t.same(names(failing({ api: 'no answer within 3 s' })), ['kill-dockerd']);
  const shim = failing({ container: 'unsupported shim version (3)' });
  t.same(names(shim), ['restart-containerd', 'restart-docker']);
  t.same(
    names(failing({ container: 'x' }, { doesContainerdAnswer: false }))[0],
    'restart-containerd',
  );
  t.same(names(failing({ container: 'write /x: no space left on device' })), []);
  // A hung containerd makes Docker hang; one that is away keeps it from starting.
  for (const broken of [failing({ api: '' }), down])
    t.same(names({ ...broken, doesContainerdAnswer: false }), ['restart-containerd']);
  t.same(names(failing({ ports: 'nobody' })), ['restart-docker']);
  t.same(names(failing({ tasks: '' }, { orphans: [orphan] })), ['end-orphans']);
  t.same(names(failing({ ports: '', tasks: '' }, { orphans: [orphan] }), [], 7), [
    'restart-docker',
  ]);
  t.same(names({ ...well, halfInstalled: ['docker.io'] }), ['finish-packages']);
});

await t.test('the highest only where they are named, each for what it is for', async (t) => {
  const all = (diagnosis: EngineDiagnosis, tried: RungName[] = []): RungName[] =>
    names(diagnosis, tried, LAST_RUNG);
  const root = { ...down, isRootAtFault: true };
  t.same(names(root, ['start']), []);
  t.same(all(root, ['start']), ['renew-root', 'reboot']);
  t.same(all(root, ['start', 'renew-root']), ['reinstall', 'reboot']);
  t.same(all({ ...root, canRecreate: false }, ['start']), ['reboot']);
  t.same(all(down, ['start']), ['reboot'], 'what it keeps is not touched without a reason');
  const damaged = { ...root, damagedPackages: ['docker.io'] };
  t.same(all(damaged, ['start']), ['reinstall', 'reboot'], 'another dockerd may read it well');
  t.same(all({ ...well, damagedPackages: ['docker.io'] }), [], 'it works');
  const lost = { ...well, cluster: 'lost' } as const;
  t.same(names(lost), [], 'never an empty cluster in the place of one with data');
  t.same(all(lost), ['restore']);
  t.same(all({ ...lost, canRecreate: false }), []);
});

await t.test('a cluster that Docker does not know any more', async (t) => {
  const gone = { ...well, cluster: 'gone' } as const;
  t.same(names(gone), ['bring-up']);
  t.same(names({ ...gone, canRecreate: false }), []);
  t.same(names({ ...failing({ container: 'x' }), cluster: 'gone' }), ['restart-docker']);
});

await t.test('a full disk', async (t) => {
  const full = failing({ container: 'x' }, { disk: 'full' });
  t.same(names(full), [], 'a restart makes no room');
  t.same(names({ ...full, disk: 'room' }), ['make-room']);
  t.same(names({ ...full, disk: 'room' }, ['make-room']), []);
  t.same(names({ ...down, disk: 'room' }), ['make-room', 'start']);
});

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
  t.equal(await rungAfterReboot(host), LAST_RUNG);
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
