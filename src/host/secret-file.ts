import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { isWithin } from '../core/contents.ts';
import { isHiddenFromService } from '../core/sandbox.ts';
import { ConfigError, codeOf, messageOf } from '../errors.ts';

/** More is no password and no list of credentials. */
const MOST_BYTES = 65_536;

/**
 * Reads a file that holds secrets, and refuses one that others could have read or written: it must be a
 * regular file of root's, no symbolic link, closed to group and others, and not empty.
 *
 * @param key the key of the configuration that names it
 * @throws {ConfigError} which names the file and the command that mends it
 */
export async function readSecretFile(path: string, key: string): Promise<string> {
  const file = await openFile(path, key);
  try {
    const { mode, uid, size } = await refuseOther(file, path, key);
    const complain = complaint(path, key);
    if (uid !== 0) throw complain(`belongs to user ${uid}, not to root`, `chown root: ${path}`);
    if ((mode & 0o077) !== 0) {
      const seen = (mode & 0o7777).toString(8).padStart(4, '0');
      throw complain(`can be read by others (mode ${seen})`, `chmod 600 ${path}`);
    }
    if (size === 0) throw complain('is empty', `editor ${path}`);
    if (size > MOST_BYTES) throw complain(`is too large (${size} bytes)`, `ls -l ${path}`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

async function openFile(path: string, key: string): Promise<FileHandle> {
  // A pipe in its place would be waited for.
  const isInService = process.env['INVOCATION_ID'] !== undefined;
  const how = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    return await open(path, how);
  } catch (error) {
    const complain = complaint(path, key);
    const code = codeOf(error);
    // To make one in its place would end the one that a shell sees there.
    if (code === 'ENOENT' && isInService && isHiddenFromService(path)) {
      throw complain(`is not there, or ${HIDDEN}`, adviceOf(path, key));
    }
    if (code === 'ENOENT') {
      throw complain('is not there', `install -m 600 /dev/null ${path} && editor ${path}`);
    }
    if (code === 'ELOOP') {
      throw complain('is a symbolic link', `set ${key} to the file itself: readlink -f ${path}`);
    }
    throw complain(`cannot be read: ${messageOf(error)}`, `ls -l ${path}`);
  }
}

const HIDDEN = 'the service does not see it: it sees nothing in /root, /home, /tmp and /var/tmp';
const adviceOf = (path: string, key: string): string =>
  `mv ${path} /etc/orchestrator-update/; set ${key} to it there`;

/**
 * What is wrong with a file that a shell sees, and the service does not; undefined where nothing is.
 *
 * @param shown directories that its sandbox shows all the same
 */
export function hiddenSecret(
  path: string,
  key: string,
  shown: readonly string[],
): ConfigError | undefined {
  if (!isHiddenFromService(path) || shown.some((one) => isWithin(path, one))) return undefined;
  return complaint(path, key)(`cannot be used: ${HIDDEN}`, adviceOf(path, key));
}

async function refuseOther(
  file: FileHandle,
  path: string,
  key: string,
): Promise<{ mode: number; uid: number; size: number }> {
  const facts = await file.stat();
  if (!facts.isFile()) throw complaint(path, key)('is not a regular file', `ls -ld ${path}`);
  return facts;
}

function complaint(path: string, key: string): (what: string, next: string) => ConfigError {
  return (what, next) => new ConfigError(`${path} (${key}) ${what}`, next);
}
