import type { CommandEntry } from '../command-table.ts';
import { commands, globalOptions } from '../command-table.ts';
import type { KeyInfo } from '../config/keys.ts';
import { globalFlags, type CommandHelp, type Completed } from '../help.ts';

/** A flag as a shell completes it. */
export interface ShellFlag {
  /** Without its dashes. */
  readonly name: string;
  readonly short?: string;
  readonly meaning: string;
  /** Whether the next word belongs to it. */
  readonly takesValue: boolean;
  readonly isRepeated: boolean;
  /** What the value may be; undefined where only a person knows. */
  readonly value?: Completed;
}

export interface ShellCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly ShellFlag[];
  readonly verbs: readonly string[];
  /** What its words are, where it has no verbs. */
  readonly words?: Completed;
}

/** All that a shell completes, for each shell to be worded. */
export interface Vocabulary {
  readonly commands: readonly ShellCommand[];
  /** Flags of every command. */
  readonly globals: readonly ShellFlag[];
  /** Keys of the configuration, for `--set`, with what each may be where that is known. */
  readonly keys: readonly { readonly key: string; readonly values: readonly string[] }[];
}

/** The vocabulary of the command table. */
export function vocabulary(keys: readonly KeyInfo[]): Vocabulary {
  return {
    commands: Object.entries(commands).map(([name, entry]) => shellCommand(name, entry)),
    globals: shellFlags(globalOptions, globalFlags, { config: 'file' }),
    keys: keys.map(({ key, type }) => ({ key, values: valuesOf(type) })),
  };
}

function shellCommand(name: string, entry: CommandEntry): ShellCommand {
  const { summary, options, details, verbs = [], values = {} } = entry;
  const { '': words } = values;
  const flags = shellFlags(options, details, values);
  return { name, summary, flags, verbs, ...(words === undefined ? {} : { words }) };
}

function shellFlags(
  options: CommandEntry['options'],
  details: CommandHelp['details'],
  values: NonNullable<CommandHelp['values']>,
): ShellFlag[] {
  return Object.entries(options).map(([name, { type, short, multiple = false }]) => {
    const value = values[name];
    return {
      name,
      meaning: meaningOf(name, details),
      takesValue: type === 'string',
      isRepeated: multiple,
      ...(short === undefined ? {} : { short }),
      ...(value === undefined ? {} : { value }),
    };
  });
}

/** The row of the help is headed `--name`, `--name VALUE` or `--name, -n`. */
function meaningOf(name: string, details: CommandHelp['details']): string {
  const row = details.find(([head]) => head.split(/[ ,]/)[0] === `--${name}`);
  return row?.[1] ?? '';
}

/** The documents have `a \| b` for what is one of several. */
function valuesOf(type: string): readonly string[] {
  if (type === 'boolean') return ['true', 'false'];
  return type.includes(' \\| ') ? type.split(' \\| ') : [];
}
