import { packagesOfEngines, partsOf } from './core/engine-parts.ts';
import { upgradable } from './core/engine-upgrade.ts';
import type { Finding } from './doctor.ts';
import { openApt } from './host/packages.ts';

const UPGRADER = 'unattended-upgrades';

/**
 * Whether somebody else may upgrade the engine: its packages restart containerd, those of Docker itself dockerd too, and
 * with it every container. Nothing to say where there is no such program.
 */
export async function engineHolds(): Promise<Finding[]> {
  const apt = await openApt();
  const installed =
    (await apt?.installed([...packagesOfEngines, UPGRADER]).catch(() => undefined)) ?? [];
  if (!installed.some(({ name }) => name === UPGRADER)) return [];
  const signs = { program: undefined, securityOptions: [], hasApt: true };
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
      detail: `${UPGRADER} may upgrade ${open.join(', ')}, and restart containers, at any time`,
      mend: `apt-mark hold ${open.join(' ')}`,
    },
  ];
}
