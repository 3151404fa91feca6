import t from 'tap';
import { composeFile } from '../cluster.ts';
import { versions } from '../cluster-view.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { allAt, expectRefusal, expectUpdate } from '../picture.ts';

const backups = '/home/geo/operation/backups';
const data = '/var/lib/docker/volumes/autonomy_knowledge_data/_data';

const hook = (name: string): string => `orchestrator-update.backup.${name}`;

/** The cluster with a service that says what it wants. */
const labelled = (pre: string) => ({
  services: {
    knowledge: {
      extra: {
        labels: {
          [hook('pre')]: pre,
          [hook('dump')]: 'cat /data/hooks; echo $$NAME',
          [hook('post')]: 'echo after >>/data/hooks',
        },
      },
    },
  },
});

await t.test('what a service wants to have run for a backup', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await host.pushCluster(labelled('echo before >/data/hooks'));
  await expectUpdate(t, host, 0);
  await host.pushCluster({ ...labelled('echo no room >&2; exit 3'), tag: 'v2' });
  await expectUpdate(t, host, 0);
  const dump = `${backups}/latest/dumps/knowledge.dump`;
  t.equal(await host.readFile(dump), 'before\nknowledge\n', 'by the labels of what runs');
  t.equal((await host.run('stat', ['-c', '%a', dump, `${dump}/..`])).stdout.split('\n')[0], '600');
  t.not((await host.run('cat', [dump], { user: 'geo' })).exitCode, 0, 'for root only');
  t.equal(await host.readFile(`${data}/hooks`), 'before\nafter\n');

  await host.pushCluster({ tag: 'v3' });
  const said = await expectRefusal(t, host);
  t.match(said, /docker exec \w+ sh -c .*: failed with exit code 3:\s+no room/);
});

const built = 'autonomy-knowledge';

/** A release whose knowledge is built on the host, under the same name each time. */
async function release(host: InstalledHost, tag: string): Promise<void> {
  const knowledge = { extra: { image: undefined, build: './knowledge' } };
  await host.pushRelease({
    message: tag,
    files: {
      'docker-compose.yml': composeFile({ tag, services: { knowledge } }),
      'knowledge/Dockerfile': `FROM registry.lab:5000/knowledge:v1\nENV VERSION=${tag}\n`,
    },
  });
}

