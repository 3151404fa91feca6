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
import { codeOf } from '../errors.ts';
import { loadLibc } from './native.ts';

export interface Lock {
  release(): void;
}

/** Who holds a lock, as the loser's message names it. */
export interface LockHolder {
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Where that is the number of a process: the update manager may be in a container. Absent in what an earlier version wrote. */
  readonly namespace?: string;
}

const LOCK_SHARED = 1;
const LOCK_EXCLUSIVE = 2;
const LOCK_NO_WAIT = 4;
const LOCK_FREE = 8;
const EWOULDBLOCK = 11;
const PID_NAMESPACE = '/proc/self/ns/pid';

/** What the children of this process keep, while it has the lock. */
let forChildren: number | undefined;

/**
 * The second half of the lock, for a child to keep: where we are killed and it goes on (`docker compose`,
 * a checkout), nobody else begins before it has ended. Undefined when we have none.
 *
 * A file of its own, open for reading only: whoever has a flock(2) can let it go, and a child that runs
 * as the owner of the work tree must not be able to let go of ours.
 */
export function lockForChildren(): number | undefined {
  return forChildren;
}

/**
 * Takes the lock on the file at `path`, or returns undefined when another process has it, or what a killed
 * one had started goes on (`isAlive` of the holder tells which). It is a flock(2) and dies with its
 * holder, SIGKILL included: Node opens with O_CLOEXEC, so no child keeps it that was not given it.
 * The files stay when the lock is released: removing them would let two processes lock two files.
 * Throws when the directory does not exist, `path` is a symbolic link, or flock fails otherwise.
 */
export function acquireLock(path: string, now: () => Date = () => new Date()): Lock | undefined {
  const own = openLocked(path, constants.O_RDWR);
  if (own === undefined) return undefined;
  const children = openLocked(childrenFile(path), constants.O_RDONLY);
  if (children === undefined) {
    closeSync(own);
    return undefined;
  }
  const namespace = linkOf(PID_NAMESPACE);
  const holder: LockHolder = {
    pid: process.pid,
    startedAt: now().toISOString(),
    ...(namespace === undefined ? {} : { namespace }),
  };
  writeHolder(own, holder);
  forChildren = children;
  return releaseOnce(own, children);
}

/** Who it is only helps a person: on a disk that is full, what makes room begins without. */
function writeHolder(file: number, holder: LockHolder): void {
  try {
    ftruncateSync(file, 0);
    writeSync(file, `${JSON.stringify(holder)}\n`, 0);
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')) throw error;
  }
}

function childrenFile(path: string): string {
  return `${path}.children`;
}

function openLocked(path: string, access: number): number | undefined {
  const { flock, errno } = loadLibc();
  const file = openSync(path, access | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (flock(file, LOCK_EXCLUSIVE | LOCK_NO_WAIT) === 0) return file;
  const reason = errno();
  closeSync(file);
  if (reason === EWOULDBLOCK) return undefined;
  throw new Error(`cannot lock ${path}: errno ${reason}`);
}

function releaseOnce(own: number, children: number): Lock {
  let isHeld = true;
  return {
    release: () => {
      if (!isHeld) return;
      isHeld = false;
      forChildren = undefined;
      ftruncateSync(own, 0);
      // Not only closed: a child that still runs is nobody's business any more.
      loadLibc().flock(children, LOCK_FREE);
      closeSync(children);
      closeSync(own);
    },
  };
}

/** Whether a holder is on the other side of the wall of a container: its process cannot be seen from here. */
export function isElsewhere({ namespace }: LockHolder): boolean {
  return namespace !== undefined && namespace !== linkOf(PID_NAMESPACE);
}

/**
 * Whether the process that wrote itself down is still there, as far as that can be seen; one that was killed left its
 * line behind.
 */
export function isAlive(holder: LockHolder): boolean {
  const { pid } = holder;
  if (isElsewhere(holder)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Whether somebody has the lock at this moment. It is tried, side by side with others that only look: whoever wants the
 * lock in the same microseconds has to try twice. Nothing in `/proc` tells of a holder outside a container.
 */
export function isLocked(path: string): boolean {
  return [path, childrenFile(path)].some(isTaken);
}

function isTaken(path: string): boolean {
  const { flock, errno } = loadLibc();
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
  const isRefused = flock(file, LOCK_SHARED | LOCK_NO_WAIT) !== 0;
  const reason = errno();
  closeSync(file);
  if (isRefused && reason !== EWOULDBLOCK)
    throw new Error(`cannot look at ${path}: errno ${reason}`);
  return isRefused;
}

/** Whether a run is at work that has the lock, as far as that can be seen from here. */
export function isAtWork(path: string): boolean {
  const holder = readLockHolder(path);
  if (holder === undefined) return false;
  // Of a process in a container nothing else tells.
  return isElsewhere(holder) ? isLocked(path) : isAlive(holder);
}

/** A process that keeps the lock for the one that started it. */
export interface LockKeeper {
  readonly pid: number;
  readonly name: string;
}

/** What the holder gave the lock to (and the holder, while it is there). As root, all of them. */
export function lockKeepers(path: string): LockKeeper[] {
  const real = realpathSync(childrenFile(path));
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
    if (!isLockHolder(holder)) return undefined;
    const { pid, startedAt, namespace } = holder;
    return { pid, startedAt, ...(namespace === undefined ? {} : { namespace }) };
  } catch {
    return undefined;
  }
}

function isLockHolder(value: unknown): value is LockHolder {
  if (typeof value !== 'object' || value === null) return false;
  if (!('pid' in value) || !('startedAt' in value)) return false;
  if ('namespace' in value && typeof value.namespace !== 'string') return false;
  return typeof value.pid === 'number' && typeof value.startedAt === 'string';
}
