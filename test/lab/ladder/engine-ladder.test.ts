/** `npm run ladder`: every rung on a real host, twelve minutes; the suite plays two of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { machineText } from '../../../bench/figures.ts';
import { engineFaults } from '../engine-faults.ts';
import { LADDER_RESULTS, type LadderRow } from '../ladder-page.ts';
import { mends, repair, startForRepair } from '../engine-repair.ts';

const host = await startForRepair();
t.teardown(() => host.destroy());

const rows: LadderRow[] = [];
for (const fault of Object.values(engineFaults)) {
  await t.test(`rung ${fault.rungs.join(', ')}: ${fault.title}`, async (t) => {
    const seconds = await mends(t, host, fault);
    const { title, rungs } = fault;
    rows.push({ title, rungs, seconds });
  });
}
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
