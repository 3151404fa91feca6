/** `npm run engines`: how long each port is away while the engine is upgraded, beside a plain `apt-get install`. */
import t, { type Test } from 'tap';
import {
  expectEngine,
  change,
  NEW,
  OLD,
  processes,
  quickEngine,
  startForUpgrade,
} from '../engine-upgrade.ts';
import type { InstalledHost } from '../installed-host.ts';
import { healthTargets, startProber } from '../prober.ts';

const PORTS = { orchestrator: 8082, neurosync_s1: 5001, knowledge: 8200 };
const SIX = 'docker.io docker-cli containerd runc docker-compose docker-buildx';
/** The steps of a careful person: the packages, then each daemon. */
const PLAIN = `export DEBIAN_FRONTEND=noninteractive; apt-get install --yes --only-upgrade ${SIX}; systemctl restart docker`;
const DAEMON = '/etc/docker/daemon.json';

/** The longest time that a port was away, in milliseconds. */
async function outageOf(
  t: Test,
  host: InstalledHost,
  act: () => Promise<unknown>,
): Promise<number> {
  const prober = await startProber(healthTargets(host, PORTS));
  await act();
  await host.waitHealthy();
  const { targets } = await prober.stop();
  const away = Object.entries(targets).map(([name, { downMs }]) => ({ name, downMs }));
  t.comment(away.map(({ name, downMs }) => `${name} ${downMs} ms`).join(', '));
  return Math.max(...away.map(({ downMs }) => downMs));
}

async function plain(t: Test, host: InstalledHost, liveRestore: boolean): Promise<number> {
  if (liveRestore) {
    const before = await host.readFile(DAEMON);
    await host.writeFile(DAEMON, before.replace('{', '{ "live-restore": true,'));
    await host.bash('systemctl reload docker; sleep 1', { reject: true });
  }
  return outageOf(t, host, () => host.bash(PLAIN, { timeoutSeconds: 120, reject: true }));
}

await t.test('with live-restore, nobody is restarted', async (t) => {
  const bare = await startForUpgrade();
  t.teardown(() => bare.destroy());
  const theirs = await plain(t, bare, true);
  const host = await startForUpgrade();
  t.teardown(() => host.destroy());
  const before = await processes(host);
  const ours = await outageOf(t, host, async () => {
    const { exitCode, said } = await change(host, 'upgrade');
    t.equal(exitCode, 0, said);
  });
  t.comment(`longest outage of a port: ${ours} ms, apt-get: ${theirs} ms`);
  t.equal(await processes(host), before, 'no container was restarted');
  t.ok(ours <= theirs + 250, `${ours} ms, no more than ${theirs} ms`);
  await expectEngine(t, host, NEW);
  const back = await outageOf(t, host, () => change(host, 'rollback'));
  t.comment(`back: ${back} ms`);
  await expectEngine(t, host, OLD);
});

await t.test('without live-restore, all are restarted, and come back', async (t) => {
  const bare = await startForUpgrade();
  t.teardown(() => bare.destroy());
  const theirs = await plain(t, bare, false);
  const host = await startForUpgrade({ ...quickEngine, live_restore: false });
  t.teardown(() => host.destroy());
  const ours = await outageOf(t, host, async () => {
    const { exitCode, said } = await change(host, 'upgrade');
    t.equal(exitCode, 0, said);
  });
  t.comment(`longest outage of a port: ${ours} ms, apt-get: ${theirs} ms`);
  await expectEngine(t, host, NEW);
  t.equal((await host.cli('run')).exitCode, 0);
  const volumes =
    'docker volume ls -q | wc -l; docker network ls -q | wc -l; docker info -f "{{.Driver}}"';
  t.equal((await host.bash(volumes)).stdout, (await bare.bash(volumes)).stdout);
});
