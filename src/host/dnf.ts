import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkRpm,
  downloadRpm,
  forceRpms,
  installRpms,
  listAvailableRpms,
  listInstalledRpms,
  listLocks,
  lockRpms,
  removeRpms,
  rpmFields,
  simulateRpms,
  simulateUpgradeOfRpms,
  unlockRpms,
  verifyRpm,
  whoNeedsRpms,
} from '../argv/dnf.ts';
import type { Command } from '../argv/command.ts';
import {
  changesOf,
  factsOf,
  isDamaged,
  lockedIn,
  needersIn,
  plannedIn,
  rpmsIn,
  versionsByName,
  type Rpm,
} from '../core/dnf.ts';
import type { PackageChange } from '../core/engine-upgrade.ts';
import { messageOf } from '../errors.ts';
import { CommandError, exec, type ExecResult } from './exec.ts';
import type { PackageFiles, PackageHost } from './package-host.ts';

/** dnf reads large lists, and is written in Python up to dnf 4. */
const TIMEOUT_SECONDS = 120;
/** Where dnf 4 and dnf 5 keep what they have downloaded, if they are told to (`keepcache`). */
const CACHES = ['/var/cache/dnf', '/var/cache/libdnf5'];
/** dnf 5 has locks without a plugin. */
const NO_SUCH_PLUGIN = /^No matches were found for the following plugin name patterns.*$/m;
/** rpm counts in its exit code what is not as it should be. */
const COUNTS = Array.from({ length: 254 }, (_, index) => index + 1);
/** Architectures as rpm names them. */
const architectures: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ppc64: 'ppc64le',
};

/** Runs a command, and takes exit codes beside 0 for answers. */
type Run = (command: Command, accept?: readonly number[]) => Promise<ExecResult>;

const runHere: Run = (command, accept = []) =>
  exec(command, { timeoutSeconds: TIMEOUT_SECONDS, accept });

/**
 * dnf (4 or 5) and rpm of Fedora, RHEL, Rocky and Alma.
 *
 * @param run tests have the commands done below a directory
 */
export function createDnf(run: Run = runHere): PackageHost {
  const installed = async (names: readonly string[]): Promise<Rpm[]> =>
    // Without names, rpm lists all there are.
    names.length === 0 ? [] : rpmsIn((await run(listInstalledRpms(names))).stdout);
  const lockedOf = async (names: readonly string[]): Promise<ReadonlySet<string>> =>
    // 1: there is no such plugin.
    lockedIn((await run(listLocks, [1, 2])).stdout, names);
  const damagedOf = async (names: readonly string[]): Promise<string[]> => {
    const verified = await Promise.all(names.map((name) => run(verifyRpm(name), COUNTS)));
    return names.filter((_, at) => isDamaged(verified[at]?.stdout ?? ''));
  };
  const factsFor = async (names: readonly string[]) => {
    const rpms = await installed(names);
    const there = [...new Set(rpms.map(({ name }) => name))];
    if (there.length === 0) return [];
    const [available, locked, damaged] = await Promise.all([
      // 1: there are no lists yet.
      run(listAvailableRpms(there), [1]),
      lockedOf(there),
      damagedOf(there),
    ]);
    return factsOf(rpms, {
      available: versionsByName(rpmsIn(available.stdout)),
      locked,
      damaged: new Set(damaged),
    });
  };
  return {
    manager: 'dnf',
    installed: factsFor,
    simulate: (wishes) => {
      const words = wishes.map(({ name, version }) => (version ? `${name}-${version}` : name));
      return changesBy(run, simulateUpgradeOfRpms(words), installed);
    },
    versions: async (name) => {
      const { stdout } = await run(listAvailableRpms([name]));
      return [...(versionsByName(rpmsIn(stdout)).get(name) ?? [])];
    },
    held: async (names) => [...(await lockedOf(names))],
    hold: async (names) => {
      // 1: none of them is locked.
      await run(unlockRpms(names), [1]);
      await run(lockRpms(names));
    },
    unhold: async (names) => {
      await run(unlockRpms(names), [1]);
    },
    damaged: async (names) =>
      damagedOf([...new Set((await installed(names)).map(({ name }) => name))]),
    unfinished: async (names) => {
      try {
        const halves = (await factsFor(names)).filter(({ isWhole }) => !isWhole);
        return halves.length === 0 ? undefined : halves.map(({ name }) => name).join(', ');
      } catch (error) {
        return messageOf(error);
      }
    },
    files: filesOf(run, installed),
  };
}

