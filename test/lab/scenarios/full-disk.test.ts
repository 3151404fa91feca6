import t, { type Test } from 'tap';
import { versions } from '../cluster-view.ts';
import { startInstalled, type InstalledHost } from '../installed-host.ts';
import {
  allAt,
  backupsOf,
  expectUntouched,
  expectUpdate,
  startAndMeet,
  takePicture,
  waitUntilIdle,
} from '../picture.ts';

/** Where the disk fills up, as the journal of a run says it. */
const moments = [
  /keep \d images for a rollback/,
  /back up to/,
  /check out [0-9a-f]+/,
  /apply knowledge/,
  /verify the new release/,
];

const fillers = ['/var/tmp/fill', '/var/tmp/rest'];
/** What is left after the first, root's own share included, is written full. */
const fill = `fallocate -l "$(df --output=avail -B1 / | tail -n 1)" ${fillers[0]}; dd if=/dev/zero of=${fillers[1]} bs=4k; true`;

const backups = '/home/geo/operation/backups';
const data = '/var/lib/docker/volumes/autonomy_knowledge_data/_data';
const config = '/etc/orchestrator-update/update_config.yaml';
const giveBackupsTheirDisk = [
  `sed -i 's/^  keep: .*/&\\n  reserve_mb: 10/' ${config} && grep reserve_mb ${config}`,
  `mkdir -p ${backups} && mount -t tmpfs -o size=500m,mode=0755 backups ${backups}`,
].join(' && ');
/** Many files: a disk can turn read-only between two of them. */
const writeMuch = `mkdir ${data}/many && cd ${data}/many && head -c 160000000 /dev/urandom | split -b 20000 -a 4 -d`;
const untilCopying = `until ls ${backups}/.partial-*/volumes/autonomy_knowledge_data/many/*1000 2>/dev/null; do sleep 0.02; done`;
/** What is written to once more is copied once more while nobody writes. */
const touchAll = `find ${data}/many -type f -exec touch {} +`;
/** By the kernel: that takes seconds, and docker a good part of one. */
const untilFrozen = [
  'frozen() { cat /sys/fs/cgroup/system.slice/docker-*.scope/cgroup.freeze | grep -c 1; }',
  'until [ "$(frozen)" = 3 ]; do sleep 0.02; done',
  'echo all paused',
].join('\n');
const foreign = [`${backups}/foreign`, `${backups}/rest`];
/** All but what the first copy needs. */
const fillMostly = `fallocate -l 250000000 ${foreign[0]}`;
const fillBackups = [
  // The copy may take what was left a moment ago.
  `left() { df --output=avail -B1 ${backups} | tail -n 1; }`,
  `until fallocate -o 250000000 -l $(($(left) - 9000000)) ${foreign[0]}; do :; done`,
  `dd if=/dev/zero of=${foreign[1]} bs=64k 2>/dev/null || true`,
].join('\n');

await t.test('a disk that is full, at each step', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await expectUpdate(t, host, 0);
  const tags = ['v1', 'v2', 'v3', 'v4'];
  let now = 0;
  for (const moment of moments) {
    await t.test(String(moment), async (t) => {
      const [from, to] = [tags[now % 4] ?? '', tags[(now + 1) % 4] ?? ''];
      await host.pushCluster({ tag: to });
      await startAndMeet(host, moment);
      await host.bash(fill);
      await waitUntilIdle(host);
      const { exitStatus } = await host.unit();
      t.not(exitStatus, 13, 'no person is needed');
      await host.run('rm', ['-f', ...fillers], { reject: true });
      const rested = await tagsOf(host);
      t.equal(rested.size, 1, `one whole release: ${[...rested].join(', ')}`);
      t.ok([from, to].some((tag) => rested.has(tag)));
      // Whatever came of it: with room again, the next run is a normal one.
      const { exitCode, stderr } = await host.cli('run');
      t.equal(exitCode, 0, stderr);
      if (!t.same(await tagsOf(host), new Set([to])))
        t.comment(`${await host.journal()}\n${stderr}`);
      now += 1;
    });
  }
});

