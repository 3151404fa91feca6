import t from 'tap';
import { versions } from '../cluster-view.ts';
import { startInstalled } from '../installed-host.ts';
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
  t.equal((await host.run('stat', ['-c', '%a', dump, `${dump}/..`])).stdout.split('\n')[0], '644');
  t.not((await host.run('cat', [dump], { user: 'geo' })).exitCode, 0, 'for root only');
  t.equal(await host.readFile(`${data}/hooks`), 'before\nafter\n');

  await host.pushCluster({ tag: 'v3' });
  const said = await expectRefusal(t, host);
  t.match(said, /docker exec \w+ sh -c .*: failed with exit code 3:\s+no room/);
});

await t.test('with nothing but docker and a shell', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await expectUpdate(t, host, 0);
  await host.bash(`printf then >${data}/note; chown 999:998 ${data}; chmod 2750 ${data}`, {
    reject: true,
  });
  t.match(await host.cli('backup', 'create'), { exitCode: 0 });
  const { stdout: name } = await host.run('readlink', [`${backups}/latest`], { reject: true });
  await host.bash(`printf now >${data}/note`, { reject: true });
  await host.pushCluster({ tag: 'v2' });
  await expectUpdate(t, host, 0);
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
  });

  await t.test('with the data of then, in new volumes', async (t) => {
    const { exitCode, stderr } = await said(`sh ${backup}/RUN.sh up --with-backup-volumes`);
    t.equal(exitCode, 0, stderr);
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
