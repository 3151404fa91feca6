import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import type { SavedImage } from '../../src/core/saved-images.ts';
import { backupWorld, createBackup, type BackupWorld } from '../support/backup-world.ts';
import { daemon } from '../support/daemon.ts';

const image = (name: string, sizeBytes = 20): SavedImage => ({
  id: `sha256:${name}`,
  file: `images/${name}.tar`,
  services: [name],
  references: [`shop-${name}`],
  sizeBytes,
});

/** What the docker command asks for is answered from here, and noted. */
async function withDaemon(
  t: Test,
  layout: object = {},
): Promise<BackupWorld & { saved: string[] }> {
  const saved: string[] = [];
  const socket = await daemon(t, (request, response) => {
    response.setHeader('Api-Version', '1.45');
    const url = new URL(request.url ?? '', 'http://docker');
    if (!url.pathname.endsWith('/images/get')) return response.end('OK');
    const id = url.searchParams.get('names') ?? '';
    if (id === 'sha256:broken') {
      return response.writeHead(500).end(JSON.stringify({ message: 'layer is gone' }));
    }
    saved.push(id);
    return response.end(`the layers of ${id}`);
  });
  const before = process.env['DOCKER_HOST'];
  process.env['DOCKER_HOST'] = `unix://${socket}`;
  t.teardown(() => {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
  });
  return { ...(await backupWorld(t, layout)), saved };
}

const hasDocker = await execa('docker', ['--version']).then(
  () => true,
  () => false,
);
const needsDocker = hasDocker ? {} : { skip: 'there is no docker command' };
const [one, two] = [image('aaaaaaaaaaaa'), image('bbbbbbbbbbbb')];

await t.test('images are files that only root can read', needsDocker, async (t) => {
  const world = await withDaemon(t);
  const manifest = await createBackup(world, 'B1', { images: [one, two] });
  const at = (path: string): string => join(world.backups, 'B1', path);
  t.equal(readFileSync(at(one.file), 'utf8'), `the layers of ${one.id}`);
  t.equal(statSync(at('images')).mode & 0o777, 0o700);
  t.same(manifest.savedImages, [one, two]);
  const empty = await createBackup({ host: world.host }, 'B2');
  t.equal(manifest.sizeBytes - empty.sizeBytes, 40);
  t.notOk(existsSync(join(world.backups, 'B2/images')));
  t.same(await world.host.verify(manifest), []);
  writeFileSync(at(one.file), 'x');
  t.match(await world.host.verify(manifest), [/^images\/aaaaaaaaaaaa\.tar: /]);
});

await t.test('what the backup it is begun with has is not saved again', needsDocker, async (t) => {
  const world = await withDaemon(t);
  for (const name of ['B1', 'B2']) {
    await createBackup(world, name, { keep: 2, images: [one, two] });
  }
  t.equal(world.saved.length, 4);
  const inode = statSync(join(world.backups, 'B1', one.file)).ino;
  await createBackup(world, 'B3', { keep: 2, images: [one] });
  t.equal(world.saved.length, 4);
  t.equal(statSync(join(world.backups, 'B3', one.file)).ino, inode);
  t.same(readdirSync(join(world.backups, 'B3/images')), ['aaaaaaaaaaaa.tar'], 'the other went');
  const [manifest] = await world.host.list();
  t.same(manifest && (await world.host.verify(manifest)), []);
});

await t.test('one that rotted on the disk is saved anew', needsDocker, async (t) => {
  const world = await withDaemon(t);
  for (const name of ['B1', 'B2']) await createBackup(world, name, { keep: 2, images: [one] });
  const file = join(world.backups, 'B1', one.file);
  const { atime, mtime } = statSync(file);
  writeFileSync(file, readFileSync(file, 'utf8').replace('layers', 'Layers'));
  utimesSync(file, atime, mtime);
  await createBackup(world, 'B3', { keep: 2, images: [one] });
  t.equal(readFileSync(join(world.backups, 'B3', one.file), 'utf8'), `the layers of ${one.id}`);
  t.match(world.progress.join('\n'), /aaaaaaaaaaaa\.tar .*is not what was written there/);
  const [manifest] = await world.host.list();
  t.same(manifest && (await world.host.verify(manifest)), []);
});

await t.test('one that cannot be saved: there is no backup', needsDocker, async (t) => {
  const world = await withDaemon(t);
  const broken = image('broken');
  await t.rejects(createBackup(world, 'B1', { images: [one, broken] }), {
    message: /docker image save sha256:broken: failed .*:\s+.*layer is gone/,
  });
  t.same(await world.host.list(), []);
});

await t.test('no room for them: refused, and nothing is written', async (t) => {
  const world = await backupWorld(t);
  const huge = image('aaaaaaaaaaaa', 1e18);
  await t.rejects(createBackup(world, 'B1', { images: [huge] }), {
    name: 'RefusedError',
    message: /no room for a backup in .*: \d+ MB needed \(.*images of this host.*\)/,
  });
  t.same(readdirSync(world.backups), []);
  t.ok((await world.host.neededBytes([], [huge])) > 1e18);
});
