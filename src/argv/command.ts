/** A command to run, as plain data: printed by `plan`, compared in tests, run by host/exec.ts. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** A command as a person would type it. */
export function printable(command: Command): string {
  return [command.file, ...command.args].map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
