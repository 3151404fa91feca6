import type { Command } from './command.ts';

/** What `timeout` exits with when there is no such program; as a shell does. */
export const EXIT_NOT_FOUND = 127;

/**
 * A command that ends by itself: coreutils' `timeout` ends its process group with SIGTERM, and 10 s later
 * with SIGKILL. It exits as the command does, and dies of the signal that the command died of.
 *
 * @param seconds more than 0
 */
export function withTimeLimit(command: Command, seconds: number): Command {
  return {
    file: 'timeout',
    args: ['--kill-after=10', String(seconds), command.file, ...command.args],
  };
}
