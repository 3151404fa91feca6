import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { codeOf, messageOf } from '../../src/errors.ts';
import { openStateFiles } from '../../src/host/state-files.ts';

/** A file system of its own, hardly larger than the reserve. */
async function small(t: Test): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'small-'));
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'small', directory]);
  t.teardown(async () => {
    await execa('umount', [directory]);
    rmdirSync(directory);
  });
  return directory;
}

/** Whoever writes here has less than is free: btrfs holds root to it, too. */
async function withQuota(t: Test): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'quota-'));
  const image = `${directory}.img`;
  await execa('truncate', ['--size=300M', image]);
  await execa('mkfs.btrfs', ['--quiet', image]);
  await execa('mount', ['-o', 'loop', image, directory]);
  t.teardown(async () => {
    await execa('umount', [directory]);
    rmdirSync(directory);
    rmSync(image);
  });
  await execa('btrfs', ['quota', 'enable', directory]);
  await execa('btrfs', ['qgroup', 'limit', '24M', directory]);
  return directory;
}

/** Takes the last byte there is. */
function fill(directory: string, code = 'ENOSPC'): void {
  const file = openSync(join(directory, 'fill'), 'a');
  try {
    for (const size of [65_536, 1]) {
      for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break;
    }
  } catch (error) {
    if (codeOf(error) !== code) throw error;
  } finally {
    closeSync(file);
  }
}

await t.test('with the reserve, records can be written to a full disk', async (t) => {
  const directory = await small(t);
  const state = openStateFiles(directory);
  await state.append('journal', 'before');
  await state.reserve();
  fill(directory);
  await state.append('journal', 'in the middle');
  await state.write('deployed.json', '{}\n');
  t.notOk(existsSync(join(directory, 'reserve')), 'it is what made room');
  t.same(await state.lines('journal'), ['before', 'in the middle']);
  t.equal(await state.read('deployed.json'), '{}\n');

  await t.test('without it: an error, and what was there is whole', async (t) => {
    const before = 'x'.repeat(5000);
    await state.append('journal', before);
    fill(directory);
    const long = 'y'.repeat(5000);
    await t.rejects(state.append('journal', long), { code: 'ENOSPC' });
    await t.rejects(state.write('deployed.json', long), { code: 'ENOSPC' });
    t.same(await state.lines('journal'), ['before', 'in the middle', before]);
    t.equal(await state.read('deployed.json'), '{}\n');

    rmSync(join(directory, 'fill'));
    await state.append('journal', 'after');
    t.same((await state.lines('journal')).at(-1), 'after', 'a torn line spoils only itself');
  });

  await t.test('read-only: an error, and everything can be read', async (t) => {
    const lines = await state.lines('journal');
    await execa('mount', ['-o', 'remount,ro', directory]);
    await t.rejects(state.append('journal', 'no'), { code: 'EROFS' });
    await t.rejects(state.write('deployed.json', 'no'), { code: 'EROFS' });
    await t.rejects(state.remove('deployed.json'), { code: 'EROFS' });
    t.same(await state.lines('journal'), lines);
    t.equal(await state.read('deployed.json'), '{}\n');
  });
});

await t.test('with the reserve, records can be written beyond a quota', async (t) => {
  const directory = await withQuota(t);
  const state = openStateFiles(directory);
  await state.append('journal', 'before');
  await state.reserve();
  fill(directory, 'EDQUOT');
  await state.append('journal', 'in the middle');
  await state.write('deployed.json', '{}\n');
  t.notOk(existsSync(join(directory, 'reserve')), 'it is what made room');
  t.same(await state.lines('journal'), ['before', 'in the middle']);

  await t.test('without it: an error, and what was there is whole', async (t) => {
    fill(directory, 'EDQUOT');
    const long = 'y'.repeat(100_000);
    const writes = [() => state.write('deployed.json', long), () => state.append('journal', long)];
    for (const write of writes) {
      const error: unknown = await write().catch((thrown: unknown) => thrown);
      t.match(messageOf(error), /^EDQUOT: disk quota exceeded, (write|fsync|open|fdatasync)/);
    }
    t.same(await state.lines('journal'), ['before', 'in the middle']);
    t.equal(await state.read('deployed.json'), '{}\n');
  });
});