await t.test('another disk than that of the cluster', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  await host.bash(giveBackupsTheirDisk, { reject: true });
  await expectUpdate(t, host, 0);

  await t.test('of the state, read-only: an error that says so, nothing is touched', async (t) => {
    await host.pushCluster({ tag: 'v2' });
    const bind = 'mount --bind /var/lib/orchestrator-update /var/lib/orchestrator-update';
    const readOnly = `${bind} && mount -o remount,ro,bind /var/lib/orchestrator-update`;
    await host.bash(readOnly, { reject: true });
    const { exitCode, stderr } = await host.cli('run');
    t.not(exitCode, 0);
    t.match(stderr, /read-only|EROFS/);
    t.same(await versions(host), allAt('v1'));
    await host.bash('umount /var/lib/orchestrator-update', { reject: true });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v2'));
  });

  await host.bash(writeMuch, { reject: true });
  await t.test('of the backups, filled by somebody else while a backup is copied', async (t) => {
    await host.pushCluster({ tag: 'v3' });
    const { said, before } = await expectNoBackup(t, host, `${untilCopying}\n${fillBackups}`);
    t.match(said, /the backup in .*backups could not be written: .*No space left on device/);
    t.match(said, /next: make room: df -h/);
    await expectUntouched(t, host, before);
  });

  await t.test('of the backups, filled while nobody writes', async (t) => {
    await host.pushCluster({ tag: 'v4' });
    const first = `${untilCopying}\n${fillMostly}\n${touchAll}`;
    const script = `${first}\n${untilFrozen}\n${fillBackups}`;
    const { said, before, script: told } = await expectNoBackup(t, host, script);
    t.match(told, /^all paused$/m, 'met in the middle');
    t.match(said, /the backup in .*backups could not be written: .*No space left on device/);
    await expectUntouched(t, host, before);
  });

  await t.test('of the backups, read-only in the middle', async (t) => {
    await host.pushCluster({ tag: 'v3' });
    const turn = `until mount -o remount,ro ${backups} 2>/dev/null; do :; done`;
    const { said, before } = await expectNoBackup(t, host, `${untilCopying}\n${turn}`);
    t.match(said, /the backup in .*backups could not be written: .*Read-only file system/);
    t.match(said, /next: findmnt; dmesg/);
    const { backups: now, ...rest } = await takePicture(host);
    t.same(rest, { containers: before.containers, head: before.head });
    const partial = now.filter((name) => !before.backups.includes(name));
    t.match(partial, [/^[.]partial-/], 'what cannot be removed is hidden');
    const byHand = await host.cli('backup', 'create');
    t.match(byHand, { exitCode: 1, stderr: /could not be written: .*read-only file system/i });
  });

  await t.test('when that is over, the next run is a normal one', async (t) => {
    await host.bash(`mount -o remount,rw ${backups}`, { reject: true });
    const { exitCode, stderr } = await host.cli('run');
    t.equal(exitCode, 0, stderr);
    t.same(await versions(host), allAt('v3'));
    const now = await backupsOf(host);
    t.same(
      now.filter((name) => name.startsWith('.')),
      [],
      'nothing is left of the others',
    );
    t.equal(now.length, 2);
    t.match(await host.cli('backup', 'verify'), { exitCode: 0 });
  });
});

/** An update whose backup is made to fail by a script; what a person sees of the cluster is as it was. */
async function expectNoBackup(t: Test, host: InstalledHost, script: string) {
  const before = await takePicture(host);
  const latest = async (): Promise<string> =>
    (await host.run('readlink', [`${backups}/latest`])).stdout;
  const whole = await latest();
  const meanwhile = host.bash(`set -e\n${script}`, { timeoutSeconds: 100, reject: true });
  const said = await expectUpdate(t, host, 1);
  const { stdout } = await meanwhile;
  await waitUntilIdle(host);
  await host.run('rm', ['-f', ...foreign], { reject: true });
  t.same(
    (await host.containers()).map(({ state }) => state),
    ['running', 'running', 'running'],
    'nobody is paused',
  );
  t.same(await versions(host), allAt('v2'));
  t.equal(await latest(), whole);
  t.match(await host.cli('backup', 'verify'), { exitCode: 0, stdout: whole.trim() });
  t.notMatch((await host.cli('status')).stdout, /quarantine/, 'the release is not blamed');
  return { said, before, script: stdout };
}

/** Which releases the containers are of. What they serve does not tell: they wrote that to the full disk. */
async function tagsOf(host: InstalledHost): Promise<ReadonlySet<string>> {
  const containers = await host.containers();
  return new Set(containers.map(({ image }) => image.split(':').at(-1) ?? ''));
}
