import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemctlShow } from '../argv/systemctl.ts';
import { isOfHost } from '../core/own-service.ts';
import { files } from '../state-names.ts';
import { exec } from './exec.ts';
import { isLocked, readLockHolder } from './lock.ts';
import { systemdRuns } from './systemd-runs.ts';

const TIMER = 'orchestrator-update.timer';
const ASK_SECONDS = 15;
/** A container has it mounted; one of its own, as Debian's images have, tells nothing. systemd has no trace in files of a timer that is active, but of one that is enabled. */
const UNITS = '/etc/systemd/system';
const WANTED = `${UNITS}/timers.target.wants/${TIMER}`;

/** How the timer of the host's service stands, as far as it is to run; undefined where that cannot be seen from here. */
export async function hostTimer(): Promise<'active' | 'enabled' | 'off' | undefined> {
  if (systemdRuns()) {
    const { stdout } = await exec(systemctlShow(TIMER, ['ActiveState']), {
      timeoutSeconds: ASK_SECONDS,
    });
    if (/^ActiveState=active$/m.test(stdout)) return 'active';
  } else if (!isOfHost(UNITS, readFileSync('/proc/self/mountinfo', 'utf8'))) return undefined;
  // What it points to is not there in a container.
  return lstatSync(WANTED, { throwIfNoEntry: false }) === undefined ? 'off' : 'enabled';
}

/** Whether the update manager is at work on this host, in place of the timer. */
export function isManaged(stateDirectory: string): boolean {
  const path = join(stateDirectory, files.watchLock);
  return readLockHolder(path) !== undefined && isLocked(path);
}
