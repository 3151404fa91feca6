import t, { type Test } from 'tap';
import { containerOf, identities } from '../cluster-view.ts';
import { publishOwnImage } from '../control-host.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { backupsOf, hasFile, activeFile } from '../picture.ts';

const file = '/etc/orchestrator-update/update_config.yaml';

/** The host's own image: a label tells which one it is. */
function publish(reference: string, which: string, more = ''): Promise<void> {
  const from = 'FROM registry.lab:5000/knowledge:v2';
  return publishOwnImage(reference, `${from}\nLABEL which=${which}\n${more}\n`);
}

/** Which one runs, and what its name means on this host. */
async function which(host: InstalledHost): Promise<{ runs: string; named: string; image: string }> {
  const { id } = await containerOf(host, 'knowledge');
  const read = async (kind: string, format: string, what: string): Promise<string> =>
    (await host.run('docker', [kind, 'inspect', '-f', format, what])).stdout.trim();
  const label = '{{index .Config.Labels "which"}}';
  const image = await read('container', '{{.Config.Image}}', id);
  return {
    runs: await read('container', label, id),
    named: await read('image', label, image),
    image,
  };
}

async function follow(host: InstalledHost, images: string): Promise<void> {
  const usual = await host.readFile(file);
  const text = `${usual}\nimages: ${images}\n`;
  await host.writeFile(file, text, { mode: '0600', owner: 'root:root' });
}

/** `IMAGE_STORE=containerd` plays it on containerd's store: there an image is known by the digest of its index. */
async function useStore(host: InstalledHost): Promise<void> {
  if (process.env['IMAGE_STORE'] !== 'containerd') return;
  const path = '/etc/docker/daemon.json';
  const daemon = JSON.parse(await host.readFile(path)) as Record<string, unknown>;
  const features = { 'containerd-snapshotter': true };
  await host.writeFile(path, JSON.stringify({ ...daemon, features }), { mode: '0644' });
  const up = 'systemctl restart docker && cd /home/geo/operation/autonomy && docker compose up -d';
  await host.bash(up, { reject: true, timeoutSeconds: 120 });
}

/** One run of the service: its exit status, and what it said. */
async function run(t: Test, host: InstalledHost, exitStatus: number): Promise<string> {
  const since = (await host.journal()).length;
  await host.update();
  const said = (await host.journal()).slice(since);
  if (!t.match(await host.unit(), { exitStatus })) t.comment(said);
  t.notOk(await hasFile(host, activeFile), 'nothing is left open');
  return said;
}

/** Compose, as a person types it, has nothing to do. */
async function expectAtRest(t: Test, host: InstalledHost): Promise<void> {
  const before = await identities(host);
  const up = 'cd /home/geo/operation/autonomy && docker compose up -d --pull never';
  t.match(await host.bash(up), { exitCode: 0 });
  t.same(await identities(host), before, 'compose has nothing to do');
}

