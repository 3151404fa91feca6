import { access, stat, statfs } from 'node:fs/promises';

/**
 * The disk that a path is on. Undefined where it is not there, or a sandbox hides it: the nearest
 * directory above may be another disk.
 */
export async function diskOf(
  path: string,
): Promise<{ device: number; freeBytes: number } | undefined> {
  try {
    const [{ dev: device }, { bavail, bsize }] = await Promise.all([stat(path), statfs(path)]);
    return { device, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}

/** Whether a path is there, links followed. */
export function pathExists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
