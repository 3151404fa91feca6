/** `npm run ladder`: every rung on a real host, twenty minutes; the suite plays two of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { machineText } from '../../../bench/figures.ts';
import { poll } from '../command.ts';
import { engineFaults } from '../engine-faults.ts';
import { offerEnginePackages } from '../engine-packages.ts';
import { LADDER_RESULTS, type LadderRow } from '../ladder-page.ts';
import { mends, repair, startForRepair } from '../engine-repair.ts';

const host = await startForRepair();
t.teardown(() => host.destroy());
// What is installed once more comes from somewhere.
await offerEnginePackages(host, ['stable', 'unstable']);

const rows: LadderRow[] = [];
const only = process.env['LADDER_ONLY'];
for (const [name, fault] of Object.entries(engineFaults)) {
  if (only !== undefined && !only.split(',').includes(name)) continue;
  await t.test(`rung ${fault.rungs.join(', ')}: ${fault.title}`, async (t) => {
    const seconds = await mends(t, host, fault);
    const { title, rungs } = fault;
    rows.push({ title, rungs, seconds });
  });
}
await t.test('rung 19: only a reboot helps', async (t) => {
  const title = 'a directory that only a boot makes anew is in the way';
  await host.bash(
    'touch /run/before-the-boot; systemctl stop docker.socket docker; mount -t tmpfs -o ro tmpfs /run/docker',
  );
  const startedAt = performance.now();
  const { exitCode, said } = await repair(host, '--max-rung', '19');
  t.equal(exitCode, 1, said);
  t.match(said, /this host is rebooted/);
  // It throws while the host is off: nothing can be asked then.
  const answers = (script: string): Promise<true | undefined> =>
    host.bash(script).then(
      ({ exitCode: code }) => (code === 0 ? true : undefined),
      () => undefined,
    );
  const within = { timeoutSeconds: 240, stepMs: 1000 };
  t.ok(await poll(() => answers('test ! -e /run/before-the-boot'), within), 'it has booted');
  await host.waitHealthy();
  rows.push({
    title,
    rungs: [2, 19],
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  });
  const isOver = 'test ! -e /var/lib/orchestrator-update/engine-incident.json';
  t.ok(await poll(() => answers(isOver), within), 'the incident is over');
  t.equal((await repair(host)).outcome.state, 'well');
});

// `npm run --silent ladder:page` makes a page of it.
mkdirSync('.tap', { recursive: true });
writeFileSync(LADDER_RESULTS, JSON.stringify({ machine: machineText(), rows }));

await t.test('what was put aside is kept', async (t) => {
  t.match((await host.bash('cat /etc/docker/daemon.json.broken-*')).stdout, '{ broken');
  t.match(await host.readFile('/etc/docker/daemon.json'), /insecure-registries/);
  t.equal((await host.bash('dpkg --audit')).stdout, '');
});

await t.test('nothing helps: a person is told, and what was seen is kept', async (t) => {
  const script =
    'systemctl stop docker.socket docker; mv /usr/sbin/dockerd /usr/sbin/dockerd.away; sleep 1';
  await host.bash(script);
  const { exitCode, outcome, said } = await repair(host);
  t.equal(exitCode, 13, said);
  const evidence = outcome.evidence ?? '';
  t.equal((await host.run('stat', ['-c', '%a %U', evidence])).stdout, '600 root');
  t.match(await host.readFile(evidence), /^# journalctl .*docker/m);
  t.match((await host.cli('status')).stdout, /an operator is needed: the engine is broken/);
  t.equal((await host.update()).exitCode === 0, false, 'no update while it is so');
  await host.bash('mv /usr/sbin/dockerd.away /usr/sbin/dockerd');
  t.equal((await host.cli('acknowledge')).exitCode, 0);
  t.equal((await repair(host)).exitCode, 0);
  await host.waitHealthy();
  t.match(await host.cli('run'), { exitCode: 0 });
});
