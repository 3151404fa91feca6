import type { Command } from './command.ts';

/** The unit a copy runs in when the sandbox of our own would not let it keep every bit. */
export const COPY_UNIT = 'orchestrator-update-copy.service';

/**
 * Runs a command in a unit of its own, outside the caller's sandbox, and waits for it: output
 * and exit code are the command's.
 */
export function outsideSandbox(command: Command): Command {
  return {
    file: 'systemd-run',
    args: [
      '--quiet',
      '--wait',
      '--pipe',
      '--collect',
      `--unit=${COPY_UNIT}`,
      '--',
      command.file,
      ...command.args,
    ],
  };
}

/** Ends a copy whose caller is gone. */
export const stopCopy: Command = { file: 'systemctl', args: ['stop', COPY_UNIT] };

/** Prints the first entry with a setuid or setgid bit. */
export function findSpecialModes(directory: string, excluded: readonly string[]): Command {
  const prune = excluded.flatMap((path) => ['-path', path, '-prune', '-o']);
  return {
    file: 'find',
    args: [directory, '-xdev', ...prune, '-perm', '/6000', '-print', '-quit'],
  };
}
