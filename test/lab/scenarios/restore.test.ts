import t from 'tap';
import { poll } from '../command.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import { allAt, expectUpdate, startAndMeet, waitUntilClosed } from '../picture.ts';

const volume = 'autonomy_knowledge_data';
const dataOf = (name: string): string => `/var/lib/docker/volumes/${name}/_data`;
/** A directory of the work tree that a service writes to, beside its volume. */
const state = '/home/geo/operation/autonomy/state';
const withState = (tag: string, mode: 'ok' | 'unhealthy' = 'ok') => ({
  tag,
  services: { knowledge: { volumes: ['./state:/state'], mode } },
});

/** What the service itself sees: in its volume and in its directory. */
async function inside(host: InstalledHost): Promise<string> {
  const script = 'cat /data/note /state/note';
  const { stdout } = await host.bash(`docker exec knowledge /bin/busybox sh -c '${script}'`);
  return stdout;
}

async function write(host: InstalledHost, text: string): Promise<void> {
  const script = `printf '${text} ' >/data/note; printf ${text} >/state/note`;
  await host.bash(`docker exec knowledge /bin/busybox sh -c "${script}"`, { reject: true });
}

const replacedVolumes = async (host: InstalledHost): Promise<string[]> => {
  const label = 'label=orchestrator-update.replaced';
  const { stdout } = await host.run('docker', ['volume', 'ls', '-q', '--filter', label]);
  return stdout.split('\n').filter((name) => name.startsWith(volume));
};

const latest = async (host: InstalledHost): Promise<string> =>
  (await host.run('readlink', ['/home/geo/operation/backups/latest'])).stdout.trim();

await t.test('data of a backup comes back into the cluster', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await host.pushCluster(withState('v1'));
  await expectUpdate(t, host, 0);
  await write(host, 'then');
  await host.bash(`chown 999:998 ${dataOf(volume)}; chmod 2750 ${dataOf(volume)}`);
  t.match(await host.cli('backup', 'create'), { exitCode: 0 });
  const backup = await latest(host);

  await t.test('only the data, where the release is the same', async (t) => {
    await write(host, 'now');
    t.match(await host.cli('restore', backup), { exitCode: 1, stderr: /restore BACKUP --volumes/ });
    const { exitCode, stderr } = await host.cli('restore', backup, '--volumes');
    t.equal(exitCode, 0, stderr);
    t.match(stderr, /restored .* with the data of .*, and verified; what was there before is kept/);
    await host.waitHealthy();
    t.same(await versions(host), allAt('v1'));
    t.equal(await inside(host), 'then then');
    const { stdout } = await host.run('stat', ['-c', '%u %g %a', dataOf(volume)]);
    t.equal(stdout.trim(), '999 998 2750', 'the directory itself, too');
    const [kept = '', ...more] = await replacedVolumes(host);
    t.same(more, []);
    t.equal(await host.readFile(`${dataOf(kept)}/note`), 'now ');
    const doctor = await host.cli('doctor');
    t.match(doctor.stdout, new RegExp(`replaced data.*${kept}`));
    const beside = await host.bash(`cat ${state}.replaced-*/note`);
    t.equal(beside.stdout, 'now');
    t.equal((await host.run('git', ['status', '--porcelain', '-uno'], { cwd: state })).stdout, '');
    t.match(await expectUpdate(t, host, 0), /is at .*, the tip of/, 'what runs is not held');
  });

  await t.test('the release, too; and what was replaced is in no backup', async (t) => {
    await host.pushCluster(withState('v2'));
    await expectUpdate(t, host, 0);
    await write(host, 'later');
    const saved = `/home/geo/operation/backups/${await latest(host)}/autonomy/state`;
    t.equal((await host.bash(`ls -d ${saved}*`)).stdout.trim(), saved);
    const { exitCode, stderr } = await host.cli('restore', backup, '--volumes');
    t.equal(exitCode, 0, stderr);
    await host.waitHealthy();
    t.same(await versions(host), allAt('v1'));
    t.equal(await inside(host), 'then then');
    t.match(await expectUpdate(t, host, 0), /held: /);
  });

  await t.test('a backup that rotted is refused, and nothing is stopped', async (t) => {
    const before = await host.containers();
    const file = `/home/geo/operation/backups/${backup}/volumes/${volume}/note`;
    await host.bash(`printf 'th3n ' >${file}; touch -r ${file}/../starts.log ${file}`);
    const { exitCode, stderr } = await host.cli('restore', backup, '--volumes');
    t.equal(exitCode, 1);
    t.match(stderr, /the backup .* is damaged: volume autonomy_knowledge_data: note/);
    t.same(await host.containers(), before);
    t.equal((await replacedVolumes(host)).length, 2, 'nothing of it is left');
    t.equal(await inside(host), 'then then');
  });

  await t.test('a power cut when the data changes places', async (t) => {
    await write(host, 'mine');
    t.match(await host.cli('backup', 'create'), { exitCode: 0 });
    const source = await latest(host);
    await write(host, 'newer');
    for (const moment of [/stop the cluster: its data/, /bring everything up until/]) {
      const command = '/usr/local/sbin/orchestrator-update';
      await host.bash('sync');
      const args = ['--no-block', '--collect', command, 'restore', source, '--volumes'];
      await host.run('systemd-run', args, { reject: true });
      await waitForStep(host, moment);
      await host.cutUnsynced();
      await host.boot();
      await waitUntilClosed(host);
      await host.waitHealthy();
      t.same(await versions(host), allAt('v1'));
      const seen = await inside(host);
      const isWhole = seen === 'newer newer' || seen === 'mine mine';
      t.ok(isWhole, `one or the other: ${seen}`);
      await write(host, 'newer');
    }
  });
});

/** Until the transaction under way has come to a step. */
async function waitForStep(host: InstalledHost, moment: RegExp): Promise<void> {
  const journal =
    '/var/lib/orchestrator-update/transactions/$(cat /var/lib/orchestrator-update/active)/journal';
  const seen = await poll(
    async () => (moment.test((await host.bash(`cat ${journal}`)).stdout) ? true : undefined),
    { timeoutSeconds: 60, stepMs: 50 },
  );
  if (!seen) throw new Error(`${moment} was never begun`);
}

await t.test('rollback.volumes: the data of before comes back with the old release', async (t) => {
  const host = await startInstalled();
  const settings =
    'printf "rollback:\\n  volumes: always\\n" >>/etc/orchestrator-update/update_config.yaml';
  await host.bash(settings, { reject: true });
  t.teardown(() => host.destroy());
  await host.pushCluster(withState('v1'));
  await expectUpdate(t, host, 0);
  await write(host, 'before');
  await host.pushCluster(withState('v2', 'unhealthy'));
  await startAndMeet(host, /verify the new release/);
  await write(host, 'migrated');
  await waitUntilClosed(host);
  await host.waitHealthy();
  t.match(await host.unit(), { exitStatus: 12 });
  t.same(await versions(host), allAt('v1'));
  t.equal(await inside(host), 'before before');
  const [kept = ''] = await replacedVolumes(host);
  t.equal(await host.readFile(`${dataOf(kept)}/note`), 'migrated ');
  t.match(await host.journal(), /the data of .* is back; what was there before is kept until you/);
});
