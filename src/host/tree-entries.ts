import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import type { EntryType, TreeEntry } from '../core/mtree.ts';

/** An entry without its digest, and the file that it is of. */
export interface Found {
  readonly entry: TreeEntry;
  readonly file: Buffer;
  readonly stats: BigIntStats;
}

/** Everything below a directory but what is left out at its top, in the order of a walk. */
export function* entriesBelow(
  root: Buffer,
  directory: Buffer,
  leftOut: ReadonlySet<string>,
): Generator<Found> {
  const names = readdirSync(join(root, directory), { encoding: 'buffer' });
  for (const name of names.toSorted((left, right) => Buffer.compare(left, right))) {
    if (directory.length === 0 && leftOut.has(name.toString('latin1'))) continue;
    const found = lookAt(root, join(directory, name));
    yield found;
    if (found.entry.type === 'dir') yield* entriesBelow(root, join(directory, name), leftOut);
  }
}

/** @param path from the root; @throws when it is not there */
export function lookAt(root: Buffer, path: Buffer): Found {
  const file = join(root, path);
  const stats = lstatSync(file, { bigint: true });
  const entry = describe(path, stats);
  if (entry.type !== 'link') return { entry, file, stats };
  const target = readlinkSync(file, { encoding: 'buffer' }).toString('latin1');
  return { entry: { ...entry, target }, file, stats };
}

function describe(path: Buffer, stats: BigIntStats): TreeEntry {
  const type = typeOf(stats);
  const isDevice = type === 'char' || type === 'block';
  return {
    path: path.toString('latin1'),
    type,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    timeNs: stats.mtimeNs,
    ...(type === 'file' ? { size: stats.size } : {}),
    ...(isDevice ? { device: deviceOf(stats.rdev) } : {}),
  };
}

function typeOf(stats: BigIntStats): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isCharacterDevice() ? 'char' : 'block';
}

/** As glibc's gnu_dev_major and gnu_dev_minor. */
function deviceOf(rdev: bigint): readonly [number, number] {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return [Number(major), Number(minor & 0xffffffffn)];
}

/** What is right in a directory below a root; names and paths have one character per byte. */
export function namesIn(root: Buffer, directory: string): ReadonlySet<string> {
  const names = readdirSync(join(root, Buffer.from(directory, 'latin1')), { encoding: 'buffer' });
  return new Set(names.map((name) => name.toString('latin1')));
}

function join(directory: Buffer, name: Buffer): Buffer {
  if (name.length === 0) return directory;
  return directory.length === 0 ? name : Buffer.concat([directory, Buffer.from('/'), name]);
}
