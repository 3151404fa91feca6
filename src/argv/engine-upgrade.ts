import type { Command } from './command.ts';

/** What changes the engine runs in it, whoever has asked for it. */
export const ENGINE_UNIT = 'orchestrator-engine.service';
/** dpkg or rpm runs in it: it goes on when we end. */
export const PACKAGES_UNIT = 'orchestrator-engine-packages.service';

/** What Debian's packages ask before they start or restart a service. */
export const POLICY = '/usr/sbin/policy-rc.d';

const systemctl = (...args: readonly string[]): Command => ({ file: 'systemctl', args });

/** Has the engine's unit do what it is asked, and waits for its end. */
export const startEngineUnit: Command = systemctl('start', ENGINE_UNIT);
/** The same, and nobody waits. */
export const startEngineUnitLater: Command = systemctl('start', '--no-block', ENGINE_UNIT);
/** After too many starts, systemd refuses another: those of people are no crash loop. */
export const resetEngineUnit: Command = systemctl('reset-failed', ENGINE_UNIT);

/** Shows what the engine's unit logs from now on. */
export const followEngineUnit: Command = {
  file: 'journalctl',
  args: ['--follow', '--lines=0', '--output=cat', `--unit=${ENGINE_UNIT}`],
};

/**
 * Runs a command of the package manager in a unit of its own, and waits for it.
 *
 * What it prints goes into a file: with a pipe to us, dpkg would end with us.
 *
 * @param settings what keeps it from starting or restarting services: properties and variables of the unit
 */
export function inPackagesUnit(
  command: Command,
  settings: { readonly properties: readonly string[]; readonly environment: readonly string[] },
  log: string,
): Command {
  return {
    file: 'systemd-run',
    args: [
      '--quiet',
      '--wait',
      '--collect',
      `--unit=${PACKAGES_UNIT}`,
      '--description=packages of the Docker engine',
      ...settings.properties.map((one) => `--property=${one}`),
      `--property=StandardOutput=append:${log}`,
      `--property=StandardError=append:${log}`,
      // A shutdown waits for it: dpkg or rpm that is ended leaves packages that cannot be used.
      '--property=KillSignal=SIGCONT',
      '--property=TimeoutStopSec=900',
      ...settings.environment.map((one) => `--setenv=${one}`),
      '--setenv=LC_ALL=C.UTF-8',
      '--',
      command.file,
      ...command.args,
    ],
  };
}

/** Copies files and directories with their whole paths below a directory. */
export function keepFiles(paths: readonly string[], directory: string): Command {
  return {
    file: 'cp',
    args: ['--archive', '--parents', `--target-directory=${directory}`, '--', ...paths],
  };
}

export const reloadUnits: Command = systemctl('daemon-reload');
export const reloadDocker: Command = systemctl('reload', 'docker.service');
