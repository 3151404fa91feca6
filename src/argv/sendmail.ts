import type { Command } from './command.ts';

/** Sends the mail on stdin to whom it names in its head. A dot alone does not end it. */
export function sendmail(file: string): Command {
  return { file, args: ['-t', '-i'] };
}
