import { readdir, readFile } from 'node:fs/promises';
import {
  listCandidates,
  listHeld,
  listInstalled,
  listVersions,
  simulateUpgrade,
} from '../argv/apt.ts';
import { candidatesIn, changesIn, installedIn, versionsIn } from '../core/apt.ts';
import type { PackageFacts } from '../core/engine-parts.ts';
import type { PackageChange } from '../core/engine-upgrade.ts';
import { exec } from './exec.ts';
import { pathExists } from './disk.ts';

/** What the package manager of this host knows and does. */
export interface PackageHost {
  /** Those of these packages that are installed, also half of them. */
  installed(names: readonly string[]): Promise<PackageFacts[]>;
  /**
   * What an upgrade of these packages to the newest versions, or to one that is told (`NAME=VERSION`), would do. Nothing is done, no network is used.
   *
   * @throws {CommandError} where the package manager cannot do it; its words say why
   */
  simulate(names: readonly string[]): Promise<PackageChange[]>;
  /** The versions of a package that can be had, newest first. */
  versions(name: string): Promise<string[]>;
}

const TIMEOUT_SECONDS = 60;

/** apt of Debian and Ubuntu; undefined where there is none. */
export async function openApt(): Promise<PackageHost | undefined> {
  if (!(await pathExists('/usr/bin/apt-get'))) return undefined;
  return {
    installed: async (names) => {
      // 1: one of them is not known.
      const options = { timeoutSeconds: TIMEOUT_SECONDS, accept: [1] };
      const [known, candidates, held] = await Promise.all([
        exec(listInstalled(names), options),
        exec(listCandidates(names), options),
        exec(listHeld, options),
      ]);
      return installedIn(
        known.stdout,
        new Set(held.stdout.split('\n')),
        candidatesIn(candidates.stdout),
      );
    },
    simulate: async (names) => {
      const { stdout } = await exec(simulateUpgrade(names), { timeoutSeconds: TIMEOUT_SECONDS });
      return changesIn(stdout);
    },
    versions: async (name) => {
      const { stdout } = await exec(listVersions(name), { timeoutSeconds: TIMEOUT_SECONDS });
      return versionsIn(stdout);
    },
  };
}

const INSTALLERS: ReadonlySet<string> = new Set([
  'apt',
  'apt-get',
  'aptitude',
  'dpkg',
  'unattended-upgr',
]);

/** Part of unattended-upgrades that waits for a shutdown, on every host that has it, all the time. */
const WAITS = 'unattended-upgrade-shutdown';

async function isInstaller(pid: string): Promise<boolean> {
  const of = (name: string): Promise<string> =>
    readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  return INSTALLERS.has((await of('comm')).trim()) && !(await of('cmdline')).includes(WAITS);
}

/** Whether somebody installs packages at this moment. */
export async function isInstalling(): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(isInstaller));
  return found.includes(true);
}
