import { lstat, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from '../argv/command.ts';
import { inPackagesUnit, PACKAGES_UNIT, POLICY } from '../argv/engine-upgrade.ts';
import { systemctlShow } from '../argv/systemctl.ts';
import type { PackageChange } from '../core/engine-upgrade.ts';
import { OperatorError } from '../errors.ts';
import { keptFiles, removedOf } from './engine-packages.ts';
import { CommandError, exec } from './exec.ts';
import type { PackageHost } from './package-host.ts';
import { replaceFile } from './state-files.ts';
import type { Side } from './upgrade-host.ts';

const INSTALL_SECONDS = 3600;
const LAST_LINES = 5;
const ASK_SECONDS = 15;
const UNIT_SECONDS = 7200;
const BETWEEN_LOOKS_MS = 1000;
/** Says no to every start and restart of a service. */
const REFUSES = '#!/bin/sh\nexit 101\n';

/** Where what an installation needs, and says, is kept. */
interface InstallPlaces {
  /** For the program that keeps services from being started. */
  readonly policy: string;
  /** For what is printed. */
  readonly log: string;
}

/** Where that is, below the directory of the engine's packages. */
export const unitPlaces = (directory: string): InstallPlaces => ({
  policy: join(directory, 'policy-rc.d'),
  log: join(directory, 'packages.log'),
});

/** Installs the kept packages over what is there, in whatever state that is; no service is started by that. */
export async function reinstallKept(
  packages: PackageHost,
  directory: string,
  places: InstallPlaces,
): Promise<void> {
  await replaceFile(places.policy, REFUSES, 0o700);
  await runInUnit(packages, packages.files.force(await keptFiles(directory)), places);
}

/**
 * Installs the kept packages. No service is started or restarted by that. dpkg, or rpm, is in a unit of its own.
 *
 * @throws {CommandError} with what the package manager said
 */
export async function installKept(
  packages: PackageHost,
  directory: string,
  changes: readonly PackageChange[],
  { side, ...places }: { readonly side: Side } & InstallPlaces,
): Promise<void> {
  const { finish, force } = packages.files;
  const kept = await keptFiles(directory);
  await replaceFile(places.policy, REFUSES, 0o700);
  const run = (command: Command): Promise<void> => runInUnit(packages, command, places);
  const install = async (): Promise<void> => {
    const commands = await packages.files.install(kept, removedOf(changes, side));
    for (const command of commands) await run(command);
  };
  const unfinished = () => packages.unfinished(changes.map(({ name }) => name));
  // apt refuses to do anything before that, which need not be possible for all of them.
  if (finish !== undefined && (await unfinished()) !== undefined) {
    await run(finish).catch(() => undefined);
  }
  try {
    await install();
  } catch (error) {
    if (side === 'new' || !(error instanceof CommandError)) throw error;
    await run(force(kept)).catch(() => undefined);
    await install();
  }
  // What was cut off while it was replaced is in its old version for apt, and must be replaced again (seen).
  if ((await unfinished()) !== undefined) await run(force(kept));
}

async function runInUnit(
  { files: ofHost }: PackageHost,
  command: Command,
  { policy, log }: InstallPlaces,
): Promise<void> {
  // What was printed is needed for as long as nobody knows what came of it.
  await rm(log, { force: true });
  try {
    await exec(inPackagesUnit(command, ofHost.deferral(policy), log), {
      timeoutSeconds: INSTALL_SECONDS,
    });
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
}

async function lastLinesOf(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-LAST_LINES).join(' | ');
}

/** Waits until no installation of ours is under way, and nothing is left of it. @throws after two hours */
export async function waitForPackages(): Promise<void> {
  const untilMs = performance.now() + UNIT_SECONDS * 1000;
  for (;;) {
    const shown = await exec(systemctlShow(PACKAGES_UNIT, ['ActiveState']), {
      timeoutSeconds: ASK_SECONDS,
    });
    if (!/^ActiveState=(active|activating|deactivating|reloading)$/m.test(shown.stdout)) {
      return removeMountPoint();
    }
    if (performance.now() > untilMs) {
      throw new OperatorError(
        `${PACKAGES_UNIT} goes on after ${UNIT_SECONDS} s`,
        `systemctl status ${PACKAGES_UNIT}`,
      );
    }
    await wait(BETWEEN_LOOKS_MS);
  }
}

/** systemd makes an empty file where it mounts ours; one that cannot be executed says nothing. */
async function removeMountPoint(): Promise<void> {
  const found = await lstat(POLICY).catch(() => undefined);
  const isEmpty = found?.isFile() === true && found.size === 0 && (found.mode & 0o111) === 0;
  if (isEmpty) await rm(POLICY);
}
