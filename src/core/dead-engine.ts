/**
 * Whether Docker died or hangs. One that a person stopped has ended well; one that systemd is about to start again, or is
 * being started, is not dead yet.
 *
 * @param shown `ActiveState` and `Result` of docker.service, as `systemctl show` prints them
 * @param hasPulse whether its process is there and answers
 */
export function isDead(shown: string, hasPulse: boolean): boolean {
  const of = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(shown)?.[1] ?? '';
  const state = of('ActiveState');
  if (state === 'failed') return true;
  if (state === 'inactive') return !['success', ''].includes(of('Result'));
  return state === 'active' && !hasPulse;
}
