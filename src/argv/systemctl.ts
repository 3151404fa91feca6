import type { Command } from './command.ts';

/** When this system was booted; of a container, when that was. `UserspaceTimestamp=@1700000000` */
export const whenBooted: Command = {
  file: 'systemctl',
  args: ['show', '--property=UserspaceTimestamp', '--timestamp=unix'],
};

/** Properties of a unit as `KEY=value` lines. */
export function systemctlShow(unit: string, properties: readonly string[]): Command {
  return {
    file: 'systemctl',
    args: ['show', unit, `--property=${properties.join(',')}`],
  };
}

/**
 * When dockerd was started, and when it was ready, in seconds of the epoch:
 * `ExecMainStartTimestamp=@1795557180` (systemd 247).
 */
export const whenDockerStarted: Command = {
  file: 'systemctl',
  args: [
    'show',
    'docker.service',
    '--property=ActiveState,ExecMainStartTimestamp,ActiveEnterTimestamp',
    '--timestamp=unix',
  ],
};

/** Forgets failed starts first: too many of them, and systemd would refuse the restart. */
export const resetDocker: Command = {
  file: 'systemctl',
  args: ['reset-failed', 'docker.service', 'docker.socket'],
};

export const restartDocker: Command = { file: 'systemctl', args: ['restart', 'docker.service'] };
