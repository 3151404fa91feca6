import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { OperatorError } from '../errors.ts';
import { apt } from './apt.ts';
import { pathExists } from './disk.ts';
import { createDnf } from './dnf.ts';
import type { PackageHost } from './package-host.ts';

/** The package manager of this host; undefined where it is neither apt nor dnf. */
export async function openPackages(): Promise<PackageHost | undefined> {
  if (await pathExists('/usr/bin/apt-get')) return apt;
  return (await pathExists('/usr/bin/dnf')) ? createDnf() : undefined;
}

/** @throws {OperatorError} where there is none that is known */
export async function needPackages(): Promise<PackageHost> {
  const packages = await openPackages();
  if (packages !== undefined) return packages;
  throw new OperatorError(
    'this host has neither apt nor dnf',
    'orchestrator-update engine status    # says what Docker is made of here',
  );
}

const INSTALLERS: ReadonlySet<string> = new Set([
  'apt',
  'apt-get',
  'aptitude',
  'dpkg',
  'unattended-upgr',
  'dnf',
  'dnf5',
  'dnf-automatic',
  'yum',
  'rpm',
]);

/** Part of unattended-upgrades that waits for a shutdown, on every host that has it, all the time. */
const WAITS = 'unattended-upgrade-shutdown';
/** rpm that only answers a question, as monitoring has it do. */
const ASKS = /^\S*rpm\0(?:-[qV]|--query|--verify)/;

async function isInstaller(pid: string): Promise<boolean> {
  const of = (name: string): Promise<string> =>
    readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  if (!INSTALLERS.has((await of('comm')).trim())) return false;
  const words = await of('cmdline');
  return !words.includes(WAITS) && !ASKS.test(words);
}

/** Whether somebody installs packages at this moment. */
export async function isInstalling(): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(isInstaller));
  return found.includes(true);
}

const INSTALLER_SECONDS = 600;
const BETWEEN_LOOKS_MS = 2000;

/** @throws {OperatorError} where somebody installs packages for more than ten minutes */
export async function untilNobodyInstalls(): Promise<void> {
  const untilMs = performance.now() + INSTALLER_SECONDS * 1000;
  while (await isInstalling()) {
    if (performance.now() > untilMs) {
      throw new OperatorError('packages are being installed', 'ps -e | grep -E "apt|dpkg|dnf|rpm"');
    }
    await wait(BETWEEN_LOOKS_MS);
  }
}
