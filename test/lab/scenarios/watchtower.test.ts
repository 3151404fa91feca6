import t, { type Test } from 'tap';
import { versions } from '../cluster-view.ts';
import type { ServiceChange } from '../cluster.ts';
import { poll } from '../command.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import {
  activeFile,
  allAt,
  expectUpdate,
  hasFile,
  journalEnd,
  waitForJournal,
  waitUntilClosed,
} from '../picture.ts';

const labels = {
  'com.centurylinklabs.watchtower.enable': 'true',
  'com.centurylinklabs.watchtower.scope': 'autonomy-cluster',
};
/** What a stand-in does when it is told; its second word is a container. */
const script = `while :; do
  if [ -e /told/restart ]; then
    docker restart -t 1 "$(busybox cat /told/restart)" >/told/said 2>&1
    busybox mv /told/restart /told/done
  fi
  busybox sleep 0.1
done`;

const archived = 'registry.lab:5000/containrrr/watchtower:1.7.1';
const mounts = [
  '/var/run/docker.sock:/var/run/docker.sock',
  '/usr/bin/docker:/usr/bin/docker:ro',
  '/usr/lib:/lib:ro',
  '/usr/lib64:/lib64:ro',
  '/root/watchtower:/told',
];

/** A service that looks like a Watchtower, holds the Docker socket, and restarts a service when a file tells it to. */
const standIn: ServiceChange = {
  image: archived,
  port: 1,
  hostPort: null,
  containerName: 'watchtower',
  healthcheck: null,
  volumes: mounts,
  extra: {
    // compose takes a dollar for the beginning of a variable.
    entrypoint: ['/bin/busybox', 'sh', '-c', script.replaceAll('$', '$$$$'), 'watchtower'],
    command: ['--label-enable', '--scope', 'autonomy-cluster'],
  },
};

/** One beside the cluster that was told nothing, and that a person has paused. */
async function startPaused(host: InstalledHost): Promise<void> {
  const image = 'nickfedor/watchtower:1.21.0';
  await host.run('docker', ['tag', archived, image], { reject: true });
  const command = ['--entrypoint', '/bin/busybox', image, 'sleep', '3600'];
  await host.run('docker', ['run', '--detach', '--name', 'watchtower-other', ...command], {
    reject: true,
  });
  await host.run('docker', ['pause', 'watchtower-other'], { reject: true });
}

async function stateOf(host: InstalledHost, name: string): Promise<string | undefined> {
  return (await host.containers()).find((one) => one.name === name)?.state;
}

const idOf = async (host: InstalledHost, name: string): Promise<string | undefined> =>
  (await host.containers()).find((one) => one.name === name)?.id;

const tell = (host: InstalledHost, service: string) =>
  host.writeFile('/root/watchtower/restart', service);

/** The file that says that it has done what it was told. */
const done = '/root/watchtower/done';

/** It goes on, and does what it was told meanwhile. */
async function expectItGoesOn(t: Test, host: InstalledHost, timeoutSeconds = 10): Promise<void> {
  const isDone = await poll(async () => ((await hasFile(host, done)) ? true : undefined), {
    timeoutSeconds,
    stepMs: 100,
  });
  t.ok(isDone, 'it does what it was told');
  t.equal((await host.run('cat', ['/root/watchtower/said'])).stdout, 'knowledge');
  t.match(await stateOf(host, 'watchtower'), 'running');
  t.match(await stateOf(host, 'watchtower-other'), 'paused', 'that of a person stays paused');
  t.notOk(await hasFile(host, '/var/lib/orchestrator-update/towers.json'));
  await host.run('rm', ['-f', done]);
  await host.waitHealthy();
}

