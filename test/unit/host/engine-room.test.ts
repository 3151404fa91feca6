import { chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { diskState, makeRoom, type RoomContext } from '../../../src/host/engine-room.ts';
import { fakeHost } from '../../support/fake-host.ts';
import { makeWorld } from '../../support/fake-world.ts';

const OTHER_USER = 12_345;

interface Room extends RoomContext {
  /** Makes a backup of a name, as its own manifest has it. */
  readonly backUp: (name: string, options?: { uid?: number; manifest?: string }) => void;
  /** Has a container mount these paths. */
  readonly mount: (id: string, config: string) => void;
  readonly left: () => Promise<string[]>;
}

function room(directory: string): Room {
  const [root, backupsDirectory] = [join(directory, 'docker'), join(directory, 'backups')];
  mkdirSync(join(root, 'containers'), { recursive: true });
  mkdirSync(backupsDirectory);
  const { state, log } = fakeHost(makeWorld({ old: { model: { services: {} } } }, 'old'));
  return {
    root,
    backupsDirectory,
    state,
    log,
    backUp: (name, { uid = 0, manifest = name } = {}) => {
      mkdirSync(join(backupsDirectory, name), { recursive: true });
      const path = join(backupsDirectory, name, 'manifest.json');
      writeFileSync(path, JSON.stringify({ schema: 2, name: manifest }));
      chownSync(path, uid, uid);
    },
    mount: (id, config) => {
      mkdirSync(join(root, 'containers', id));
      writeFileSync(join(root, 'containers', id, 'config.v2.json'), config);
    },
    left: async () => (await readdir(backupsDirectory)).toSorted(),
  };
}

await t.test('room is made of what was cut off, then of old backups', async (t) => {
  const context = room(t.testdir());
  for (const name of ['b1', 'b2', 'b3']) context.backUp(name);
  mkdirSync(join(context.backupsDirectory, '.partial-b4'));
  t.equal(await diskState(context, true), 'room');
  t.equal(await diskState(context, false), 'well', 'this disk is not full');
  await makeRoom(context);
  // That was enough: this disk has room.
  t.same(await context.left(), ['b1', 'b2', 'b3']);
  await makeRoom(context, Infinity);
  t.same(await context.left(), ['b3'], 'the newest good one stays');
  t.equal(await diskState(context, true), 'full');
});

await t.test(
  'what containers run from stays, and all of it where that cannot be read',
  async (t) => {
    const context = room(t.testdir());
    for (const name of ['b1', 'b2', 'b3']) context.backUp(name);
    const source = join(context.backupsDirectory, 'b1', 'autonomy');
    context.mount('web', JSON.stringify({ MountPoints: { '/app': { Source: source } } }));
    await makeRoom(context, Infinity);
    t.same(await context.left(), ['b1', 'b3']);
    context.backUp('b2');
    context.mount('cut', '');
    await makeRoom(context, Infinity);
    t.same(await context.left(), ['b1', 'b2', 'b3']);
  },
);

await t.test('what the owner of the work tree has made up is no backup', async (t) => {
  const context = room(t.testdir({ victim: { data: 'all of it' } }));
  context.backUp('b1');
  context.backUp('b9', { uid: OTHER_USER });
  const { backupsDirectory } = context;
  symlinkSync(join(backupsDirectory, '..'), join(backupsDirectory, 'backups'));
  context.backUp('victim', { manifest: 'backups/victim' });
  symlinkSync(join(backupsDirectory, 'b1'), join(backupsDirectory, 'b0'));
  await makeRoom(context, Infinity);
  t.same(await context.left(), ['b0', 'b1', 'b9', 'backups', 'victim'], 'the newest of root stays');
  t.same(await readdir(join(backupsDirectory, '..', 'victim')), ['data']);
});
