import t from 'tap';
import type { Downtime } from '../../../src/core/downtime.ts';
import { startInstalled } from '../installed-host.ts';
import { expectUpdate, startAndMeet, waitUntilIdle } from '../picture.ts';
import { healthTargets, startProber } from '../prober.ts';

type Run = { state: string; downtime: readonly Downtime[] | null };

/** Docker asks a service each second how it is; what is outside asks fifty times in one. */
const LATE_SECONDS = 1 + 0.6;
const EARLY_SECONDS = 0.4;
const page = '/var/www/html/update.html';
const metrics = '/var/lib/prometheus/node-exporter/orchestrator-update.prom';

const host = await startInstalled();
t.teardown(() => host.destroy());
const configFile = '/etc/orchestrator-update/update_config.yaml';
const config = `${await host.readFile(configFile)}\nreport: {path: ${page}}\nmetrics: {path: ${metrics}}\n`;
await host.writeFile(configFile, config, { mode: '0600', owner: 'root:root' });

const installAgain = async (): Promise<string> => {
  const cwd = '/root/orchestrator-update';
  const options = { cwd, timeoutSeconds: 120, reject: true };
  return (await host.run('./install/install_update_service.sh', ['--no-timer'], options)).stderr;
};

async function lastRun(): Promise<Run> {
  const { runs }: { runs: Run[] } = JSON.parse((await host.cli('report', '--json')).stdout);
  const [last] = runs;
  if (last === undefined) throw new Error('no run is told of');
  return last;
}

await t.test('a place that cannot be written is a warning; the update is as ever', async (t) => {
  await host.run('mkdir', ['-p', '/var/www/html']);
  await host.pushCluster({ services: { knowledge: { tag: 'v2' } } });
  const prober = await startProber(healthTargets(host, { knowledge: 8200 }));
  const said = await expectUpdate(t, host, 0);
  const { targets } = await prober.stop();
  t.match(said, /could not be written: the service may not write to \/var\/www\/html; /);
  t.match(said, /; \/var\/lib\/prometheus\/node-exporter is not there$/m);
  t.match(said, /^next: run install_update_service\.sh again/m);

  const { downtime } = await lastRun();
  t.match(downtime, [{ service: 'knowledge', seconds: Number }]);
  t.equal(downtime?.length, 1, 'nobody else was away');
  const inside = downtime?.[0]?.seconds ?? 0;
  // While writers are paused for the backup, a probe may fail, too: that is told with the backup.
  const windows = targets['knowledge']?.windows ?? [];
  const outside = Math.max(0, ...windows.map(({ durationMs }) => durationMs)) / 1000;
  t.comment(`away for ${inside} s as Docker tells it, for ${outside} s as seen from outside`);
  t.ok(outside > 0.5);
  t.ok(inside > outside - EARLY_SECONDS && inside < outside + LATE_SECONDS);
});

await t.test('both are written by the service, for everybody to read', async (t) => {
  const warned = await installAgain();
  t.match(warned, /\/var\/lib\/prometheus\/node-exporter is not there/);
  t.notMatch(warned, /\/var\/www\/html is not there/);
  await host.run('mkdir', ['-p', '/var/lib/prometheus/node-exporter']);
  t.notMatch(await installAgain(), /is not there/);
  const commit = await host.pushCluster({
    services: { orchestrator: { tag: 'v2' }, knowledge: { tag: 'v2' } },
  });
  t.notMatch(await expectUpdate(t, host, 0), /could not be written/);
  const stat = await host.run('stat', ['-c', '%n %A %U:%G', page, metrics]);
  t.equal(stat.stdout, `${page} -rw-r--r-- root:root\n${metrics} -rw-r--r-- root:root`);
  const places = await host.bash('ls -A /var/www/html /var/lib/prometheus/node-exporter');
  t.notMatch(places.stdout, /\.new/);
  const html = await host.readFile(page);
  t.match(html, /^<!doctype html>/i);
  t.match(html, commit.slice(0, 12));
  const { downtime } = await lastRun();
  const seconds = downtime?.find(({ service }) => service === 'orchestrator')?.seconds ?? 0;
  t.ok(seconds > 0);
  const told = (await host.readFile(metrics)).split('\n');
  for (const line of [
    'orchestrator_update_state{state="updated"} 1',
    'orchestrator_update_updates_total 2',
    `orchestrator_update_last_update_downtime_seconds{service="orchestrator"} ${seconds}`,
  ])
    t.ok(told.includes(line), line);
});

await t.test('journalctl -x explains what has happened', async (t) => {
  await host.run('journalctl', ['--sync']);
  const { stdout } = await host.bash('journalctl -x --no-pager -u orchestrator-update');
  t.match(stdout, /Subject: The cluster is at another release, and it is healthy/);
  t.match(stdout, `This host runs the release ${await host.head()} now`);
});

await t.test('in a pipe: plain lines, and no complaint where the reader has gone', async (t) => {
  for (const [name, first] of [
    ['status', /^cluster\tautonomy\b/],
    ['history', /^WHEN\t/],
    ['report', /\bautonomy\b/],
  ] as const) {
    const all = await host.bash(`orchestrator-update ${name} | cat`);
    t.equal(all.stderr, '');
    t.match(all.stdout, first);
    t.notMatch(all.stdout, /[\u001B\r]/);
    const cut = await host.bash(`set -o pipefail; orchestrator-update ${name} | head -n 1`);
    t.equal(cut.stderr, '');
    t.equal(cut.stdout, all.stdout.split('\n')[0]);
  }
  const history = (await host.bash('orchestrator-update history | cat')).stdout.split('\n');
  t.equal(history.length, 3, 'a line for each run');
  t.ok(history.every((line) => line.split('\t').length === 8));
});

await t.test('Docker restarted in the middle: how long is not known, and not told', async (t) => {
  const next = await host.pushCluster({
    services: { orchestrator: { tag: 'v2' }, knowledge: { tag: 'v3', stopDelaySeconds: 2 } },
  });
  await startAndMeet(host, /apply knowledge/);
  await host.run('systemctl', ['restart', 'docker'], { reject: true });
  await waitUntilIdle(host);
  await host.waitHealthy();
  const isNew = (await host.head()) === next;
  t.match(await host.served(8200), { version: isNew ? 'v3' : 'v2' }, 'one release, whole');
  const { state, downtime } = await lastRun();
  t.equal(state, isNew ? 'COMMITTED' : 'ROLLED_BACK');
  t.equal(downtime, null);
  t.match((await host.cli('report')).stdout, /not measured/);
  t.match((await host.cli('history')).stdout.split('\n')[1], /\tnot measured\t/);
  const told = await host.readFile(metrics);
  t.match(told, /last_update_duration_seconds \d/);
  t.notMatch(told, /last_update_downtime_seconds\{/);
});
