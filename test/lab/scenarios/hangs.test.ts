import t from 'tap';
import { versions } from '../cluster-view.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { allAt, expectRefusal, expectUpdate, waitUntilIdle } from '../picture.ts';

const node = '/usr/local/lib/orchestrator-update/current/bin/node';
const file = '/etc/orchestrator-update/update_config.yaml';

/** Runs a little server on the host, as a unit of its own. */
async function serve(host: InstalledHost, unit: string, script: string): Promise<void> {
  await host.run('systemd-run', [`--unit=${unit}`, node, '-e', script], { reject: true });
}

await t.test('a registry that takes every connection and never answers', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await expectUpdate(t, host, 0);
  const usual = await host.readFile(file);
  const limits = 'timeouts:\n  pull_idle_seconds: 4\n';
  await host.writeFile(file, `${usual}\n${limits}`, { mode: '0600', owner: 'root:root' });
  await serve(host, 'silent', `require('node:net').createServer(() => {}).listen(5999)`);
  await host.pushCluster({ services: { knowledge: { image: '127.0.0.1:5999/knowledge:v2' } } });
  const startedAt = performance.now();
  const said = await expectRefusal(t, host);
  const seconds = (performance.now() - startedAt) / 1000;
  t.ok(seconds < 120, `given up after ${seconds.toFixed(0)} s`);
  t.match(said, /the image 127\.0\.0\.1:5999\/knowledge:v2 cannot be pulled/);
  await host.pushCluster({ tag: 'v2' });
  await expectUpdate(t, host, 0);
  t.same(await versions(host), allAt('v2'));
});

await t.test('a health endpoint that trickles: the release is taken back in time', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await expectUpdate(t, host, 0);
  // Well until the update applies something, then a byte a second for as long as the gate waits, then well again.
  const script = [
    `const fs = require('node:fs');`,
    `require('node:http').createServer((_, response) => {`,
    `  response.writeHead(200);`,
    `  if (!fs.existsSync('/run/trickle')) return response.end('ok');`,
    `  response.write('x');`,
    `  const more = setInterval(() => response.write('x'), 1000);`,
    `  response.on('close', () => clearInterval(more));`,
    `}).listen(5998)`,
  ].join('\n');
  await serve(host, 'trickling', script);
  const usual = await host.readFile(file);
  const gate = usual
    .replace(/^( {2}urls:\n)/m, '$1    - http://localhost:5998/health\n')
    .replace(/^ {2}timeout_seconds: .*$/m, '  timeout_seconds: 12');
  t.match(gate, /5998/);
  await host.writeFile(file, gate, { mode: '0600', owner: 'root:root' });
  await host.pushCluster({ tag: 'v2' });
  const watch = [
    'until grep -qs VERIFYING /var/lib/orchestrator-update/transactions/*/journal; do sleep 0.05; done',
    'touch /run/trickle',
    'until grep -qs ROLLING_BACK /var/lib/orchestrator-update/transactions/*/journal; do sleep 0.05; done',
    'rm /run/trickle',
  ].join('; ');
  await host.run('systemd-run', ['--unit=watch', 'bash', '-c', watch], { reject: true });
  const said = await expectUpdate(t, host, 12);
  t.match(said, /5998/);
  t.same(await versions(host), allAt('v1'));
});

await t.test(
  'a docker that hangs for good: the run ends, says so, and is finished later',
  async (t) => {
    const host = await startInstalled();
    t.teardown(() => host.destroy());
    await expectUpdate(t, host, 0);
    const usual = await host.readFile(file);
    const limits = 'timeouts:\n  compose_seconds: 10\n  docker_seconds: 5\n';
    await host.writeFile(file, `${usual}\n${limits}`, { mode: '0600', owner: 'root:root' });
    await host.pushCluster({ tag: 'v2' });
    const hang = [
      'until grep -qs APPLYING /var/lib/orchestrator-update/transactions/*/journal; do sleep 0.02; done',
      'pkill --signal STOP --exact dockerd',
    ].join('; ');
    await host.run('systemd-run', ['--unit=hang', 'bash', '-c', hang], { reject: true });
    const startedAt = performance.now();
    const said = await expectUpdate(t, host, 13);
    const seconds = (performance.now() - startedAt) / 1000;
    t.ok(seconds < 300, `it ended after ${seconds.toFixed(0)} s`);
    t.match(said, /took longer than 10 s and was ended|Docker does not answer/);
    t.match(said, /Docker does not answer, so it cannot be finished or taken back/);
    t.match(said, /next: systemctl status docker containerd; .*orchestrator-update recover/);
    t.same(await versions(host), allAt('v1'), 'what ran goes on');
    await waitUntilIdle(host);
    t.match(await host.cli('status'), {
      exitCode: 13,
      stdout: /an update was cut off and is not finished .*orchestrator-update recover/,
    });
    t.match(await host.cli('run'), { exitCode: 13, stderr: /Docker does not answer/ });

    await host.run('pkill', ['--signal', 'CONT', '--exact', 'dockerd'], { reject: true });
    await expectUpdate(t, host, 0);
    t.match(await host.journal(), /was rolled back|cut off/);
    t.same(await versions(host), allAt('v2'), 'no person had to acknowledge anything');
  },
);
