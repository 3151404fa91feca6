import { exitCodes, type ExitCode } from './exit-codes.ts';

/** A failure that was foreseen: says what failed and why, and what to type next. */
export class OperatorError extends Error {
  override name = 'OperatorError';
  readonly next: string;
  readonly exitCode: ExitCode;

  constructor(message: string, next: string, exitCode: ExitCode = exitCodes.failed) {
    super(withoutCredentials(message));
    this.next = withoutCredentials(next);
    this.exitCode = exitCode;
  }
}

/** A URL may carry a password or a token; messages end up in journals. */
function withoutCredentials(text: string): string {
  return text.replaceAll(/\/\/[^/@\s]+@/g, '//…@');
}

/** An update that is not started because it would be wrong to; nothing was changed. */
export class RefusedError extends OperatorError {
  override name = 'RefusedError';
}

/** A release that no host could apply: trying it again cannot help. */
export class InvalidReleaseError extends RefusedError {
  override name = 'InvalidReleaseError';
  readonly commit: string;

  constructor(commit: string, message: string, next: string) {
    super(message, next);
    this.commit = commit;
  }
}

/** Wrong configuration: names the file, the line and the key. */
export class ConfigError extends OperatorError {
  override name = 'ConfigError';

  constructor(message: string, next: string) {
    super(message, next, exitCodes.usage);
  }
}

/** The command line cannot be understood. */
export class UsageError extends OperatorError {
  override name = 'UsageError';

  constructor(message: string, next = 'orchestrator-update --help') {
    super(message, next, exitCodes.usage);
  }
}

/** Somebody else has made containers anew since the plan was made: it is made again. */
export class ChangedMeanwhileError extends OperatorError {
  override name = 'ChangedMeanwhileError';

  constructor(services: readonly string[]) {
    super(
      `changed by somebody else while the update was planned: ${services.join(', ')}`,
      'docker compose ps; the next run plans again',
    );
  }
}

/** A release that did not become healthy. */
export class UnhealthyError extends OperatorError {
  override name = 'UnhealthyError';
}

/** A signal asked us to stop. */
export class InterruptedError extends OperatorError {
  override name = 'InterruptedError';

  constructor(signal: string) {
    super(`interrupted by ${signal}`, 'orchestrator-update status', exitCodes.interrupted);
  }
}

/** What the system says of a disk that takes nothing more, and what a person does about it. */
const DISK_CURES: Readonly<Record<string, string>> = {
  ENOSPC: 'make room: df -h; docker system df; docker image prune; remove old backups',
  EDQUOT: 'make room: quota; df -h; remove old backups',
  EROFS: 'findmnt; dmesg | tail    # a disk that fails is turned read-only',
  EIO: 'dmesg | tail; smartctl -a    # the disk fails',
};

/** How programs say the same. */
const DISK_WORDS: readonly (readonly [string, RegExp])[] = [
  ['ENOSPC', /no space left|out of disk ?space/i],
  ['EDQUOT', /quota exceeded/i],
  ['EROFS', /read-only file ?system/i],
  ['EIO', /input\/output error/i],
];

/**
 * The line in which a program says that a disk takes nothing more, and what a person does about it;
 * undefined where it says nothing of the kind.
 */
export function diskFailureIn(said: string): { line: string; next: string } | undefined {
  for (const line of said.split(/[\r\n]+/)) {
    const [code = ''] = DISK_WORDS.find(([, words]) => words.test(line)) ?? [];
    const next = DISK_CURES[code];
    if (next !== undefined) return { line: line.trim(), next };
  }
  return undefined;
}

/** The same error, as one that was foreseen where it is about the disk. */
export function foreseen(error: unknown): unknown {
  const { path } = (error ?? {}) as NodeJS.ErrnoException;
  const cure = DISK_CURES[codeOf(error) ?? ''];
  if (error instanceof OperatorError || cure === undefined) return error;
  const where = path === undefined ? '' : ` (${path})`;
  return new OperatorError(`the disk cannot be written: ${messageOf(error)}${where}`, cure);
}

/** EDQUOT of Linux, negative as Node has it. Node (libuv) has no name for it. */
const QUOTA_ERRNO = -122;

/** The name of a system error: `ENOSPC`, `EDQUOT`. Undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException;
  return errno === QUOTA_ERRNO ? 'EDQUOT' : code;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // `UNKNOWN: unknown error, write` and `Unknown system error -122: Unknown system error -122, open '…'`
  return codeOf(error) === 'EDQUOT'
    ? error.message.replace(/^.*?(?=, \w+)/, 'EDQUOT: disk quota exceeded')
    : error.message;
}
