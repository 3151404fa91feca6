import { printable, type Command } from '../argv/command.ts';
import { resticByHand, resticCheck, resticSnapshots, resticUnlock } from '../argv/restic.ts';
import type { HistoryConfig } from '../config/history-schema.ts';
import type { HistoryProblem, ProblemKind } from '../core/history-problem.ts';
import { OperatorError } from '../errors.ts';

/** The history could not be used; the kind tells a caller why. */
export class HistoryError extends OperatorError {
  override name = 'HistoryError';
  readonly kind: ProblemKind;

  constructor(kind: ProblemKind, message: string, next: string) {
    super(message, next);
    this.kind = kind;
  }
}

/** restic's page on damage. */
const TROUBLESHOOTING = 'https://restic.readthedocs.io/en/stable/077_troubleshooting.html';

/** A problem in words, with what to type next. */
export function historyError(
  problem: HistoryProblem,
  config: HistoryConfig,
  project: string,
): HistoryError {
  const { kind, cause } = problem;
  const said = cause === '' || kind === 'not installed' ? '' : `: ${cause}`;
  const message = `history in ${config.repository}: ${whatFailed(kind, config)}${said}`;
  return new HistoryError(kind, message, whatNext(problem, config, project));
}

function whatFailed(kind: ProblemKind, config: HistoryConfig): string {
  switch (kind) {
    case 'not installed':
      return 'restic is not installed';
    case 'missing':
      return 'there is no repository';
    case 'wrong password':
      return `the password in ${config.password_file} does not open it`;
    case 'locked':
      return 'it is locked';
    case 'full':
      return 'no room';
    case 'unwritable':
      return 'it cannot be written';
    case 'unreachable':
      return 'it cannot be reached';
    case 'denied':
      return 'access was denied';
    case 'program missing':
      return 'restic needs a program that is not installed';
    case 'damaged':
      return 'it is damaged';
    case 'unreadable':
      return 'not all of the backup could be read';
    case 'timed out':
      return 'restic took too long';
    case 'stopped':
      return 'restic was stopped';
    case 'unknown':
      return 'restic failed';
  }
}

function whatNext({ kind, cause }: HistoryProblem, config: HistoryConfig, project: string): string {
  const typed = (command: Command): string => byHand(config, command);
  const list = typed(resticSnapshots(project));
  switch (kind) {
    case 'not installed':
      return 'apt-get install restic';
    case 'wrong password':
      return `write the password it was made with into ${config.password_file}, or set history.repository to another place`;
    case 'locked':
      return `let that restic end; if it is gone: ${typed(resticUnlock)}`;
    case 'full':
      return 'df -h    # make room where it says, or lower history.keep';
    case 'unwritable':
      return 'findmnt; dmesg | tail    # a disk that fails is turned read-only';
    case 'denied':
      return config.environment_file === undefined
        ? `set history.environment_file, or give root an ssh key; then: ${list}`
        : `look at ${config.environment_file}; then: ${list}`;
    case 'program missing':
      return install(cause);
    case 'damaged':
      return `${typed(resticCheck(100))}    # then ${TROUBLESHOOTING}; set history.repository to another place meanwhile`;
    case 'unreadable':
      return 'dmesg | tail';
    case 'stopped':
      return 'orchestrator-update status';
    case 'missing':
      return `findmnt    # is its disk mounted? Then: ${list}`;
    case 'unreachable':
    case 'timed out':
    case 'unknown':
      return list;
  }
}

/** As a person types it, credentials included by their file. */
function byHand({ repository, ...files }: HistoryConfig, command: Command): string {
  const place = { repository: repository ?? '', passwordFile: files.password_file ?? '' };
  const typed = printable(resticByHand(place, command));
  const file = files.environment_file;
  return file === undefined ? typed : `(set -a; . ${file}; ${typed})`;
}

const PACKAGES: Readonly<Record<string, string>> = { ssh: 'openssh-client', rclone: 'rclone' };

function install(cause: string): string {
  const program = /exec: "([^"]+)"/.exec(cause)?.[1] ?? '';
  return `apt-get install ${PACKAGES[program] ?? program}`;
}
