import { commands } from '../command-table.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { manPage } from '../man/page.ts';
import { version } from '../version.ts';

/** `man`: the manual page, in roff. */
export function run(): Promise<ExitCode> {
  process.stdout.write(manPage(commands, version()));
  return Promise.resolve(exitCodes.done);
}
