import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyPackages } from '../argv/apt.ts';
import { isDamagedIn } from '../core/apt.ts';
import { packagesOfEngines } from '../core/engine-parts.ts';
import { OperatorError } from '../errors.ts';
import { files } from '../state-names.ts';
import { fetchPackages, keptElsewhere, reinstallKept, unitPlaces } from './engine-packages.ts';
import type { RepairContext } from './engine-repair.ts';
import { exec } from './exec.ts';
import { openApt, type PackageHost } from './packages.ts';

const VERIFY_SECONDS = 120;
/** Below the directory of the engine's packages. */
const PLACE = 'reinstalled';

/** The packages of the engine with programs that are not what was installed: dpkg knows a digest of each file. */
export async function damagedPackages(apt: PackageHost | undefined): Promise<string[]> {
  const installed = (await apt?.installed(packagesOfEngines).catch(() => [])) ?? [];
  const found = await Promise.all(
    installed.map(async ({ name }) => {
      const options = { timeoutSeconds: VERIFY_SECONDS, accept: [1] };
      const { stdout } = await exec(verifyPackages([name]), options).catch(() => ({ stdout: '' }));
      return isDamagedIn(stdout) ? [name] : [];
    }),
  );
  return found.flat();
}

/**
 * Installs the packages of the engine once more in the versions that are installed, over what is there: nothing is
 * removed, nothing purged. They come from what upgrades have kept, from apt's cache, or from where apt has them.
 *
 * @throws {OperatorError} naming one that nobody has any more
 */
export async function reinstallEngine({ stateDirectory }: RepairContext): Promise<void> {
  const installed = (await (await openApt())?.installed(packagesOfEngines)) ?? [];
  if (installed.length === 0) throw new OperatorError('no package is known', 'dpkg --list');
  const same = installed.map(({ name, version }) => ({ name, from: version, to: version }));
  const engine = join(stateDirectory, files.engine);
  const directory = join(engine, PLACE);
  try {
    await fetchPackages(directory, same, 'new', await keptElsewhere(engine));
    await reinstallKept(directory, unitPlaces(engine));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
