import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { loadLibc } from './native.ts';

const LOCK_EXCLUSIVE = 2;
const LOCK_NO_WAIT = 4;
const BETWEEN_TRIES_MS = 100;

/**
 * Does something that only one process does at a time; who comes while another does it waits for a while. It is no
 * part of the lock of a run, and dies with its holder.
 *
 * @returns false where the other one was not ready in time
 */
export async function withDeliveryLock(
  path: string,
  patienceMs: number,
  act: () => Promise<void>,
): Promise<boolean> {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    const endMs = performance.now() + patienceMs;
    while (loadLibc().flock(file, LOCK_EXCLUSIVE | LOCK_NO_WAIT) !== 0) {
      if (performance.now() >= endMs) return false;
      await wait(BETWEEN_TRIES_MS);
    }
    await act();
    return true;
  } finally {
    closeSync(file);
  }
}
