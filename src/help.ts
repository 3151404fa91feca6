/** What a flag or a word may be, as far as a shell can complete it. */
export type Completed = 'file' | 'directory' | readonly string[];

/** What `--help`, the manual page and the completions of shells say of a command. */
export interface CommandHelp {
  readonly summary: string;
  readonly usage: string;
  readonly details: readonly (readonly [flag: string, meaning: string])[];
  readonly examples: readonly string[];
  /** What may be its first word, where it has verbs. */
  readonly verbs?: readonly string[];
  /** What a flag takes, by its name; that of '' is what its words are. */
  readonly values?: Readonly<Record<string, Completed>>;
}

/** Flags of every command. */
export const globalFlags: CommandHelp['details'] = [
  ['--config FILE', 'another configuration file'],
  ['--set KEY=VALUE', 'one key of the configuration, for this call; can be repeated'],
  ['--json', 'for programs'],
  ['--debug', 'everything that other programs print'],
  ['--help, -h', 'this text'],
];

/** What the exit code says. */
export const exitCodeLines: CommandHelp['details'] = [
  ['0', 'done, nothing to do, or held on purpose'],
  ['1', 'failed; nothing was changed'],
  ['2', 'wrong usage or configuration'],
  ['10', 'an update waits'],
  ['11', 'another run holds the lock'],
  ['12', 'rolled back; the old release is healthy'],
  ['13', 'an operator is needed'],
  ['130', 'interrupted; the old release is healthy'],
];

/** `orchestrator-update --help`. */
export function generalHelp(commands: Readonly<Record<string, CommandHelp>>): string {
  const names = Object.entries(commands).map(([name, { summary }]) => [name, summary] as const);
  return [
    'orchestrator-update keeps a docker-compose cluster at the tip of its deploy branch:',
    'backup, pull, apply, verify; and back to the old release, whole, when the new one fails.',
    '',
    'Usage: orchestrator-update COMMAND [flags]',
    '',
    'Commands:',
    ...table(names),
    '',
    'Flags of every command:',
    ...table(globalFlags),
    '',
    'Exit codes:',
    ...table(exitCodeLines),
    '',
    'A first look:',
    '  orchestrator-update status',
    '  orchestrator-update plan',
    '  journalctl -u orchestrator-update -f',
    '',
    '`orchestrator-update COMMAND --help` says more.',
  ].join('\n');
}

/** `orchestrator-update COMMAND --help`. */
export function commandHelp(command: CommandHelp): string {
  return [
    `Usage: orchestrator-update ${command.usage}`,
    '',
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    '',
    'Flags:',
    ...table([...command.details, ...globalFlags]),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
  ].join('\n');
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