/** What dnf says that it would do. @throws {CommandError} where it says that it cannot */
async function changesBy(
  run: Run,
  command: Command,
  installed: (names: readonly string[]) => Promise<Rpm[]>,
): Promise<PackageChange[]> {
  // 1: it was told not to do it, or cannot; a table says which.
  const { stdout, stderr, exitCode } = await run(command, [1]);
  const planned = plannedIn(stdout);
  if (planned === undefined && exitCode === 0) return [];
  if (planned === undefined) {
    const said = `${stdout}\n${stderr}`.replace(NO_SUCH_PLUGIN, '').trim();
    throw new CommandError(`dnf cannot do it: ${said}`, stderr, exitCode);
  }
  return changesOf(planned, await installed(planned.map(({ name }) => name)));
}

function filesOf(run: Run, installed: (names: readonly string[]) => Promise<Rpm[]>): PackageFiles {
  const architecture = architectures[process.arch] ?? process.arch;
  const stillThere = async (names: readonly string[]): Promise<string[]> =>
    (await installed(names)).map(({ name }) => name);
  return {
    caches: async () => (await Promise.all(CACHES.map(cachesBelow))).flat(),
    mayBe: (file, name) => file.startsWith(`${name}-`) && file.endsWith('.rpm'),
    describe: async (path) => {
      const said = await run(rpmFields(path)).catch(() => ({ stdout: '' }));
      return rpmsIn(said.stdout).find((one) => [architecture, 'noarch'].includes(one.architecture));
    },
    verify: async (path) => {
      await run(checkRpm(path));
    },
    download: ({ name, version }) => downloadRpm(name, version, architecture),
    // rpm has nothing of that kind.
    repack: () => undefined,
    simulate: async (paths, removed) => {
      const brought =
        paths.length === 0 ? [] : await changesBy(run, simulateRpms(paths), installed);
      const gone = await installed(removed);
      const changes = [...brought, ...gone.map(({ name, version }) => removal(name, version))];
      const names = gone.map(({ name }) => name);
      return [...changes, ...(await othersThatNeed(run, names, changes))];
    },
    install: async (paths, removed) => {
      const there = await stillThere(removed);
      const remove = there.length === 0 ? [] : [removeRpms(there)];
      return paths.length === 0 ? remove : [installRpms(paths), ...remove];
    },
    force: forceRpms,
    finish: undefined,
    // Made for scriptlets of rpm: systemctl then talks to nobody, neither now nor by a mark that outlives it.
    deferral: () => ({ properties: [], environment: ['SYSTEMD_OFFLINE=1'] }),
  };
}

const removal = (name: string, version: string): PackageChange => ({
  name,
  from: version,
  to: undefined,
});

/** What is to be removed, and is needed by more than what changes, takes that with it. */
async function othersThatNeed(
  run: Run,
  names: readonly string[],
  changes: readonly PackageChange[],
): Promise<PackageChange[]> {
  if (names.length === 0) return [];
  const { stdout, stderr } = await run(whoNeedsRpms(names), COUNTS);
  const known = new Set(changes.map(({ name }) => name));
  return needersIn(`${stdout}\n${stderr}`)
    .filter(({ name }) => !known.has(name))
    .map(({ name, version }) => removal(name, version));
}

/** `REPOSITORY-1234abcd/packages` below a cache of dnf. */
async function cachesBelow(directory: string): Promise<string[]> {
  const repositories = await readdir(directory).catch(() => []);
  return repositories.map((repository) => join(directory, repository, 'packages'));
}
