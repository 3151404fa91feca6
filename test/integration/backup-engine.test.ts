import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { backupWorld, createBackup, versions } from '../support/backup-world.ts';
import { isRoot } from '../support/git-world.ts';

await t.test('the configuration of the engine is in the backup, as it is', async (t) => {
  const world = await backupWorld(t);
  const put = (path: string, text: string): string => {
    const file = join(world.hostRoot, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const daemon = put('etc/docker/daemon.json', '{"live-restore": true}');
  chmodSync(daemon, 0o640);
  if (isRoot) chownSync(daemon, 0, 998);
  const dropIns = 'etc/systemd/system/docker.service.d';
  put(`${dropIns}/proxy.conf`, '[Service]\nEnvironment=HTTPS_PROXY=http://user:secret@proxy\n');
  mkdirSync(join(world.hostRoot, dropIns, 'directory'));
  symlinkSync('/dev/null', join(world.hostRoot, dropIns, 'masked.conf'));
  put('opt/managed.toml', 'version = 3');
  mkdirSync(join(world.hostRoot, 'etc/containerd'));
  symlinkSync('../../opt/managed.toml', join(world.hostRoot, 'etc/containerd/config.toml'));
  put('etc/docker/key.json', 'not ours to keep');

  const manifest = await createBackup(world, 'B1');
  const at = (path: string): string => join(world.backups, 'B1/engine', path);
  const kept = statSync(at('etc/docker/daemon.json'));
  t.equal(readFileSync(at('etc/docker/daemon.json'), 'utf8'), '{"live-restore": true}');
  t.equal(kept.mode & 0o777, 0o640);
  t.same(kept.mtime, statSync(daemon).mtime);
  if (isRoot) t.equal(kept.gid, 998);
  t.match(readFileSync(at(`${dropIns}/proxy.conf`), 'utf8'), /HTTPS_PROXY/);
  t.equal(readlinkSync(at(`${dropIns}/masked.conf`)), '/dev/null');
  t.equal(readFileSync(at('etc/containerd/config.toml'), 'utf8'), 'version = 3', 'what is read');
  for (const none of ['etc/docker/key.json', 'etc/default', `${dropIns}/directory`]) {
    t.notOk(existsSync(at(none)), none);
  }
  t.equal(statSync(at('.')).mode & 0o777, 0o700, 'it may have passwords');
  t.same(JSON.parse(readFileSync(at('versions.json'), 'utf8')), versions);
  t.same(await world.host.verify(manifest), []);
  writeFileSync(at('etc/docker/daemon.json'), '{"live-restore": null}');
  t.match(await world.host.verify(manifest), [/^engine\/etc\/docker\/daemon.json: /]);
});

await t.test('what is gone from the host is gone from the next backup', async (t) => {
  const world = await backupWorld(t);
  mkdirSync(join(world.hostRoot, 'etc/default'), { recursive: true });
  writeFileSync(join(world.hostRoot, 'etc/default/docker'), 'DOCKER_OPTS=');
  for (const name of ['B1', 'B2']) await createBackup(world, name, { keep: 2 });
  t.ok(existsSync(join(world.backups, 'B2/engine/etc/default/docker')));
  const elsewhere = join(world.hostRoot, 'etc/elsewhere');
  mkdirSync(elsewhere);
  symlinkSync('elsewhere', join(world.hostRoot, 'etc/docker'));
  writeFileSync(join(world.hostRoot, 'etc/default/docker'), 'DOCKER_OPTS=--debug');
  await createBackup(world, 'B3', { keep: 2 });
  const kept = readFileSync(join(world.backups, 'B3/engine/etc/default/docker'), 'utf8');
  t.equal(kept, 'DOCKER_OPTS=--debug');
  const [manifest] = await world.host.list();
  t.same(manifest && (await world.host.verify(manifest)), []);
});
