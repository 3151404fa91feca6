import type { Completed } from '../help.ts';
import type { ShellCommand, ShellFlag, Vocabulary } from './vocabulary.ts';

/** The completion for zsh: specifications for its `_arguments`, one line a flag. */
export function zshCompletion({ commands, globals, keys }: Vocabulary): string {
  const values = keys.filter((one) => one.values.length > 0);
  return `#compdef orchestrator-update
# zsh completion of orchestrator-update, printed by: orchestrator-update completion zsh

_orchestrator_update_setting() {
  local key=\${PREFIX%%=*}
  if compset -P '*='; then
    case $key in
${values.map((one) => `      ${one.key}) compadd -- ${one.values.join(' ')} ;;`).join('\n')}
    esac
  else
    compadd -S '' -- ${keys.map(({ key }) => `${key}=`).join(' ')}
  fi
}

_orchestrator_update() {
  local -a names globals
  names=(
${commands.map(({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
    'help:how a command is used'
    'version:which version this is'
  )
  globals=(
${globals.map((flag) => specification(flag, '    ')).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe -t commands command names
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${commands.map(commandCase).join('\n')}
    help) _describe -t commands command names ;;
  esac
}

_orchestrator_update "$@"
`;
}

function commandCase({ name, flags, verbs, words }: ShellCommand): string {
  const more = flags.map((flag) => specification(flag, '        '));
  if (verbs.length > 0) more.push(`        ${quote(`1:verb:(${verbs.join(' ')})`)}`);
  else if (words !== undefined) more.push(`        ${quote(`*:word:${actionOf(words)}`)}`);
  const lines = ['      _arguments $globals', ...more].join(' \\\n');
  return `    ${name})\n${lines}\n      ;;`;
}

function specification(flag: ShellFlag, indent: string): string {
  const { name, short, meaning, takesValue, isRepeated } = flag;
  const text = `[${meaning.replaceAll(/[[\]\\:]/g, (mark) => `\\${mark}`)}]`;
  const value = takesValue ? `:${name}:${name === 'set' ? SETTING : actionOf(flag.value)}` : '';
  const rule = quote(`${isRepeated ? '*' : ''}--${name}${text}${value}`);
  return [rule, ...(short === undefined ? [] : [quote(`-${short}${text}`)])]
    .map((one) => indent + one)
    .join(indent.length > 4 ? ' \\\n' : '\n');
}

const SETTING = '_orchestrator_update_setting';

/** Nothing to offer is a blank: without it zsh would take the flag for one without a value. */
function actionOf(value: Completed | undefined): string {
  if (value === undefined) return ' ';
  if (value === 'file') return '_files';
  if (value === 'directory') return '_files -/';
  return `(${value.join(' ')})`;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
