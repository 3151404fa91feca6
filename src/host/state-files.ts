import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { codeOf } from '../errors.ts';
import type { StateHost } from './host.ts';

/**
 * The state directory: small files of root's, replaced whole or appended line by line. Every
 * write is on the disk before it returns. A line carries the CRC-32 of its text, so that a torn
 * or damaged one is known and left out.
 */
export function openStateFiles(directory: string): StateHost {
  const at = (name: string): string => join(directory, name);
  return {
    read: (name) => readIfThere(at(name)),
    write: (name, text) => withRoom(directory, () => replaceFile(at(name), text)),
    writeLine: (name, line) =>
      withRoom(directory, () => replaceFile(at(name), `${checked(line)}\n`)),
    append: (name, line) => withRoom(directory, () => appendLine(at(name), line)),
    reserve: () => makeReserve(at(RESERVE)),
    useReserve: () => rm(at(RESERVE), { force: true }),
    lines: async (name) => wholeLines((await readIfThere(at(name))) ?? ''),
    remove: async (name) => {
      await rm(at(name), { force: true });
      await syncDirectory(dirname(at(name)));
    },
    list: async (name) =>
      (await readdir(at(name)).catch(() => [])).toSorted((left, right) => (left < right ? -1 : 1)),
    removeDirectory: (name) => rm(at(name), { recursive: true, force: true }),
  };
}

/** Room for the journal of a rollback, and for what Docker writes while containers come back. */
const RESERVE = 'reserve';
const RESERVE_BYTES = 16 * 1024 * 1024;
/** All of it at once would be most of what the program ever takes of memory beside Node itself. */
const PIECE_BYTES = 1024 * 1024;

/** Random, since some filesystems keep no room for what can be squeezed. */
async function makeReserve(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.size === RESERVE_BYTES) return;
  await makeDirectory(dirname(path));
  const file = await open(path, 'w', 0o600);
  try {
    for (let bytes = 0; bytes < RESERVE_BYTES; bytes += PIECE_BYTES) {
      await file.writeFile(randomBytes(PIECE_BYTES));
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** On a full disk the reserve is what is left to write with. */
async function withRoom(directory: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const code = codeOf(error);
    const reserve = join(directory, RESERVE);
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    if (!isFull || (await stat(reserve).catch(() => undefined)) === undefined) throw error;
    await rm(reserve, { force: true });
    await act();
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Writes a new file beside the old one, then takes its place: a reader sees one or the other. */
export async function replaceFile(path: string, text: string, mode = 0o600): Promise<void> {
  await makeDirectory(dirname(path));
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/**
 * Removes what was cut off while it was written, of before some time: what is younger is being written by somebody.
 */
export async function removeLeftovers(directory: string, olderThanMs: number): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((one) => one.endsWith('.new'))) {
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > olderThanMs)
      await rm(join(directory, name), { force: true });
  }
}

async function appendLine(path: string, line: string): Promise<void> {
  const before = await readIfThere(path);
  if (before === undefined) await makeDirectory(dirname(path));
  // A line cut off by a power cut is ended first, so that it spoils only itself.
  const start = before === undefined || before === '' || before.endsWith('\n') ? '' : '\n';
  const file = await open(path, 'a', 0o600);
  try {
    await file.writeFile(`${start}${checked(line)}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
  if (before === undefined) await syncDirectory(dirname(path));
}

/** A line with the checksum by which `wholeLines` knows it. */
export function checked(line: string): string {
  return `${crc32(line).toString(16).padStart(8, '0')} ${line}`;
}

/** The lines whose checksum is right. A torn line was never followed by its effect. */
export function wholeLines(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const content = line.slice(9);
    return line !== '' && line === checked(content) ? [content] : [];
  });
}

async function makeDirectory(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncDirectory(dirname(made));
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined);
  if (directory === undefined) return;
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