await t.test('with nothing but docker and a shell', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await release(host, 'v1');
  await expectUpdate(t, host, 0);
  const idOf = async (image: string): Promise<string> =>
    (await host.run('docker', ['image', 'inspect', '--format={{.Id}}', image])).stdout.trim();
  const id = await idOf(built);
  await host.bash(`printf then >${data}/note; chown 999:998 ${data}; chmod 2750 ${data}`, {
    reject: true,
  });
  t.match(await host.cli('backup', 'create'), { exitCode: 0 });
  const { stdout: name } = await host.run('readlink', [`${backups}/latest`], { reject: true });
  await host.bash(`printf now >${data}/note`, { reject: true });
  await release(host, 'v2');
  await expectUpdate(t, host, 0);

  await t.test('images that no registry has, and how docker was configured', async (t) => {
    const file = `images/${id.replace('sha256:', '').slice(0, 12)}.tar`;
    // The first from a shell, the other from the sandbox of the service.
    for (const backup of [name.trim(), 'latest']) {
      const list = await host.bash(`cd ${backups}/${backup} && find images engine -type f | sort`);
      t.same(list.stdout.trim().split('\n'), [
        'engine/etc/containerd/config.toml',
        'engine/etc/default/docker',
        'engine/etc/docker/daemon.json',
        'engine/versions.json',
        file,
      ]);
      const daemon = await host.readFile(`${backups}/${backup}/engine/etc/docker/daemon.json`);
      t.equal(daemon, await host.readFile('/etc/docker/daemon.json'));
      const versions = await host.readFile(`${backups}/${backup}/engine/versions.json`);
      const some = /^\d+\.\d+/;
      t.match(JSON.parse(versions), {
        dockerd: some,
        containerd: some,
        runc: some,
        compose: some,
        storageDriver: /^\w+/,
        rootDirectory: '/var/lib/docker',
      });
      for (const path of ['engine/versions.json', file]) {
        const asGeo = await host.run('cat', [`${backups}/${backup}/${path}`], { user: 'geo' });
        t.not(asGeo.exitCode, 0, 'for root only');
      }
    }
    const manifest: unknown = JSON.parse(await host.readFile(`${backups}/latest/manifest.json`));
    t.match(manifest, {
      savedImages: [{ id, file, services: ['knowledge'], references: [built] }],
      imageDigests: { orchestrator: [/^registry\.lab:5000\/orchestrator@sha256:/] },
    });
    t.match(await host.cli('backup', 'verify'), { exitCode: 0 });
  });

  await t.test('one that is gone comes from the backup to verify it, and goes again', async (t) => {
    await host.run('docker', ['image', 'rm', '--force', id], { reject: true });
    const verified = await host.cli('backup', 'verify', '--restore', name.trim());
    t.equal(verified.exitCode, 0, verified.stderr + verified.stdout);
    t.equal(await idOf(id), '');
  });

  // The updater is gone, and so is what it knows.
  await host.run('rm', [
    '-rf',
    '/usr/local/lib/orchestrator-update',
    '/var/lib/orchestrator-update',
  ]);
  const backup = `${backups}/${name.trim()}`;
  const said = async (command: string) => host.bash(command, { timeoutSeconds: 120 });
  const inside = async (): Promise<string> =>
    (await said('docker exec knowledge /bin/busybox cat /data/note')).stdout;

  await t.test('it says what it would do', async (t) => {
    const { exitCode, stdout } = await said(`sh ${backup}/RUN.sh`);
    t.equal(exitCode, 2);
    t.match(stdout, /with the volumes that are on this host now/);
    t.match(stdout, /^ {2}autonomy_knowledge_data$/m);
  });

  await t.test('the release of then with the data of now', async (t) => {
    const { exitCode, stderr } = await said(`sh ${backups}/latest/../${name.trim()}/RUN.sh up`);
    t.equal(exitCode, 0, stderr);
    await host.waitHealthy();
    t.same(await versions(host), allAt('v1'));
    t.equal(await inside(), 'now');
    const { stdout } = await said(
      `docker inspect knowledge --format '{{range .Mounts}}{{.Source}} {{end}}'`,
    );
    t.match(stdout, `${backup}/autonomy/config`, 'binds by the real path');
    t.equal(await idOf(id), id, 'its image was loaded');
    t.not(await idOf(built), id, 'the name goes on meaning that of now');
  });

  await t.test('with the data of then, in new volumes', async (t) => {
    const now = await idOf(built);
    await said(`docker tag ${now} now && docker image rm ${built}`);
    const { exitCode, stderr } = await said(`sh ${backup}/RUN.sh up --with-backup-volumes`);
    t.equal(exitCode, 0, stderr);
    t.equal(await idOf(built), id, 'a name that is gone is given');
    await said(`docker tag now ${built}`);
    await host.waitHealthy();
    t.equal(await inside(), 'then');
    const { stdout } = await said(`docker exec knowledge /bin/busybox stat -c '%u %g %a' /data`);
    t.equal(stdout, '999 998 2750', 'the directory itself, too');
    t.equal((await said(`cat ${data}/note`)).stdout, 'now', 'the other volume is as it was');
    await said('docker exec knowledge /bin/busybox sh -c "printf later >/data/note"');
    const again = await said(`sh ${backup}/RUN.sh up --with-backup-volumes`);
    t.match(again.stdout, /is there already and is used as it is/);
    await host.waitHealthy();
    t.equal(await inside(), 'later', 'a volume that is in use is not filled again');
  });

  await t.test('and back to where it usually runs', async (t) => {
    const { exitCode, stderr } = await said(
      'cd /home/geo/operation/autonomy && docker compose down && docker compose up -d',
    );
    t.equal(exitCode, 0, stderr);
    await host.waitHealthy();
    t.same(await versions(host), allAt('v2'));
    t.equal(await inside(), 'now');
  });
});
