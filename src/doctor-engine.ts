import { packagesOfEngines, partsOf } from './core/engine-parts.ts';
import { upgradable } from './core/engine-upgrade.ts';
import { wordsOf } from './core/package-words.ts';
import type { Finding } from './doctor.ts';
import { openPackages } from './host/packages.ts';

/**
 * Whether somebody else may upgrade the engine: its packages restart containerd, those of Docker itself dockerd too, and
 * with it every container. Nothing to say where there is no such program.
 */
export async function engineHolds(): Promise<Finding[]> {
  const packages = await openPackages();
  const packageManager = packages?.manager;
  const words = wordsOf(packageManager);
  const installed =
    (await packages
      ?.installed([...packagesOfEngines, ...words.upgraders])
      .catch(() => undefined)) ?? [];
  const upgrader = installed.find(({ name }) => words.upgraders.includes(name))?.name;
  if (upgrader === undefined) return [];
  const signs = { program: undefined, securityOptions: [], packageManager };
  const names = upgradable(partsOf(installed, {}, signs));
  const held = new Set(installed.filter(({ isHeld }) => isHeld).map(({ name }) => name));
  const open = names.filter((name) => !held.has(name));
  const subject = 'packages of Docker';
  if (names.length === 0) return [];
  if (open.length === 0)
    return [{ state: 'ok', subject, detail: 'held: nobody upgrades them by the way' }];
  return [
    {
      state: 'warning',
      subject,
      detail: `${upgrader} may upgrade ${open.join(', ')}, and restart containers, at any time`,
      mend: words.hold(open),
    },
  ];
}
