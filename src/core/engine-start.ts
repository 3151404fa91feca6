/** What of docker.service has to be known to say how its start goes. */
export const PROPERTIES_OF_START = [
  'ActiveState',
  'SubState',
  'Job',
  'ExecMainStartTimestampMonotonic',
  'NRestarts',
] as const;

/** Docker's packages set no limit: one with thousands of containers on a slow disk may take minutes. */
const HANGS_AFTER_SECONDS = 600;

/**
 * How a start of Docker goes. `waiting`: for what it is ordered after, or to be tried again; or its process starts.
 * `hangs`: its process is there, and is not ready after ten minutes. `over`: it is ready, or it is not being started.
 *
 * @param shown `PROPERTIES_OF_START` of docker.service, as `systemctl show` prints them
 * @param nowSeconds of the monotonic clock
 */
export function startOf(shown: string, nowSeconds: number): 'waiting' | 'hangs' | 'over' {
  const of = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(shown)?.[1] ?? '';
  const state = of('ActiveState');
  if (state !== 'activating') {
    // A restart is a stop first.
    const hasJob = !['', '0'].includes(of('Job'));
    return hasJob ? 'waiting' : 'over';
  }
  if (of('SubState') !== 'start') return 'waiting';
  const startedAtSeconds = Number(of('ExecMainStartTimestampMonotonic')) / 1e6;
  if (!(startedAtSeconds > 0)) return 'waiting';
  return nowSeconds - startedAtSeconds >= HANGS_AFTER_SECONDS ? 'hangs' : 'waiting';
}

/** How often systemd has started it again by itself, by the same. */
export function restartsIn(shown: string): number {
  return Number(/^NRestarts=(\d+)$/m.exec(shown)?.[1] ?? 0);
}
