import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { constants, copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from '../argv/command.ts';
import type { PackageChange } from '../core/engine-upgrade.ts';
import { wordsOf } from '../core/package-words.ts';
import { OperatorError } from '../errors.ts';
import { CommandError, exec } from './exec.ts';
import type { PackageHost, PackageVersion } from './package-host.ts';
import { replaceFile } from './state-files.ts';
import type { Side } from './upgrade-host.ts';

const DOWNLOAD_SECONDS = 1800;
/** With the digest of each package: a disk may rot between an upgrade and the way back. */
const DIGESTS = 'packages.json';

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

/** The packages of one side. */
const wantedOf = (changes: readonly PackageChange[], side: Side): PackageVersion[] =>
  changes.flatMap(({ name, from, to }) => {
    const version = side === 'new' ? to : from;
    return version === undefined ? [] : [{ name, version }];
  });

export const removedOf = (changes: readonly PackageChange[], side: Side): string[] =>
  changes
    .filter(({ from, to }) => (side === 'new' ? to : from) === undefined)
    .map((one) => one.name);

/** Has the packages of one side in a directory, whole. */
export async function fetchPackages(
  packages: PackageHost,
  directory: string,
  changes: readonly PackageChange[],
  { side, elsewhere }: { readonly side: Side; readonly elsewhere: readonly string[] },
): Promise<void> {
  const { files, manager } = packages;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const digests: Record<string, string> = {};
  const places = [...elsewhere, ...(await files.caches())];
  for (const wanted of wantedOf(changes, side)) {
    const repack = side === 'old' ? files.repack(wanted.name) : undefined;
    const file =
      (await copied(packages, wanted, directory, places)) ??
      (await madeBy(packages, files.download(wanted), wanted, directory)) ??
      (repack && (await madeBy(packages, repack, wanted, directory)));
    if (file === undefined) throw nowhere(wanted, manager, side);
    await files.verify(join(directory, file));
    digests[file] = await digestOf(join(directory, file));
  }
  await replaceFile(join(directory, DIGESTS), `${JSON.stringify(digests)}\n`);
}

function nowhere(
  { name, version }: PackageVersion,
  manager: PackageHost['manager'],
  side: Side,
): OperatorError {
  const words = wordsOf(manager);
  return side === 'old'
    ? new OperatorError(
        `${name} ${version}, which is installed, can be had nowhere any more: there would be no way back`,
        words.oldPackage,
      )
    : new OperatorError(`${name} ${version} cannot be downloaded`, words.refresh);
}

async function copied(
  packages: PackageHost,
  wanted: PackageVersion,
  directory: string,
  from: readonly string[],
): Promise<string | undefined> {
  for (const place of from) {
    const file = await fileOf(packages, wanted, place);
    if (file === undefined) continue;
    if (place !== directory) {
      await copyFile(join(place, file), join(directory, file), constants.COPYFILE_FICLONE);
    }
    return file;
  }
  return undefined;
}

/** The file in a directory that is this package in this version. */
async function fileOf(
  { files }: PackageHost,
  { name, version }: PackageVersion,
  directory: string,
): Promise<string | undefined> {
  const found = await readdir(directory).catch(() => []);
  for (const file of found.filter((one) => files.mayBe(one, name))) {
    const said = await files.describe(join(directory, file));
    if (said?.name === name && said.version === version) return file;
  }
  return undefined;
}

async function madeBy(
  packages: PackageHost,
  command: Command,
  wanted: PackageVersion,
  directory: string,
): Promise<string | undefined> {
  try {
    await exec(command, { cwd: directory, timeoutSeconds: DOWNLOAD_SECONDS });
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
  return fileOf(packages, wanted, directory);
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** The packages of a side, as they were fetched. @throws where one is damaged or gone */
export async function keptFiles(directory: string): Promise<string[]> {
  const digests = JSON.parse(await readFile(join(directory, DIGESTS), 'utf8')) as Record<
    string,
    string
  >;
  const kept: string[] = [];
  for (const [file, digest] of Object.entries(digests)) {
    const path = join(directory, file);
    const found = await digestOf(path).catch(() => undefined);
    if (found !== digest) {
      throw new OperatorError(`${path} is not what was kept there`, `ls -l ${directory}`);
    }
    kept.push(path);
  }
  return kept;
}

/** What the package manager would do with the kept packages. */
export async function simulateKept(
  { files }: PackageHost,
  directory: string,
  changes: readonly PackageChange[],
  side: Side,
): Promise<PackageChange[]> {
  return files.simulate(await keptFiles(directory), removedOf(changes, side));
}

/** Whether what is installed is one side of the changes, whole. */
export async function isSideInstalled(
  packages: PackageHost,
  changes: readonly PackageChange[],
  side: Side,
): Promise<boolean> {
  const found = await packages.installed(changes.map(({ name }) => name));
  const byName = new Map(found.map((one) => [one.name, one]));
  return (
    wantedOf(changes, side).every(({ name, version }) => {
      const one = byName.get(name);
      return one?.version === version && one.isWhole;
    }) && removedOf(changes, side).every((name) => !byName.has(name))
  );
}
