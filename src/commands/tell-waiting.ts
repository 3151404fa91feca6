import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Invocation } from '../command-table.ts';
import type { Notifier } from '../host/notifier.ts';
import { files } from '../state-names.ts';

/** The commands after which people are told what has happened; the others only look. */
export const telling: ReadonlySet<string> = new Set([
  'run',
  'approve',
  'reject',
  'rollback',
  'recover',
  'restore',
  'backup',
  'engine',
  'acknowledge',
]);

/** Of a bad outcome systemd knows when the process has ended: so long, and no longer, it waits for those who are told. */
export const TELLING_SECONDS = 15;
/** For what is written before that, and after it. */
const LAST_SECONDS = 15;

/** Says how it went badly; systemd is not to take the time in which people are told of it for a hang. */
export function endSoon(notifier: Notifier, text: string): void {
  notifier.status(text);
  notifier.extend(TELLING_SECONDS + LAST_SECONDS);
}

/**
 * Has people told what has happened, if anything waits to be told. Cheap where nothing does; never throws.
 *
 * @param withinSeconds somebody waits for the end of this process: what is not told by then is told by the next run
 */
export async function deliverWaiting(
  invocation: Invocation,
  withinSeconds = Infinity,
): Promise<void> {
  const { stateDirectory } = invocation.settings;
  const isThere = [files.untold, files.outbox].some((name) => isFilled(join(stateDirectory, name)));
  if (!isThere || process.getuid?.() !== 0) return;
  try {
    const { deliverNotices } = await import('../deliver-notices.ts');
    const delivery = deliverNotices(invocation, { withinSeconds });
    if (withinSeconds === Infinity) return await delivery;
    // Also of what does not end in its time, as a program that has to be killed.
    const end = new AbortController();
    const { signal } = end;
    await Promise.race([delivery, wait(withinSeconds * 1000, undefined, { signal })]);
    end.abort();
  } catch {
    // It waits for the next run.
  }
}

function isFilled(directory: string): boolean {
  try {
    // What was cut off while it was written tells nothing.
    return readdirSync(directory).some((name) => name.endsWith('.json'));
  } catch {
    return false;
  }
}
