import { once } from 'node:events';
import { execa } from 'execa';

/**
 * Run `work` while this process, alone on the machine, holds the lock file.
 *
 * The holder is `flock FILE cat`: it echoes one line when the lock is ours, and ends (which frees the lock) when its
 * standard input closes, so a killed test process never leaves a lock behind.
 */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const holder = execa('flock', [file, 'cat'], { reject: false, buffer: false });
  holder.stdin.write('locked\n');
  await once(holder.stdout, 'data', { signal: AbortSignal.timeout(900_000) });
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await holder;
  }
}
