import type { Command } from './command.ts';

/** The unit a copy runs in when the sandbox of our own would not let it keep every bit. */
const copyUnit = (lane: number | '*'): string => `orchestrator-update-copy-${lane}.service`;

/**
 * Runs a command in a unit of its own, outside the caller's sandbox, and waits for it: output
 * and exit code are the command's.
 *
 * @param lane tells apart what is run at the same time
 */
export function outsideSandbox(command: Command, lane: number): Command {
  return piped(`--unit=${copyUnit(lane)}`, command);
}

/** The same for a program of this host's that is given something to read, such as sendmail: its queue is not ours. */
export function programOutsideSandbox(command: Command, withinSeconds: number): Command {
  return piped(`--property=RuntimeMaxSec=${Math.ceil(withinSeconds)}`, command);
}

function piped(setting: string, { file, args }: Command): Command {
  const flags = ['--quiet', '--wait', '--pipe', '--collect', setting];
  return { file: 'systemd-run', args: [...flags, '--', file, ...args] };
}

/** Ends a copy whose caller is gone; all of them for `*`. */
export function stopCopies(lane: number | '*'): Command {
  return { file: 'systemctl', args: ['stop', copyUnit(lane)] };
}

/** The unit that lets containers go on when we cannot. */
export const THAW_UNIT = 'orchestrator-update-thaw.service';

/** A frozen cluster: containers that are paused, and such that were stopped, by their IDs. */
export interface FrozenIds {
  readonly paused: readonly string[];
  readonly stopped: readonly string[];
}

/**
 * Starts a unit that waits until the lock is free (we ended, in whatever way) or the time is up, and then
 * lets the containers go on.
 *
 * @param withinSeconds how long the cluster may be frozen
 */
export function thawLater(frozen: FrozenIds, lockFile: string, withinSeconds: number): Command {
  const wait = `flock --exclusive --timeout ${Math.ceil(withinSeconds)} ${lockFile} true`;
  const unpause = ['docker', 'unpause', ...frozen.paused];
  const start = ['docker', 'start', ...frozen.stopped];
  const before = frozen.paused.length > 0 && frozen.stopped.length > 0 ? [unpause] : [];
  return later(THAW_UNIT, {
    properties: [
      `ExecStartPre=-${wait}`,
      ...before.map((command) => `ExecStartPre=-${command.join(' ')}`),
    ],
    command: frozen.stopped.length > 0 ? start : unpause,
  });
}

/** A unit that outlives us, and does one thing. */
function later(
  unit: string,
  { properties, command }: { properties: readonly string[]; command: readonly string[] },
): Command {
  return {
    file: 'systemd-run',
    args: [
      '--quiet',
      '--no-block',
      '--collect',
      `--unit=${unit}`,
      '--property=Type=oneshot',
      ...properties.map((property) => `--property=${property}`),
      '--',
      ...command,
    ],
  };
}

/** The containers go on by us: nobody has to wait any more. */
export const stopThaw: Command = { file: 'systemctl', args: ['stop', THAW_UNIT] };

const RECOVER_LATER_UNIT = 'orchestrator-update-recover-later.service';
/** The longest that a transaction is waited for. */
const RECOVER_LATER_SECONDS = 86_400;
/** A run of the service is begun again by systemd after a second: it comes first. */
const GRACE_SECONDS = 10;

/** Starts a unit that waits until the lock is free (we ended, in whatever way), and then starts the recovery. */
export function recoverLater(lockFile: string): Command {
  const wait = `flock --exclusive --timeout ${RECOVER_LATER_SECONDS} ${lockFile} true`;
  return later(RECOVER_LATER_UNIT, {
    properties: [
      'TimeoutStartSec=infinity',
      // Without a dash: systemd begins the next one while it stops the unit, if this one may fail (257, measured).
      `ExecStartPre=${wait}`,
      `ExecStartPre=sleep ${GRACE_SECONDS}`,
    ],
    command: ['systemctl', 'start', '--no-block', 'orchestrator-update-recover.service'],
  });
}

/** We see to it ourselves. */
export const stopRecoverLater: Command = { file: 'systemctl', args: ['stop', RECOVER_LATER_UNIT] };
