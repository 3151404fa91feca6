import type { Command } from './command.ts';

/** Prints the version of docker's command line. */
export const cliVersion: Command = { file: 'docker', args: ['--version'] };

/** Prints the version of buildx. */
export const buildxVersion: Command = { file: 'docker', args: ['buildx', 'version'] };

/** Prints the tasks that containerd runs for Docker: `TASK PID STATUS`, a line each. */
export const listTasks: Command = {
  file: 'ctr',
  args: ['--timeout', '5s', '--namespace', 'moby', 'tasks', 'ls'],
};

/** Has containerd pause a container that Docker takes for paused; Docker can let it go on then. */
export function pauseTask(id: string): Command {
  return { file: 'ctr', args: ['--timeout', '10s', '--namespace', 'moby', 'tasks', 'pause', id] };
}

/** Makes an image of a tar archive that is read from stdin; prints its ID. */
export function importImage(socket: string, name: string): Command {
  // Not where a context of root's would have it.
  return { file: 'docker', args: ['--host', `unix://${socket}`, 'import', '-', name] };
}

/** Lists both ends of every connection of a local socket that is open, and whose they are. */
export const listLocalConnections: Command = {
  file: 'ss',
  args: ['--no-header', '--unix', '--processes', 'state', 'connected'],
};
