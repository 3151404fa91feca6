import { exitCodeLines, globalFlags, type CommandHelp } from '../help.ts';
import { entry, escaped, prose, request, textLine, verbatim } from './roff.ts';

const files: CommandHelp['details'] = [
  ['/etc/orchestrator-update/update_config.yaml', 'the configuration; `config docs` explains it'],
  ['/var/lib/orchestrator-update', 'what is deployed, what is under way, what is held back'],
  ['/var/cache/orchestrator-update', 'what can be made anew'],
  ['/usr/local/lib/orchestrator-update', 'the program, with the versions before'],
  ['/home/geo/operation/backups', 'the backups, unless `backups_dir` says otherwise'],
];

const environment: CommandHelp['details'] = [
  ['ORCHESTRATOR_UPDATE_CONFIG', 'another configuration file, as `--config`'],
  [
    'ORCHESTRATOR_UPDATE_KEY',
    'a key of the configuration, in capitals, _ for each dot: ORCHESTRATOR_UPDATE_BACKUP_KEEP',
  ],
  ['ORCHESTRATOR_UPDATE_DEBUG', '1 says everything that other programs print, as `--debug`'],
  ['ORCHESTRATOR_UPDATE_STATE_DIR', 'another place for what is in /var/lib'],
  ['ORCHESTRATOR_UPDATE_CACHE_DIR', 'another place for what is in /var/cache'],
  ['DOCKER_HOST', 'the socket of Docker, where it is not the usual one'],
  ['NO_COLOR', 'if it is not empty, nothing is coloured'],
];

const seeAlso = ['docker(1)', 'git(1)', 'journalctl(1)', 'restic(1)', 'systemctl(1)'];

/**
 * The manual page, in roff: all that `--help` says, of all commands. Without a date, so that the same program has
 * the same page.
 */
export function manPage(commands: Readonly<Record<string, CommandHelp>>, version: string): string {
  return [
    `.TH ORCHESTRATOR\\-UPDATE 8 "" "orchestrator\\-update ${escaped(version)}" "System Administration"`,
    // What is to be typed is not to be hyphenated.
    '.nh',
    '.SH NAME',
    'orchestrator\\-update \\- keep a docker compose cluster at the tip of its deploy branch',
    '.SH SYNOPSIS',
    '.B orchestrator\\-update',
    '.I COMMAND',
    '[flags]',
    ...description,
    '.SH COMMANDS',
    ...Object.entries(commands).flatMap(([name, command]) => commandSection(name, command)),
    '.SH OPTIONS',
    'Every command has these:',
    ...entries(globalFlags),
    '.SH EXIT STATUS',
    ...entries(exitCodeLines),
    '.SH FILES',
    ...entries(files),
    '.SH ENVIRONMENT',
    ...entries(environment),
    '.SH SEE ALSO',
    seeAlso.map(reference).join(',\n'),
    '',
  ].join('\n');
}

const description: readonly string[] = [
  '.SH DESCRIPTION',
  prose(
    'A run looks at the deploy branch, and brings the cluster to its tip: backup, pull, apply,',
  ),
  prose(
    'verify. When the new release is not healthy, everything goes back to the old one, whole and',
  ),
  prose('verified, or a person is told what is wrong and what to type.'),
  '.PP',
  prose('`orchestrator-update.timer` starts a run every hour as `orchestrator-update.service`;'),
  prose('`orchestrator-update-recover.service` finishes or takes back what was cut off.'),
  prose('`journalctl -x -u orchestrator-update` tells what happened, and explains it.'),
];

function commandSection(
  name: string,
  { summary, usage, details, examples }: CommandHelp,
): string[] {
  return [
    request('SS', name),
    request('B', `orchestrator-update ${usage}`),
    '.PP',
    prose(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`),
    ...entries(details),
    '.PP',
    textLine(examples.length === 1 ? 'Example:' : 'Examples:'),
    ...verbatim(examples),
  ];
}

const entries = (rows: CommandHelp['details']): string[] =>
  rows.flatMap(([head, meaning]) => entry(head, meaning));

/** `name(section)`, the name in bold. */
const reference = (page: string): string =>
  page.replace(/^(.*)\((\d)\)$/, (_, name: string, section: string) => {
    return `\\fB${escaped(name)}\\fR(${section})`;
  });
