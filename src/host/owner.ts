import { readFileSync, statSync } from 'node:fs';
import type { User } from './child-environment.ts';

/**
 * Who owns a directory, with the home directory that /etc/passwd gives them. Synchronous: a read
 * through libuv starts four threads, which is a cost on the way to "nothing to do".
 *
 * @throws {Error} when there is no such directory
 */
export function ownerOf(directory: string): User {
  const { uid, gid } = statSync(directory);
  if (uid === 0 || process.getuid?.() !== 0) {
    return {
      uid: process.getuid?.() ?? uid,
      gid: process.getgid?.() ?? gid,
      home: process.env['HOME'] ?? '/root',
    };
  }
  const passwd = readFileSync('/etc/passwd', 'utf8');
  const fields = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((entry) => entry[2] === String(uid));
  return { uid, gid: Number(fields?.[3] ?? gid), home: fields?.[5] ?? '/' };
}
