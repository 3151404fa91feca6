import { mkdirSync, readdirSync, readlinkSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { OperatorError, RefusedError } from '../../src/errors.ts';
import { backupWorld, createBackup, facts } from '../support/backup-world.ts';
import { isRoot } from '../support/git-world.ts';

if (!isRoot) t.bailout('a disk of its own can only be mounted by root');

const name = 'B2';

/** A cluster whose backups have a small disk of their own, with one whole backup on it. */
async function onOwnDisk(t: Test) {
  const world = await backupWorld(t, { keys: { backup: { reserve_mb: 0 } } });
  const { backups, host, source, volume } = world;
  mkdirSync(backups);
  mkdirSync(volume);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'small', backups]);
  t.teardown(async () => {
    await execa('umount', [backups]);
  });
  writeFileSync(join(volume, 'db'), randomBytes(4_000_000));
  await createBackup(world, 'B1', { sources: [source] });
  const foreign = join(backups, 'foreign');
  const ends = {
    'is filled by somebody else': {
      begins: async () => {
        const { bavail, bsize } = statfsSync(backups);
        writeFileSync(foreign, Buffer.alloc(bavail * bsize));
      },
      isOver: async () => rmSync(foreign),
      says: /could not be written: .*no space left on device/i,
      next: /^make room: df -h/,
    },
    'turns read-only': {
      begins: async () => void (await execa('mount', ['-o', 'remount,ro', backups])),
      isOver: async () => void (await execa('mount', ['-o', 'remount,rw', backups])),
      says: /could not be written: .*read-only file system/i,
      next: /^findmnt; dmesg/,
    },
  };
  /** Begins a backup; the disk takes nothing more before the step of this number. */
  const makeUntil = async (failsBefore: number, fail: () => Promise<void>): Promise<void> => {
    const steps = [
      async () => host.begin(name, [host.workTree, source], 5, [], []),
      async (draft: Awaited<ReturnType<typeof host.begin>>) => host.copy(draft, 60),
      async (draft: Awaited<ReturnType<typeof host.begin>>) => host.finish(draft, facts, []),
    ] as const;
    if (failsBefore === 0) await fail();
    const draft = await steps[0]();
    if (failsBefore === 1) await fail();
    await steps[1](draft);
    if (failsBefore === 2) await fail();
    await steps[2](draft);
  };
  return { ...world, ends, makeUntil };
}

await t.test('the disk of the backups, in the middle of one', async (t) => {
  const world = await onOwnDisk(t);
  const { backups, host, source, ends, makeUntil } = world;
  for (const [what, { begins, isOver, says, next }] of Object.entries(ends)) {
    for (const [step, when] of ['before it is begun', 'while it copies', 'at its end'].entries()) {
      await t.test(`${what} ${when}`, async (t) => {
        const error: unknown = await makeUntil(step, begins).catch((thrown: unknown) => thrown);
        t.ok(error instanceof OperatorError, 'it was foreseen');
        if (error instanceof RefusedError) t.match(error.message, /^no room for a backup in /);
        else t.match(error, { message: says, next });
        t.ok((error as Error).message.includes(backups), 'it says where');
        t.equal(readlinkSync(join(backups, 'latest')), 'B1');
        const [manifest] = await host.list();
        t.equal(manifest?.name, 'B1');
        if (manifest) t.same(await host.verify(manifest), []);
        await host.removePartial(name).catch(() => {});
        await isOver();
        await host.sweep();
        t.same(readdirSync(backups).toSorted(), ['B1', 'latest'], 'nothing else is left');
      });
    }
  }
  await createBackup(world, name, { sources: [source] });
  t.equal(readlinkSync(join(backups, 'latest')), name);
});
