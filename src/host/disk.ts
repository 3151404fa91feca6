import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The disk that a path is on; of the nearest directory above where it is not there yet. */
export async function diskOf(
  path: string,
): Promise<{ device: number; freeBytes: number } | undefined> {
  for (let place = path; ; place = dirname(place)) {
    try {
      const [{ dev: device }, { bavail, bsize }] = await Promise.all([stat(place), statfs(place)]);
      return { device, freeBytes: bavail * bsize };
    } catch {
      if (place === '/') return undefined;
    }
  }
}

/** Whether a path is there, links followed. */
export function pathExists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
