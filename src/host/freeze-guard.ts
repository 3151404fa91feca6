import { stopThaw, thawLater } from '../argv/systemd-run.ts';
import { exec } from './exec.ts';
import type { FreezeGuard } from './backup-host.ts';
import { systemdRuns } from './systemd-runs.ts';

const LIMIT_SECONDS = 60;

async function disarm(): Promise<void> {
  // 5: it is not there any more.
  if (systemdRuns()) await exec(stopThaw, { timeoutSeconds: LIMIT_SECONDS, accept: [5] });
}

/**
 * A unit of systemd that waits for the lock of this process, which is free when we have ended, however that
 * came. Where systemd does not run, nobody waits: the next run lets the cluster go on.
 */
export function createFreezeGuard(lockFile: string): FreezeGuard {
  return {
    arm: async (frozen, withinSeconds) => {
      if (!systemdRuns()) return;
      await disarm();
      await exec(thawLater(frozen, lockFile, withinSeconds), { timeoutSeconds: LIMIT_SECONDS });
    },
    disarm,
  };
}
