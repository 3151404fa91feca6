import { constants } from 'node:fs';
import { lstat, open, readlink, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { codeOf, OperatorError } from '../errors.ts';

/** Everybody may read it: it holds no secret. */
const MODE = 0o644;

/**
 * Replaces a file that others read, such as a web server: they see the old one or the new one. Neither the file nor
 * a directory on the way to it may be a symbolic link: in a place of somebody else's it could lead root anywhere.
 *
 * @throws {OperatorError} where it cannot be written there; what was there stays
 */
export async function publishFile(path: string, text: string): Promise<void> {
  try {
    await replaceWhole(path, text);
  } catch (error) {
    throw explained(error, path);
  }
}

async function replaceWhole(path: string, text: string): Promise<void> {
  const [directory, name] = [dirname(path), basename(path)];
  const { O_RDONLY, O_DIRECTORY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const held = await open(directory, O_RDONLY | O_DIRECTORY);
  try {
    // What was opened is what is written to, whatever becomes of the path meanwhile.
    const here = `/proc/self/fd/${held.fd}`;
    const real = await readlink(here);
    if (real !== directory) throw refused(`${directory} is reached by a symbolic link`, real);
    const there = await lstat(`${here}/${name}`).catch(() => undefined);
    if (there !== undefined && !there.isFile()) throw refused(`${path} is no plain file`, path);
    const temporary = `${here}/.${name}.new`;
    await rm(temporary, { force: true });
    const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, MODE);
    try {
      await file.chmod(MODE);
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(temporary, `${here}/${name}`);
  } finally {
    await held.close();
  }
}

const AGAIN = 'run install_update_service.sh again: it lets the service write there';

/** What a person can do about it. In the sandbox of the service a place that was not let through cannot be written to. */
function explained(error: unknown, path: string): unknown {
  const directory = dirname(path);
  const code = codeOf(error);
  if (code === 'ENOENT')
    return new OperatorError(`${directory} is not there`, `mkdir -p ${directory}; then ${AGAIN}`);
  if (code === 'EROFS')
    return new OperatorError(`the service may not write to ${directory}`, AGAIN);
  return error;
}

function refused(why: string, path: string): OperatorError {
  return new OperatorError(why, `ls -ld ${path}; set report.path or metrics.path to the real path`);
}
