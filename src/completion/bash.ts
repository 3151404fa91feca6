import type { Completed } from '../help.ts';
import type { ShellFlag, Vocabulary } from './vocabulary.ts';

/**
 * The completion for bash. Every word in it is one of ours, of letters, digits and - . = only, so nothing has to be
 * quoted. It needs no function of the package bash-completion, which only loads it.
 */
export function bashCompletion({ commands, globals, keys }: Vocabulary): string {
  const names = commands.map(({ name }) => name);
  const perCommand = commands.map(({ name, flags, verbs, words }) => {
    const taken = flags.filter(({ takesValue }) => takesValue).map(dashed);
    const what = [
      `flags='${flags.map(dashed).join(' ')}'`,
      `verbs='${verbs.join(' ')}'`,
      `valued='${taken.join(' ')}'`,
      ...(words === undefined ? [] : [`words=${kindOf(words)}`]),
    ];
    return `    ${name}) ${what.join(' ')} ;;`;
  });
  const perFlag = commands.flatMap(({ name, flags }) =>
    flags.flatMap((flag) => valueCase(`${name} ${dashed(flag)}`, flag.value)),
  );
  const perKey = keys
    .filter(({ values }) => values.length > 0)
    .map(({ key, values }) => `        ${key}) candidates='${values.join(' ')}' ;;`);
  return fill(template, {
    NAMES: names.join(' '),
    GLOBALS: globals.map(allNames).join(' '),
    GLOBAL_VALUED: globals
      .filter(({ takesValue }) => takesValue)
      .map(dashed)
      .join(' '),
    KEYS: keys.map(({ key }) => `${key}=`).join(' '),
    COMMANDS: perCommand.join('\n'),
    FLAGS: [
      ...globals.flatMap((flag) => valueCase(`*' '${dashed(flag)}`, flag.value)),
      ...perFlag,
    ].join('\n'),
    KEY_VALUES: perKey.join('\n'),
  });
}

const dashed = ({ name }: ShellFlag): string => `--${name}`;

const allNames = (flag: ShellFlag): string =>
  flag.short === undefined ? dashed(flag) : `${dashed(flag)} -${flag.short}`;

function kindOf(value: Completed): string {
  return typeof value === 'string' ? `'${value}'` : `'${value.join(' ')}'`;
}

function valueCase(pattern: string, value: Completed | undefined): string[] {
  if (value === undefined) return [];
  const quoted = pattern.startsWith('*') ? pattern : `'${pattern}'`;
  const act = typeof value === 'string' ? `kind='${value}'` : `candidates='${value.join(' ')}'`;
  return [`      ${quoted}) ${act} ;;`];
}

/** A function: `$&` and the like in a replacement would mean something. */
function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/%([A-Z_]+)%/g, (_, name: string) => values[name] ?? '');
}

const template =
  String.raw`# bash completion of orchestrator-update, printed by: orchestrator-update completion bash
_orchestrator_update() {
  local flags='' verbs='' valued='' words='' kind='' candidates='' flag='' suffix=' '
  local -a line=("\${COMP_WORDS[0]}")
  local index word current command position=0
  COMPREPLY=()
  # bash makes three words of --flag=value: they are put together again.
  for ((index = 1; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ $index -gt 1 && ($word == '=' || \${COMP_WORDS[index - 1]} == '=') ]]; then
      line[-1]+=$word
    else
      line+=("$word")
    fi
  done
  current=\${line[-1]}
  command=\${line[1]}
  if ((\${#line[@]} == 2)); then
    _orchestrator_update_offer "$current" '%NAMES% help version --help --version'
    return
  fi
  case $command in
%COMMANDS%
    help) words='%NAMES%' ;;
    *) return ;;
  esac
  # Which word it is, and whose value.
  for ((index = 2; index < \${#line[@]} - 1; index++)); do
    word=\${line[index]}
    if [[ -n $flag ]]; then
      flag=''
    elif [[ " $valued %GLOBAL_VALUED% " == *" $word "* ]]; then
      flag=$word
    elif [[ $word != -* ]]; then
      position=$((position + 1))
    fi
  done
  if [[ -z $flag && $current == --*=* ]]; then
    flag=\${current%%=*}
    current=\${current#*=}
  fi
  if [[ -n $flag ]]; then
    case "$command $flag" in
%FLAGS%
      *' '--set) candidates='%KEYS%' suffix='' ;;
    esac
    if [[ $flag == --set && $current == *=* ]]; then
      suffix=' '
      case \${current%%=*} in
%KEY_VALUES%
        *) candidates='' ;;
      esac
      current=\${current#*=}
    fi
  elif [[ $current == -* && $command != help ]]; then
    candidates="$flags %GLOBALS%"
  elif [[ -n $verbs ]]; then
    if ((position == 0)); then candidates=$verbs; fi
  elif [[ $words == directory || $words == file ]]; then
    kind=$words
  elif ((position == 0)); then
    candidates=$words
  fi
  case $kind in
    file) _orchestrator_update_paths -f "$current" ;;
    directory) _orchestrator_update_paths -d "$current" ;;
    *) _orchestrator_update_offer "$current" "$candidates" "$suffix" ;;
  esac
}

_orchestrator_update_offer() {
  mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
  # Not while it is called by hand.
  if [[ \${3- } == '' ]]; then compopt -o nospace 2>/dev/null; fi
  return 0
}

_orchestrator_update_paths() {
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
  compopt -o filenames 2>/dev/null
  return 0
}

complete -F _orchestrator_update orchestrator-update
`.replaceAll('\\${', '${');
