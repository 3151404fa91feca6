import type { Completed } from '../help.ts';
import type { ShellCommand, ShellFlag, Vocabulary } from './vocabulary.ts';

/** The completion for fish: one `complete` for each word. */
export function fishCompletion({ commands, globals, keys }: Vocabulary): string {
  const settings = keys.flatMap(({ key, values }) =>
    values.length === 0 ? [`${key}=`] : values.map((value) => `${key}=${value}`),
  );
  return [
    '# fish completion of orchestrator-update, printed by: orchestrator-update completion fish',
    conditions,
    `${BASE} -f`,
    ...commands.map(({ name, summary }) => `${first} -a ${name} -d ${quote(summary)}`),
    `${first} -a help -d 'how a command is used'`,
    `${first} -a version -d 'which version this is'`,
    `${BASE} -n '__orchestrator_update_verb help' -a ${quote(commands.map(({ name }) => name).join(' '))}`,
    ...globals.map((flag) => flagLine('', flag, settings)),
    ...commands.flatMap(commandLines),
    '',
  ].join('\n');
}

const BASE = 'complete -c orchestrator-update';
const first = `${BASE} -n __orchestrator_update_first`;

/** The command is always the first word, so nothing has to be looked for. */
const conditions = `
function __orchestrator_update_first
    test (count (commandline -poc)) -eq 1
end

function __orchestrator_update_in
    set -l words (commandline -poc)
    test (count $words) -ge 2; and test "$words[2]" = "$argv[1]"
end

function __orchestrator_update_verb
    set -l words (commandline -poc)
    test (count $words) -eq 2; and test "$words[2]" = "$argv[1]"
end
`;

function commandLines({ name, flags, verbs, words }: ShellCommand): string[] {
  const here = `-n '__orchestrator_update_in ${name}'`;
  const atVerb = `-n '__orchestrator_update_verb ${name}'`;
  return [
    ...flags.map((flag) => flagLine(` ${here}`, flag, [])),
    ...(verbs.length === 0 ? [] : [`${BASE} ${atVerb} -a ${quote(verbs.join(' '))}`]),
    ...(words === undefined ? [] : [`${BASE} ${here}${offered(words)}`]),
  ];
}

function flagLine(condition: string, flag: ShellFlag, settings: readonly string[]): string {
  const { name, short, meaning, takesValue } = flag;
  const value = name === 'set' ? settings : flag.value;
  const names = `${short === undefined ? '' : ` -s ${short}`} -l ${name}`;
  const taken = takesValue ? ` -r${value === undefined ? '' : offered(value)}` : '';
  return `${BASE}${condition}${names}${taken} -d ${quote(meaning)}`;
}

function offered(value: Completed): string {
  if (value === 'file') return ' -F';
  if (value === 'directory') return ` -a '(__fish_complete_directories)'`;
  return ` -a ${quote(value.join(' '))}`;
}

const quote = (text: string): string => `'${text.replaceAll(/[\\']/g, (mark) => `\\${mark}`)}'`;