await t.test('images that move under their name', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await useStore(host);
  const reference = `registry.lab:5000/moving:${host.name}`;
  await publish(reference, 'first');
  await host.pushCluster({ services: { knowledge: { image: reference } } });
  await run(t, host, 0);
  const commit = await host.head();
  await follow(host, '{mode: builtin}');

  await t.test('nothing moved: nothing is pulled, and nothing touched', async (t) => {
    const before = [await identities(host), await backupsOf(host)];
    const pulls =
      'journalctl -u docker --no-pager | grep -c pull; docker image ls -aq | sort | sha256sum';
    const images = (await host.bash(pulls)).stdout;
    t.match(await run(t, host, 0), /autonomy is at [0-9a-f]{12}, the tip of embody-alpha/);
    t.same([await identities(host), await backupsOf(host)], before);
    t.equal((await host.bash(pulls)).stdout, images);
  });

  await t.test('it moved: plan shows it, the run brings it, with a backup', async (t) => {
    await publish(reference, 'second');
    const { knowledge: _, ...others } = await identities(host);
    const plan = await host.cli('plan');
    t.match(plan, {
      exitCode: 0,
      stdout: /^registry\.lab|the image registry\.lab\S+ at .*images/m,
    });
    t.match(plan.stdout, /docker pull registry\.lab:5000\/moving@sha256:[0-9a-f]{64}/);
    t.match(await run(t, host, 0), /updated the image registry\.lab\S+ at .* and verified/);
    t.match(await which(host), { runs: 'second', named: 'second', image: reference });
    const { knowledge: __, ...after } = await identities(host);
    t.same(after, others, 'the others were not touched');
    t.equal(await host.head(), commit);
    t.match(JSON.parse((await host.cli('status', '--json')).stdout).last, {
      state: 'COMMITTED',
      images: [reference],
    });
    await expectAtRest(t, host);
  });

  await t.test('a bad image on the same name: back, exit code 12, and not again', async (t) => {
    await publish(reference, 'bad', 'ENV MODE=unhealthy');
    const said = await run(t, host, 12);
    t.match(
      said,
      /the image registry\.lab\S+ of before, at .*, is back and healthy: .*not healthy/,
    );
    t.match(await which(host), { runs: 'second', named: 'second' });
    t.equal(await host.served(8200).then((one) => one?.version), 'v2');
    await expectAtRest(t, host);
    const before = await identities(host);
    t.match(await run(t, host, 0), /held: a newer image is quarantined: registry\.lab/);
    t.match(await host.cli('run', '--auto'), { exitCode: 0 });
    t.same(await identities(host), before, 'it was not tried again');
    t.match(
      (await host.cli('status')).stdout,
      /moving\S+ \(sha256:\w+\) is quarantined: .*healthy/,
    );
  });

  await t.test('it moves again: it is brought', async (t) => {
    await publish(reference, 'third');
    await run(t, host, 0);
    t.match(await which(host), { runs: 'third', named: 'third' });
    t.match((await host.cli('status', '--json')).stdout, /"holds": \[[^\]]*\]/);
    t.notMatch((await host.cli('status')).stdout, /is quarantined/);
  });

  await t.test('the images of before come back by hand, and stay', async (t) => {
    t.match(await host.cli('rollback'), { exitCode: 0, stderr: /rolled back by hand: the image/ });
    t.match(await which(host), { runs: 'second', named: 'second' });
    t.match(await run(t, host, 0), /held: .*a person went back from it/);
    t.match(await which(host), { runs: 'second' });
  });

  await t.test('replaced images go, but for the last', async (t) => {
    await publish(reference, 'fourth');
    await run(t, host, 0);
    t.match(await which(host), { runs: 'fourth', named: 'fourth' });
    const format = '{{index .Config.Labels "which"}}';
    const all = `for i in $(docker image ls -aq --no-trunc | sort -u); do docker image inspect -f '${format}' $i; done`;
    const kept = (await host.bash(all)).stdout.split('\n').filter((line) => line !== '');
    t.same(kept.filter((one) => one !== 'v2').toSorted(), ['fourth', 'second'], kept.join(' '));
  });

  await t.test('a backup brings back the image that it was made with', async (t) => {
    const [oldest = ''] = (await backupsOf(host)).toSorted();
    t.match(await host.cli('rollback', '--to', oldest), { exitCode: 0 });
    t.match(await which(host), { runs: 'first', named: 'first' }, 'from its registry, by digest');
  });
});

await t.test('a tag policy chooses a newer tag', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await useStore(host);
  // The registry outlives its hosts.
  const name = `registry.lab:5000/tagged-${host.name}-${Date.now()}`;
  const release = (environment: Record<string, string> = {}) => ({
    services: {
      knowledge: {
        image: `${name}:1.0.0`,
        extra: { labels: { 'orchestrator-update.images.tags': 'semver:minor' } },
      },
      orchestrator: { environment },
    },
  });
  await publish(`${name}:1.0.0`, 'old');
  await host.pushCluster(release());
  await run(t, host, 0);
  await follow(host, '{mode: builtin, services: all}');
  await publish(`${name}:1.2.0`, 'minor');
  await publish(`${name}:2.0.0`, 'major');

  await run(t, host, 0);
  t.match(await which(host), { runs: 'minor', image: `${name}:1.2.0` });
  const before = await identities(host);
  t.match(await run(t, host, 0), /autonomy is at .*, the tip/);
  t.same(await identities(host), before, 'it is at rest');
  t.match(await host.cli('doctor'), { exitCode: 0 });

  await host.pushCluster(release({ WHO: 'else' }));
  await run(t, host, 0);
  t.match(await which(host), { runs: 'minor' }, 'a release that names the same keeps it');
  t.equal((await identities(host))['knowledge'], before['knowledge'], 'and does not touch it');
  await host.run('systemctl', ['restart', 'docker'], { timeoutSeconds: 60 });

  await publish(`${name}:1.3.0`, 'bad', 'ENV MODE=exit');
  await run(t, host, 12);
  t.match(await which(host), { runs: 'minor', image: `${name}:1.2.0` });

  // What looks after a run that failed has the lock for a moment.
  await host.run('systemctl', ['start', 'orchestrator-update-recover.service']);
  t.match(await host.cli('rollback', '--to', 'HEAD~1'), { exitCode: 0 });
  t.match(await which(host), { runs: 'minor' });
});
