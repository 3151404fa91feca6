import { statfs } from 'node:fs/promises';
import { command } from './command.ts';
import { runOnFiles } from './guest.ts';
import { checkoutDir, rootOf, runDir } from './paths.ts';

export type FileOptions = {
  /** Octal mode; "0644" unless told. */
  mode?: string;
  /** "user" or "user:group" of the guest; root unless told. */
  owner?: string;
};

const writeScript = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1" && chown "$3" "$1"';

/** Write a file in the guest, on or off; missing directories are made. */
export async function writeGuestFile(
  name: string,
  path: string,
  content: string,
  { mode = '0644', owner = 'root:root' }: FileOptions = {},
): Promise<void> {
  const args = ['-c', writeScript, 'write', path, mode, owner];
  await runOnFiles(name, 'bash', args, { input: content, reject: true });
}

/** Content of a file in the guest, on or off; throws when it cannot be read. */
export async function readGuestFile(name: string, path: string): Promise<string> {
  const keepLastNewline = 'cat -- "$1" && printf .';
  const args = ['-c', keepLastNewline, 'read', path];
  const { stdout } = await runOnFiles(name, 'bash', args, { reject: true });
  return stdout.slice(0, -1);
}

/** Copy a directory's entries (all, unless told which) of the outer machine into a directory of the guest, owned by root. */
export async function copyInto(
  name: string,
  outerDir: string,
  guestDir: string,
  entries: string[] = ['.'],
): Promise<void> {
  const archive = `${runDir}/${name}.tar`;
  await command('tar', ['-C', outerDir, '-cf', archive, ...entries], { timeoutSeconds: 120 });
  try {
    const staged = `/.lab-copy.tar`;
    await command('mv', [archive, `${rootOf(name)}${staged}`]);
    const unpack = 'mkdir -p "$1" && tar -C "$1" --no-same-owner -xf "$2" && rm "$2"';
    const args = ['-c', unpack, 'copy', guestDir, staged];
    await runOnFiles(name, 'bash', args, { timeoutSeconds: 120, reject: true });
  } finally {
    await command('rm', ['-f', archive]);
  }
}

/** Copy the built release of this checkout (`npm run build` makes dist/) to /root/orchestrator-update in the guest. */
export async function copyRelease(name: string): Promise<void> {
  const entries = ['dist', 'install', 'systemd', 'update-manager', 'package.json'];
  await copyInto(name, checkoutDir, '/root/orchestrator-update', entries);
}

/** Fill the file system below a directory of the guest's disk; returns the file to delete to free it again. */
export async function fillDisk(
  name: string,
  guestDir: string,
  leaveBytes: number,
): Promise<string> {
  const { bavail, bsize } = await statfs(rootOf(name));
  const file = `${guestDir.replace(/\/$/, '')}/.lab-fill`;
  const size = bavail * bsize - leaveBytes;
  if (size <= 0) throw new Error(`${name}: less than ${leaveBytes} bytes are free already`);
  await runOnFiles(name, 'fallocate', ['-l', String(size), file], { reject: true });
  return file;
}
