/** `npm run engines`: upgrades of the engine that are killed, and hosts whose power is cut in the middle of one. */
import t, { type Test } from 'tap';
import { enginePhases, type EnginePhase } from '../../../src/core/engine-transaction.ts';
import {
  change,
  engineOf,
  expectEngine,
  NEW,
  OLD,
  startForUpgrade,
  waitForEngineUnit,
} from '../engine-upgrade.ts';
import { randomFrom } from '../../support/random.ts';
import { waitUntilIdle } from '../picture.ts';

const rounds = Number(process.env['ENGINE_ROUNDS'] ?? 30);
const seed = Number(process.env['ENGINE_SEED'] ?? Date.now() % 100_000);
const random = randomFrom(seed);
t.comment(`seed ${seed}, ${rounds} random rounds`);

const host = await startForUpgrade({ hold_seconds: 2, settle_seconds: 20, start_seconds: 20 });
t.teardown(() => host.destroy());
const TRANSACTION = '/var/lib/orchestrator-update/engine-transaction.json';
const MAIN = 'kill -9 $(systemctl show -P MainPID orchestrator-engine.service)';
const DPKG = 'pkill -9 -x dpkg';
const DOCKERD = 'pkill -9 -x dockerd';

/** Asks for an upgrade, and returns when it has begun; the condition is looked at every 10 ms. */
async function begin(condition: string): Promise<void> {
  await host.bash(
    `systemctl reset-failed orchestrator-engine orchestrator-update-recover 2>/dev/null
     systemd-run --quiet --collect --unit=asker /usr/local/sbin/orchestrator-update engine upgrade
     for i in $(seq 1 6000); do ${condition} && exit 0; sleep 0.01; done; exit 1`,
    { reject: true, timeoutSeconds: 90 },
  );
}

type Blow = 'main' | 'dpkg and main' | 'dpkg' | 'dockerd and main' | 'power' | 'unsynced';
const blows: readonly Blow[] = [
  'main',
  'dpkg and main',
  'dpkg',
  'dockerd and main',
  'power',
  'unsynced',
];

async function strike(blow: Blow): Promise<void> {
  if (blow === 'power' || blow === 'unsynced') {
    await (blow === 'power' ? host.powerCut() : host.cutUnsynced());
    await host.boot();
    return;
  }
  const script = {
    main: MAIN,
    'dpkg and main': `${DPKG}; ${MAIN}`,
    dpkg: DPKG,
    'dockerd and main': `${DOCKERD}; ${MAIN}`,
  }[blow];
  await host.bash(script);
}

/** One whole engine, a healthy cluster, and what was written is there; then back to the old one. */
async function expectWhole(t: Test, kept: string): Promise<void> {
  await waitForEngineUnit(host);
  const { installed } = await engineOf(host);
  const isNew = installed.startsWith(NEW);
  t.comment(isNew ? 'the new engine' : 'the old engine');
  await expectEngine(t, host, isNew ? NEW : OLD, { isHeld: isNew });
  t.equal((await host.bash(KEPT)).stdout, kept, 'the volumes have all that was written');
  t.match(await host.bash(`ls ${TRANSACTION}`), { exitCode: 2 });
  // The recovery that is started with Docker, or at boot, has the lock for a moment.
  await waitUntilIdle(host);
  t.equal((await host.cli('recover')).exitCode, 0);
  t.equal((await host.cli('run')).exitCode, 0);
  if (!isNew) return;
  const back = await change(host, 'rollback');
  t.equal(back.exitCode, 0, back.said);
  await expectEngine(t, host, OLD);
}

const KEPT = 'cat /var/lib/docker/volumes/*/_data/kept | wc -l';
async function keep(): Promise<string> {
  const write = 'for v in /var/lib/docker/volumes/*/_data; do echo kept >>$v/kept; done; sync';
  return (await host.bash(`${write}; ${KEPT}`, { reject: true })).stdout;
}

/** With `ENGINE_PHASES=no` only the random rounds. */
const going: readonly EnginePhase[] =
  process.env['ENGINE_PHASES'] === 'no'
    ? []
    : enginePhases.filter((phase) => phase !== 'going back');
for (const phase of going) {
  for (const blow of ['main', 'unsynced'] as const) {
    await t.test(`${blow} at ${phase}`, async (t) => {
      const kept = await keep();
      await begin(`grep -q '"${phase}"\\]' ${TRANSACTION} 2>/dev/null`);
      await strike(blow);
      await expectWhole(t, kept);
    });
  }
}

for (let round = 1; round <= rounds; round++) {
  const blow = random.pick(blows);
  const afterMs = random.below(blow.includes('dpkg') ? 9000 : 18_000);
  await t.test(`round ${round}: ${blow} after ${afterMs} ms`, async (t) => {
    const kept = await keep();
    await begin(`test -e ${TRANSACTION}`);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await strike(blow);
    await expectWhole(t, kept);
  });
}
