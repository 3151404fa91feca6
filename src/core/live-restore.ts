const FILE = '/etc/docker/daemon.json';
const TO_END = `to switch it off: "live-restore": false in ${FILE}, then: systemctl reload docker`;

/**
 * What a person has to know of a live-restore that was switched on for an upgrade and could not be switched off after it,
 * since daemon.json is somebody else's by now or dockerd did not take it; undefined where it is off.
 *
 * @param isOn as the dockerd that runs says; undefined where it does not answer
 * @param isWritten whether daemon.json says so; undefined where that cannot be read
 */
export function liveRestoreLeft(
  isOn: boolean | undefined,
  isWritten: boolean | undefined,
): string | undefined {
  if (isWritten === true) {
    return isOn === true
      ? `live-restore stays on, as ${FILE} has it now; ${TO_END}`
      : `live-restore is on from the next start of Docker on, as ${FILE} has it now; ${TO_END}`;
  }
  if (isOn !== true) return undefined;
  // Its containers run on when it ends, and the next one, without live-restore, ends what it finds.
  return `live-restore is on still, and ${FILE} does not say so: the next restart of Docker stops every container without warning; to keep it: "live-restore": true there; ${TO_END}`;
}