await t.test('Watchtower is kept out of a transaction', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const config = '/etc/orchestrator-update/update_config.yaml';
  // It holds the Docker socket.
  const policy = 'policy:\n  dangerous: apply\n';
  const usual = await host.readFile(config);
  await host.writeFile(config, `${usual}\n${policy}`, { mode: '0600', owner: 'root:root' });
  const knowledge: ServiceChange = { tag: 'v1', stopDelaySeconds: 2, extra: { labels } };
  const push = (tag: string, change: ServiceChange = {}) =>
    host.pushCluster({
      tag,
      services: { knowledge: { ...knowledge, tag, ...change }, watchtower: standIn },
    });

  await t.test('one comes: plan says who follows what, doctor what is wrong', async (t) => {
    await host.run('mkdir', ['/root/watchtower'], { reject: true });
    const tag = ['tag', 'registry.lab:5000/orchestrator:v1', archived];
    await host.run('docker', tag, { reject: true });
    await host.run('docker', ['push', '--quiet', archived], { reject: true });
    await push('v1');
    t.match(
      await expectUpdate(t, host, 0),
      /paused until it is over: watchtower[^]*goes on: watch/,
    );
    await startPaused(host);

    const { stdout } = await host.cli('plan');
    t.match(stdout, /^knowledge\twatchtower\twatchtower follows it: label enable, scope autonomy/m);
    t.match(stdout, /^orchestrator\twatchtower\twatchtower-other follows it/m);
    const said = (await host.cli('doctor')).stdout;
    t.match(
      said,
      /⚠ watchtower: watchtower runs .*containrrr\/watchtower:1.7.1, which is archived/,
    );
    t.match(said, /⚠ watchtower: watchtower speaks API 1.25: Docker 29.0/);
    t.match(said, /⚠ watchtower: watchtower-other acts on every container of this host/);
    t.match(said, /⚠ watchtower: watchtower-other is paused, by somebody else/);
  });

  await t.test('labelled, and none runs: plan and doctor say so', async (t) => {
    await host.run('docker', ['rm', '--force', 'watchtower-other'], { reject: true });
    await host.run('docker', ['stop', '--time', '1', 'watchtower'], { reject: true });
    const { images } = JSON.parse((await host.cli('plan', '--json')).stdout);
    t.match(images.knowledge, { by: 'nobody', warning: /labelled for Watchtower, and none runs/ });
    t.match(images.orchestrator, { by: 'nobody', why: /no Watchtower watches it/ });
    const { stdout } = await host.cli('doctor');
    t.match(stdout, /⚠ watchtower: labelled for Watchtower: knowledge, and none runs/);
    await host.run('docker', ['start', 'watchtower'], { reject: true });
    await startPaused(host);
  });

  await t.test('a release that works', async (t) => {
    const since = await journalEnd(host);
    const id = await idOf(host, 'watchtower');
    await push('v2');
    const run = host.update();
    await waitForJournal(host, /paused until it is over: watchtower$/m, { since });
    await tell(host, 'knowledge');
    await waitForJournal(host, /verify the new release/, { since });
    t.equal(await stateOf(host, 'watchtower'), 'paused');
    t.notOk(await hasFile(host, done), 'it does not act while we do');
    t.equal((await run).exitCode, 0);
    await expectItGoesOn(t, host);
    t.same(await versions(host), allAt('v2'));
    t.equal(await idOf(host, 'watchtower'), id, 'it was not made anew');
  });

  await t.test('a release that is rolled back', async (t) => {
    const since = await journalEnd(host);
    await push('v2', { mode: 'exit' });
    const run = host.update();
    await waitForJournal(host, /apply knowledge/, { since });
    await tell(host, 'knowledge');
    t.not((await run).exitCode, 0);
    t.match(await host.unit(), { exitStatus: 12 });
    await expectItGoesOn(t, host);
  });

  await t.test('kill -9 of us while it is applied', async (t) => {
    const since = await journalEnd(host);
    await push('v3');
    const run = host.update();
    await waitForJournal(host, /apply .*knowledge/, { since });
    await tell(host, 'knowledge');
    const unit = 'orchestrator-update.service';
    await host.run('systemctl', ['kill', '--signal=KILL', '--kill-whom=main', unit], {
      reject: true,
    });
    t.equal(await stateOf(host, 'watchtower'), 'paused');
    t.equal((await run).exitCode, 0);
    t.match((await host.journal()).slice(since), /cut off in APPLYING/);
    await expectItGoesOn(t, host);
    t.same(await versions(host), allAt('v3'));
  });

  await t.test('kill -9 of a run from a shell, which nobody restarts', async (t) => {
    await push('v4');
    const started = `setsid orchestrator-update run >/root/run.log 2>&1 </dev/null & echo $!`;
    const pid = (await host.bash(started, { reject: true })).stdout.trim();
    const verifies = `until grep -q 'verify the new release' /root/run.log; do sleep 0.1; done`;
    await host.bash(verifies, { reject: true, timeoutSeconds: 60 });
    await tell(host, 'knowledge');
    await host.bash(`kill -9 ${pid}`, { reject: true });
    t.ok(await hasFile(host, activeFile));
    await waitUntilClosed(host);
    await expectItGoesOn(t, host);
    t.same(await versions(host), allAt('v4'), 'the recovery has finished it');
  });
});
