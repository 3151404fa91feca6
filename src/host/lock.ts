import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeSync,
} from 'node:fs';
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
const LOCK_FREE = 8;
const EWOULDBLOCK = 11;

/** The open file of the lock that this process has. */
let held: number | undefined;

/**
 * The lock of this process, for a child to keep it: where we are killed and it goes on (`docker compose`,
 * a checkout), nobody else begins before it has ended. Undefined when we have none.
 */
export function heldLock(): number | undefined {
  return held;
}

/**
 * Takes the lock on the file at `path`, or returns undefined when another process has it. It is a
 * flock(2) and dies with its holder, SIGKILL included, and with those that were given it by `heldLock`:
 * Node opens with O_CLOEXEC, so no other child keeps it.
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
  held = file;
  return releaseOnce(file);
}

function releaseOnce(file: number): Lock {
  let isHeld = true;
  return {
    release: () => {
      if (!isHeld) return;
      isHeld = false;
      held = undefined;
      ftruncateSync(file, 0);
      // Also for a child that still runs: it is nobody's business any more.
      loadLibc().flock(file, LOCK_FREE);
      closeSync(file);
    },
  };
}

/** Whether the process that wrote itself down is still there; one that was killed left its line behind. */
export function isAlive({ pid }: LockHolder): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** A process that has the lock's file open. */
export interface LockKeeper {
  readonly pid: number;
  readonly name: string;
}

/** Who has the lock's file open: the holder, and what it gave the lock to. As root, all of them. */
export function lockKeepers(path: string): LockKeeper[] {
  const real = realpathSync(path);
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.flatMap((pid) => {
    try {
      const open = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
      if (!open.includes(real)) return [];
      return [{ pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() }];
    } catch {
      // It ended meanwhile, or is somebody else's.
      return [];
    }
  });
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
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
