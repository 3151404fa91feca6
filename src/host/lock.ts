import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { loadLibc } from './native.ts';

export interface Lock {
  release(): void;
}

/** Who holds a lock, as the loser's message names it. */
export interface LockHolder {
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
}

const LOCK_EXCLUSIVE = 2;
const LOCK_NO_WAIT = 4;
const EWOULDBLOCK = 11;

/**
 * Takes the lock on the file at `path`, or returns undefined when another process has it. It is a
 * flock(2) and dies with its holder, SIGKILL included: Node opens with O_CLOEXEC, so no child keeps it.
 * The file stays when the lock is released: removing it would let two processes lock two files.
 * Throws when the directory does not exist, `path` is a symbolic link, or flock fails otherwise.
 */
export function acquireLock(path: string, now: () => Date = () => new Date()): Lock | undefined {
  const { flock, errno } = loadLibc();
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const file = openSync(path, flags, 0o600);
  if (flock(file, LOCK_EXCLUSIVE | LOCK_NO_WAIT) !== 0) {
    const reason = errno();
    closeSync(file);
    if (reason === EWOULDBLOCK) return undefined;
    throw new Error(`cannot lock ${path}: errno ${reason}`);
  }
  const holder: LockHolder = { pid: process.pid, startedAt: now().toISOString() };
  ftruncateSync(file, 0);
  writeSync(file, `${JSON.stringify(holder)}\n`, 0);
  return releaseOnce(file);
}

function releaseOnce(file: number): Lock {
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      ftruncateSync(file, 0);
      closeSync(file);
    },
  };
}

/**
 * What the holder wrote, undefined when there is none or it is being written. Only ask after
 * acquireLock refused: a killed holder leaves its line behind.
 */
export function readLockHolder(path: string): LockHolder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isLockHolder(holder) ? { pid: holder.pid, startedAt: holder.startedAt } : undefined;
  } catch {
    return undefined;
  }
}

function isLockHolder(value: unknown): value is LockHolder {
  if (typeof value !== 'object' || value === null) return false;
  if (!('pid' in value) || !('startedAt' in value)) return false;
  return typeof value.pid === 'number' && typeof value.startedAt === 'string';
}
