import { link, lstat, readdir, readFile, rmdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { dockerCommandLine, validateConfig } from '../argv/engine-repair.ts';
import { OperatorError } from '../errors.ts';
import { listBackups } from './backups.ts';
import { CommandError, exec } from './exec.ts';
import type { Log } from './log.ts';
import { replaceFile } from './state-files.ts';

const CONFIG = '/etc/docker/daemon.json';
/** The same, from `/` on. */
const parts = ['etc', 'docker', 'daemon.json'];
const ASK_SECONDS = 15;

/** What dockerd says of its configuration; undefined where that is well, or there is none. */
export function configProblem(): Promise<string | undefined> {
  return problemOf(CONFIG);
}

/** What dockerd, as it is on the disk now, says of a file that is to be its configuration. */
export async function problemOf(file: string): Promise<string | undefined> {
  if ((await stat(file).catch(() => undefined)) === undefined) return undefined;
  const options = { timeoutSeconds: ASK_SECONDS };
  const shown = await exec(dockerCommandLine, options).catch(() => ({ stdout: '' }));
  const line = /argv\[\]=([^;]*) ;/.exec(shown.stdout)?.[1] ?? '';
  // What is in variables (`$DOCKER_OPTS`) is not known here.
  const words = line.split(' ').filter((word) => word !== '' && !word.startsWith('$'));
  // What is not dockerd may do something else when it is asked.
  if (basename(words[0] ?? '') !== 'dockerd') return undefined;
  try {
    await exec(validateConfig(words, file), options);
    return undefined;
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitedWith === undefined) return undefined;
    return error.stderr.trim().split('\n').at(-1) ?? '';
  }
}

/** The configuration in the newest backup in which it is good; undefined where none has one. */
export async function goodConfig(backupsDirectory: string): Promise<string | undefined> {
  for (const { name } of await listBackups(backupsDirectory)) {
    const kept = join(backupsDirectory, name, 'engine', CONFIG);
    const isOurs = await isOfRoot(join(backupsDirectory, name), ['engine', ...parts]);
    if (isOurs && (await problemOf(kept)) === undefined) return kept;
  }
  return undefined;
}

/** The owner of the work tree may write to the directory of the backups: what is made up there is not trusted. */
async function isOfRoot(directory: string, names: readonly string[]): Promise<boolean> {
  const paths = names.map((_, index) => join(directory, ...names.slice(0, index + 1)));
  const found = await Promise.all(paths.map((path) => lstat(path).catch(() => undefined)));
  return found.every((one, index) => {
    const isLast = index === found.length - 1;
    const isRight = isLast ? one?.isFile() : one?.isDirectory();
    return isRight === true && one?.uid === 0 && (one.mode & 0o022) === 0;
  });
}

/**
 * Puts a good configuration in the place of the one that is there, which is kept beside it. There is one at any moment:
 * without any, Docker would begin with an empty data root.
 */
export async function putBackConfig(backupsDirectory: string, log: Log): Promise<void> {
  const good = await goodConfig(backupsDirectory);
  if (good === undefined) {
    throw new OperatorError(
      `no backup has a good ${CONFIG}`,
      `dockerd --validate --config-file ${CONFIG}`,
    );
  }
  const [text, broken, { mode }] = await Promise.all([
    readFile(good, 'utf8'),
    readFile(CONFIG, 'utf8'),
    stat(good),
  ]);
  const roots = [dataRootIn(text), dataRootIn(broken)];
  if (roots[1] !== undefined && roots[0] !== roots[1]) {
    throw new OperatorError(
      `${good} has another data-root (${roots[0] ?? 'the usual one'}) than ${CONFIG} (${roots[1]})`,
      `mend ${CONFIG} by hand: dockerd --validate --config-file ${CONFIG}`,
    );
  }
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const aside = `${CONFIG}.broken-${stamp}`;
  await link(CONFIG, aside);
  await replaceFile(CONFIG, text, mode & 0o777);
  log.warn(`${CONFIG} is that of ${good}; the broken one is ${aside}`);
}

/** Also of a file that is no JSON any more. */
function dataRootIn(text: string): string | undefined {
  return /"(?:data-root|graph)"\s*:\s*"([^"]*)"/.exec(text)?.[1];
}

/** @throws where there is a directory of somebody in the place of a socket */
export async function refuseFullDirectory(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() !== true || (await readdir(path)).length === 0) return;
  throw new OperatorError(`${path} is a directory that is not empty`, `ls -la ${path}`);
}

/** Docker makes a directory of its socket where a container was to mount one that was not there. */
export async function removeEmptyDirectory(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() === true) await rmdir(path);
}
