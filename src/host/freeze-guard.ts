import type { Command } from '../argv/command.ts';
import { recoverLater, stopRecoverLater, stopThaw, thawLater } from '../argv/systemd-run.ts';
import { exec } from './exec.ts';
import type { FreezeGuard } from './backup-host.ts';
import type { TowerGuard } from './host.ts';
import { systemdRuns } from './systemd-runs.ts';

const LIMIT_SECONDS = 60;

async function stop(command: Command): Promise<void> {
  // 5: it is not there any more.
  if (systemdRuns()) await exec(command, { timeoutSeconds: LIMIT_SECONDS, accept: [5] });
}

/**
 * A unit of systemd that waits for the lock of this process, which is free when we have ended, however that
 * came. Where systemd does not run, nobody waits: the next run lets the cluster go on.
 */
export function createFreezeGuard(lockFile: string): FreezeGuard {
  return {
    arm: async (frozen, withinSeconds) => {
      if (!systemdRuns()) return;
      await stop(stopThaw);
      await exec(thawLater(frozen, lockFile, withinSeconds), { timeoutSeconds: LIMIT_SECONDS });
    },
    disarm: () => stop(stopThaw),
  };
}

/** The same wait, for our recovery: a run of the service is begun again by systemd, one from a shell by nobody else. */
export function createTowerGuard(lockFile: string): TowerGuard {
  return {
    arm: async () => {
      if (!systemdRuns()) return;
      await stop(stopRecoverLater);
      await exec(recoverLater(lockFile), { timeoutSeconds: LIMIT_SECONDS });
    },
    disarm: () => stop(stopRecoverLater),
  };
}
