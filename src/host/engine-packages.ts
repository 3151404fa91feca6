import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { constants, copyFile, lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  auditPackages,
  downloadPackages,
  forceFiles,
  installFiles,
  packageFields,
  readPackage,
  repackPackage,
  simulateFiles,
} from '../argv/apt.ts';
import type { Command } from '../argv/command.ts';
import { configurePackages } from '../argv/engine-repair.ts';
import { inPackagesUnit, POLICY } from '../argv/engine-upgrade.ts';
import { changesIn } from '../core/apt.ts';
import type { PackageChange } from '../core/engine-upgrade.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { CommandError, exec, type ExecResult } from './exec.ts';
import { openApt } from './packages.ts';
import { replaceFile } from './state-files.ts';
import type { Side } from './upgrade-host.ts';

const DOWNLOAD_SECONDS = 1800;
const INSTALL_SECONDS = 3600;
const ASK_SECONDS = 120;
const LAST_LINES = 5;
/** Where apt keeps what it has downloaded. */
const APT_CACHE = '/var/cache/apt/archives';
/** With the digest of each package: a disk may rot between an upgrade and the way back. */
const DIGESTS = 'packages.json';

/** What a package of one side is. */
interface Wanted {
  readonly name: string;
  readonly version: string;
}

const wantedOf = (changes: readonly PackageChange[], side: Side): Wanted[] =>
  changes.flatMap(({ name, from, to }) => {
    const version = side === 'new' ? to : from;
    return version === undefined ? [] : [{ name, version }];
  });

const removedOf = (changes: readonly PackageChange[], side: Side): string[] =>
  changes
    .filter(({ from, to }) => (side === 'new' ? to : from) === undefined)
    .map((one) => one.name);

/** Has the packages of one side in a directory, whole. */
export async function fetchPackages(
  directory: string,
  changes: readonly PackageChange[],
  side: Side,
  elsewhere: readonly string[],
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const digests: Record<string, string> = {};
  for (const wanted of wantedOf(changes, side)) {
    const file =
      (await copied(wanted, directory, [...elsewhere, APT_CACHE])) ??
      (await downloaded(wanted, directory)) ??
      (side === 'old' ? await repacked(wanted, directory) : undefined);
    if (file === undefined) throw nowhere(wanted, side);
    await exec(readPackage(join(directory, file)), { timeoutSeconds: ASK_SECONDS });
    digests[file] = await digestOf(join(directory, file));
  }
  await replaceFile(join(directory, DIGESTS), `${JSON.stringify(digests)}\n`);
}

function nowhere({ name, version }: Wanted, side: Side): OperatorError {
  return side === 'new'
    ? new OperatorError(`${name} ${version} cannot be downloaded`, 'apt-get update; then try again')
    : new OperatorError(
        `${name} ${version}, which is installed, can be had nowhere any more: there would be no way back`,
        'apt-get install dpkg-repack; then try again: it makes the package of what is installed',
      );
}

async function copied(
  wanted: Wanted,
  directory: string,
  from: readonly string[],
): Promise<string | undefined> {
  for (const place of from) {
    const file = await fileOf(wanted, place);
    if (file === undefined) continue;
    if (place !== directory) {
      await copyFile(join(place, file), join(directory, file), constants.COPYFILE_FICLONE);
    }
    return file;
  }
  return undefined;
}

/** The file in a directory that is this package in this version. */
async function fileOf({ name, version }: Wanted, directory: string): Promise<string | undefined> {
  const files = await readdir(directory).catch(() => []);
  for (const file of files.filter((one) => one.startsWith(`${name}_`) && one.endsWith('.deb'))) {
    const said = await exec(packageFields(join(directory, file)), {
      timeoutSeconds: ASK_SECONDS,
    }).catch(() => ({ stdout: '' }));
    const [foundName, foundVersion] = said.stdout.split('\t');
    if (foundName === name && foundVersion === version) return file;
  }
  return undefined;
}

async function downloaded(wanted: Wanted, directory: string): Promise<string | undefined> {
  const command = downloadPackages([`${wanted.name}=${wanted.version}`]);
  return madeBy(command, wanted, directory);
}

async function repacked(wanted: Wanted, directory: string): Promise<string | undefined> {
  return madeBy(repackPackage(wanted.name), wanted, directory);
}

