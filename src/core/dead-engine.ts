/** What of docker.service has to be known to say whether it died. */
export const PROPERTIES_OF_DEATH = [
  'ActiveState',
  'Result',
  'ExecMainStartTimestampMonotonic',
  'ExecMainExitTimestampMonotonic',
  'ActiveEnterTimestampMonotonic',
  'ActiveExitTimestampMonotonic',
  'TimeoutStartUSec',
] as const;

/** With these systemd ended it, or refused to start it, without being asked. */
const OF_SYSTEMD: ReadonlySet<string> = new Set([
  'start-limit-hit',
  'watchdog',
  'oom-kill',
  'resources',
]);

/**
 * Whether Docker died or hangs. One that a person stopped has ended well, or was asked to end; one that systemd is about
 * to start again, or is being started, is not dead yet.
 *
 * @param docker `PROPERTIES_OF_DEATH` of docker.service, as `systemctl show` prints them
 * @param socket `ActiveState` of docker.socket, likewise
 * @param hasPulse whether its process is there and answers
 */
export function isDead(docker: string, socket: string, hasPulse: boolean): boolean {
  const state = valueOf(docker, 'ActiveState');
  // Somebody wanted it to start, and its socket could not be had.
  const isWithoutSocket = valueOf(socket, 'ActiveState') === 'failed';
  if (state === 'failed') return isWithoutSocket || !wasAskedToEnd(docker);
  // Without that: it was stopped, be it while it waited to be started again after it had died.
  if (state === 'inactive') return isWithoutSocket;
  return state === 'active' && !hasPulse;
}

/**
 * Whether a Docker that has failed was asked to end, and did not end well or not in time. systemd does not say so itself;
 * it never starts such a one again, and what is told by its clocks is (measured with systemd 252, docs/decisions/0013):
 *
 * - a process that dies was there until its unit was not active any more; one that is asked to end outlives that,
 * - one that never got ready has no time limit for its start (`TimeoutStartSec=0` of Docker's packages): what ran out was
 *   the one of a stop.
 */
function wasAskedToEnd(docker: string): boolean {
  const result = valueOf(docker, 'Result');
  if (OF_SYSTEMD.has(result)) return false;
  const at = (key: string): number => Number(valueOf(docker, `${key}TimestampMonotonic`));
  const wasReady = at('ActiveEnter') > 0 && at('ActiveEnter') >= at('ExecMainStart');
  if (wasReady) return at('ActiveExit') > 0 && at('ActiveExit') < at('ExecMainExit');
  return result === 'timeout' && valueOf(docker, 'TimeoutStartUSec') === 'infinity';
}

/**
 * Whether Docker does not run since a repair that was cut off had stopped it: it was not started since.
 *
 * @param shown `ActiveState` and `ActiveEnterTimestamp` of docker.service, as `systemctl show --timestamp=unix` prints them
 * @param takenAtSeconds of the epoch: when the repair wrote down the last thing it was about to do
 */
export function isLeftByRepair(shown: string, takenAtSeconds: number): boolean {
  if (!['inactive', 'failed'].includes(valueOf(shown, 'ActiveState'))) return false;
  const readyAtSeconds = Number(/^ActiveEnterTimestamp=@(\d+)/m.exec(shown)?.[1] ?? 0);
  return readyAtSeconds < Math.floor(takenAtSeconds);
}

function valueOf(shown: string, key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(shown)?.[1] ?? '';
}
