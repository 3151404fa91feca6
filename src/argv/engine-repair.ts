import type { Command } from './command.ts';

const systemctl = (...args: readonly string[]): Command => ({ file: 'systemctl', args });

/** Forgets failed starts of everything an engine is made of: after too many, systemd refuses another. */
export const resetEngine: Command = systemctl(
  'reset-failed',
  'docker.service',
  'docker.socket',
  'containerd.service',
);
export const startEngine: Command = systemctl(
  'start',
  'containerd.service',
  'docker.socket',
  'docker.service',
);
export const stopDocker: Command = systemctl('stop', 'docker.service', 'docker.socket');
/** A process that was stopped, or hangs in the kernel, heeds nothing less. */
export const killDocker: Command = systemctl('kill', '--signal=SIGKILL', 'docker.service');
export const killContainerd: Command = systemctl(
  'kill',
  '--kill-whom=main',
  '--signal=SIGKILL',
  'containerd.service',
);
export const restartContainerd: Command = systemctl('restart', 'containerd.service');

/** Prints the command line that a unit is started with, as systemd resolved it. */
export const dockerCommandLine: Command = systemctl(
  'show',
  'docker.service',
  '--property=ExecStart',
);

/** Says whether dockerd would start with its flags and its configuration, and starts nothing. */
export function validateConfig(words: readonly string[], file: string): Command {
  const [program = 'dockerd', ...flags] = words;
  return { file: program, args: [...flags, '--validate', `--config-file=${file}`] };
}

/** Prints the version of dockerd, as it is on the disk. */
export const dockerdVersion: Command = { file: 'dockerd', args: ['--version'] };

/** Has this host shut down and started again; returns at once. */
export const rebootHost: Command = systemctl('--no-block', 'reboot');

/** Prints what a daemon, and systemd about it, said last in this boot. */
export function lastWords(unit: 'docker.service' | 'containerd.service'): Command {
  const args = ['--boot', `--unit=${unit}`, '--lines=200', '--output=cat', '--no-pager'];
  return { file: 'journalctl', args };
}
export const stopContainerd: Command = systemctl('stop', 'containerd.service');

/** Says whether containerd answers. */
export const askContainerd: Command = { file: 'ctr', args: ['--timeout', '5s', 'version'] };

const ctr = (...args: readonly string[]): Command => ({
  file: 'ctr',
  args: ['--timeout', '10s', '--namespace', 'moby', ...args],
});
export const killTask = (id: string): Command => ctr('tasks', 'kill', '--signal', 'SIGKILL', id);
export const removeTask = (id: string): Command => ctr('tasks', 'rm', '--force', id);
