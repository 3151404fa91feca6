import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { isAlive, isElsewhere, isLocked, readLockHolder, type LockHolder } from './lock.ts';
import type { Log } from './log.ts';

const BETWEEN_LOOKS_MS = 200;
/** Once it has let go of the lock, it only tells people how it ended. */
const LAST_WORDS_MS = 15_000;

/**
 * Before the first process of a container leaves, and the kernel kills all that is in it: whoever has the lock from
 * in here, as a command of `docker exec`, is asked to end, and is waited for. Docker does not wait for ever.
 *
 * @param path the lock of a run
 */
export async function seeOffHolder(path: string, log: Pick<Log, 'info' | 'warn'>): Promise<void> {
  let asked: LockHolder | undefined;
  for (;;) {
    const holder = holderInHere(path);
    if (holder === undefined) break;
    if (holder.pid !== asked?.pid) {
      asked = holder;
      log.info(
        `process ${holder.pid} of this container is at work, as one of docker exec: it is asked to end (SIGTERM), and waited for until docker kills it with this container (stop_grace_period)`,
      );
      try {
        process.kill(holder.pid, 'SIGTERM');
      } catch (error) {
        log.warn(`process ${holder.pid}: ${messageOf(error)}`);
      }
    }
    await wait(BETWEEN_LOOKS_MS);
  }
  if (asked !== undefined) await untilGone(asked);
}

async function untilGone(holder: LockHolder): Promise<void> {
  const endMs = performance.now() + LAST_WORDS_MS;
  while (isAlive(holder) && performance.now() < endMs) await wait(BETWEEN_LOOKS_MS);
}

/** The line of one that was killed names a number that may be another process now: the lock tells. */
function holderInHere(path: string): LockHolder | undefined {
  const holder = readLockHolder(path);
  if (holder?.namespace === undefined || isElsewhere(holder) || !isAlive(holder)) return undefined;
  return isLocked(path) ? holder : undefined;
}