async function madeBy(
  command: Command,
  wanted: Wanted,
  directory: string,
): Promise<string | undefined> {
  try {
    await exec(command, { cwd: directory, timeoutSeconds: DOWNLOAD_SECONDS });
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
  return fileOf(wanted, directory);
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** The packages of a side, as they were fetched. @throws where one is damaged or gone */
async function keptFiles(directory: string): Promise<string[]> {
  const digests = JSON.parse(await readFile(join(directory, DIGESTS), 'utf8')) as Record<
    string,
    string
  >;
  const files: string[] = [];
  for (const [file, digest] of Object.entries(digests)) {
    const path = join(directory, file);
    const found = await digestOf(path).catch(() => undefined);
    if (found !== digest) {
      throw new OperatorError(`${path} is not what was kept there`, `ls -l ${directory}`);
    }
    files.push(path);
  }
  return files;
}

/** What apt would do with the kept packages. */
export async function simulateKept(
  directory: string,
  changes: readonly PackageChange[],
  side: Side,
): Promise<PackageChange[]> {
  const command = simulateFiles(await keptFiles(directory), removedOf(changes, side));
  return changesIn((await exec(command, { timeoutSeconds: ASK_SECONDS })).stdout);
}

/** What dpkg runs with. */
interface UnitPlaces {
  /** Where the program is kept that says no to every start of a service. */
  readonly policy: string;
  /** What is printed. */
  readonly log: string;
}

/** Runs commands of the package manager in the unit that is theirs. @throws {CommandError} with what one printed last */
async function inUnit({
  policy,
  log,
}: UnitPlaces): Promise<(command: Command) => Promise<ExecResult>> {
  await replaceFile(policy, '#!/bin/sh\nexit 101\n', 0o700);
  return async (command) => {
    // What was printed is needed for as long as nobody knows what came of it.
    await rm(log, { force: true });
    try {
      return await exec(inPackagesUnit(command, policy, log), { timeoutSeconds: INSTALL_SECONDS });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new CommandError(
        `${command.file} failed: ${await lastLinesOf(log)}`,
        '',
        error.exitedWith,
      );
    } finally {
      await removeMountPoint();
    }
  };
}

/** Installs the kept packages over what is there, in whatever state that is; no service is started by that. */
export async function reinstallKept(directory: string, places: UnitPlaces): Promise<void> {
  await (
    await inUnit(places)
  )(forceFiles(await keptFiles(directory)));
}

/** Where packages of upgrades before are, below the directory of the engine's packages. */
export async function keptElsewhere(directory: string): Promise<string[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const ids = await transactionsIn(directory);
  return ids.flatMap((id) => [join(directory, id, 'new'), join(directory, id, 'old')]);
}

/** Each has a directory of its own there. */
export async function transactionsIn(directory: string): Promise<string[]> {
  const found = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return found.filter((one) => one.isDirectory()).map(({ name }) => name);
}

/** Where what the package manager needs and prints is. */
export const unitPlaces = (directory: string): UnitPlaces => ({
  policy: join(directory, 'policy-rc.d'),
  log: join(directory, 'packages.log'),
});

/** Installs the kept packages. No service is started by that. dpkg is in a unit of its own. */
export async function installKept(
  directory: string,
  changes: readonly PackageChange[],
  { side, policy, log }: UnitPlaces & { readonly side: Side },
): Promise<void> {
  const files = await keptFiles(directory);
  const run = await inUnit({ policy, log });
  const install = installFiles(files, removedOf(changes, side));
  const audit = await exec(auditPackages, { timeoutSeconds: ASK_SECONDS, accept: [1] });
  // apt refuses to do anything before that, which need not be possible for all of them.
  if (audit.stdout !== '') await run(configurePackages).catch(() => undefined);
  try {
    await run(install);
  } catch (error) {
    if (side === 'new' || !(error instanceof CommandError)) throw error;
    await run(forceFiles(files)).catch(() => undefined);
    await run(install);
  }
  // What was cut off while it was replaced is in its old version for apt, and must be replaced again (seen).
  if ((await unfinishedPackages()) !== undefined) await run(forceFiles(files));
}

async function lastLinesOf(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-LAST_LINES).join(' | ');
}

/** systemd makes an empty file where it mounts ours; one that cannot be executed says nothing. */
export async function removeMountPoint(): Promise<void> {
  const found = await lstat(POLICY).catch(() => undefined);
  const isEmpty = found?.isFile() === true && found.size === 0 && (found.mode & 0o111) === 0;
  if (isEmpty) await rm(POLICY);
}

/** Whether what is installed is one side of the changes, whole. */
export async function isSideInstalled(
  changes: readonly PackageChange[],
  side: Side,
): Promise<boolean> {
  const apt = await openApt();
  const found = await apt?.installed(changes.map(({ name }) => name));
  if (found === undefined) return false;
  const byName = new Map(found.map((one) => [one.name, one]));
  return (
    wantedOf(changes, side).every(({ name, version }) => {
      const one = byName.get(name);
      return one?.version === version && one.isWhole;
    }) && removedOf(changes, side).every((name) => !byName.has(name))
  );
}

/** What dpkg has left unfinished; undefined where all is whole. */
export async function unfinishedPackages(): Promise<string | undefined> {
  try {
    const { stdout } = await exec(auditPackages, { timeoutSeconds: ASK_SECONDS, accept: [1] });
    return stdout.trim() === '' ? undefined : stdout.trim();
  } catch (error) {
    return messageOf(error);
  }
}
