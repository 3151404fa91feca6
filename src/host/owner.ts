import { readFile, stat } from 'node:fs/promises';
import type { User } from './child-environment.ts';

/** Who owns a directory, with the home directory that /etc/passwd gives them. */
export async function ownerOf(directory: string): Promise<User> {
  const { uid, gid } = await stat(directory);
  if (uid === 0 || process.getuid?.() !== 0) {
    return {
      uid: process.getuid?.() ?? uid,
      gid: process.getgid?.() ?? gid,
      home: process.env['HOME'] ?? '/root',
    };
  }
  const passwd = await readFile('/etc/passwd', 'utf8');
  const fields = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((entry) => entry[2] === String(uid));
  return { uid, gid: Number(fields?.[3] ?? gid), home: fields?.[5] ?? '/' };
}
