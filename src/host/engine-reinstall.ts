import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packagesOfEngines, type PackageFacts } from '../core/engine-parts.ts';
import { OperatorError } from '../errors.ts';
import { files } from '../state-names.ts';
import { reinstallKept, unitPlaces, waitForPackages } from './engine-install.ts';
import { fetchPackages, keptElsewhere } from './engine-packages.ts';
import type { RepairContext } from './engine-repair.ts';
import { exec } from './exec.ts';
import type { PackageHost } from './package-host.ts';
import { needPackages, untilNobodyInstalls } from './packages.ts';

const FINISH_SECONDS = 3600;
/** Below the directory of the engine's packages. */
const PLACE = 'reinstalled';

/** The packages of the engine with programs that are not what was installed. */
export async function damagedPackages(packages: PackageHost | undefined): Promise<string[]> {
  return (await packages?.damaged(packagesOfEngines).catch(() => [])) ?? [];
}

/**
 * Installs the packages of the engine once more in the versions that are installed, over what is there: nothing is
 * removed, nothing purged. They come from what upgrades have kept, from the package manager's cache, or from where it
 * has them.
 *
 * @throws {OperatorError} naming one that nobody has any more
 */
export async function reinstallEngine(context: RepairContext): Promise<void> {
  const packages = await needPackages();
  const installed = await packages.installed(packagesOfEngines);
  if (installed.length === 0) {
    throw new OperatorError('no package is known', 'orchestrator-update engine status');
  }
  await reinstall(packages, installed, context);
}

/**
 * Ends what an installation that was cut off has left. Where the package manager cannot do that with what is on the
 * disk, the packages are installed once more.
 *
 * @throws {OperatorError} naming one that nobody has any more
 * @throws {CommandError} with what the package manager said
 */
export async function finishPackages(context: RepairContext): Promise<void> {
  const packages = await needPackages();
  const { finish } = packages.files;
  if (finish !== undefined) {
    const environment = { DEBIAN_FRONTEND: 'noninteractive' };
    await exec(finish, { timeoutSeconds: FINISH_SECONDS, environment });
    return;
  }
  const installed = await packages.installed(packagesOfEngines);
  const halves = installed.filter(({ isWhole }) => !isWhole);
  if (halves.length > 0) await reinstall(packages, halves, context);
}

async function reinstall(
  packages: PackageHost,
  installed: readonly PackageFacts[],
  { stateDirectory }: RepairContext,
): Promise<void> {
  const same = installed.map(({ name, version }) => ({ name, from: version, to: version }));
  const engine = join(stateDirectory, files.engine);
  const directory = join(engine, PLACE);
  await untilNobodyInstalls();
  await waitForPackages();
  try {
    const elsewhere = await keptElsewhere(engine);
    await fetchPackages(packages, directory, same, { side: 'new', elsewhere });
    await refuseOtherVersions(packages, installed);
    await reinstallKept(packages, directory, unitPlaces(engine));
  } finally {
    await rm(directory, { recursive: true, force: true });
    // An installation ends the hold of what it installs.
    const held = installed.filter(({ isHeld }) => isHeld).map(({ name }) => name);
    if (held.length > 0) await packages.hold(held);
  }
}

/** Fetching may take minutes, in which somebody else may have upgraded them. */
async function refuseOtherVersions(
  packages: PackageHost,
  installed: readonly PackageFacts[],
): Promise<void> {
  const now = await packages.installed(installed.map(({ name }) => name));
  const other = installed.find(
    ({ name, version }) => now.find((one) => one.name === name)?.version !== version,
  );
  if (other === undefined) return;
  throw new OperatorError(
    `${other.name} was changed by somebody else meanwhile`,
    'orchestrator-update engine status',
  );
}
