import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { execa } from 'execa';
import { printable, type Command } from '../argv/command.ts';
import { EXIT_NOT_FOUND, withTimeLimit } from '../argv/time-limit.ts';
import { MASK } from '../core/secrets.ts';
import { diskFailureIn, OperatorError } from '../errors.ts';
import { childEnvironment, type User } from './child-environment.ts';
import { watchLines } from './lines.ts';
import { lockForChildren } from './lock.ts';

/** How a command is run. Times in seconds. */
export interface ExecOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** In all; then it is ended. */
  readonly timeoutSeconds: number;
  /** Without a line of output; then it is ended. */
  readonly idleSeconds?: number;
  /** Asks the command to end (SIGTERM, after 10 s SIGKILL). */
  readonly signal?: AbortSignal;
  /** Run as this user, with no other groups; as ourselves if left out. */
  readonly user?: User;
  /** What it reads on stdin; nothing if left out. */
  readonly input?: string | Uint8Array;
  /** `latin1`: output with names of files, which are bytes, has one character for each. */
  readonly encoding?: 'utf8' | 'latin1';
  /** A file, for us alone, that takes what it prints to stdout; nothing may be there. */
  readonly stdoutFile?: string;
  readonly watch?: Watch;
  /** It changes the host and may outlive us: it keeps the lock until it ends, which is within its time. */
  readonly keepsLock?: boolean;
  /** Exit codes that are answers, not failures. */
  readonly accept?: readonly number[];
}

/** Somebody who wants to see that things go on. */
export interface Watch {
  /** A command begins that ends, or shows a line, within this time. */
  started(limitSeconds: number): void;
  /** A line of stdout or stderr, as it comes; a carriage return ends one too. */
  line(text: string): void;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** A command that failed, was ended or could not be started. */
export class CommandError extends OperatorError {
  override name = 'CommandError';
  readonly stderr: string;
  /** What it exited with by itself; undefined when it was ended, or did not start. */
  readonly exitedWith: number | undefined;

  constructor(message: string, stderr: string, exitedWith?: number) {
    super(
      message,
      diskFailureIn(stderr)?.next ??
        'the last lines it printed say why; orchestrator-update doctor checks the host',
    );
    this.stderr = stderr;
    this.exitedWith = exitedWith;
  }
}

/** Keeps the last part of long output in messages. */
const TAIL_CHARACTERS = 2000;
const KILL_DELAY_MS = 10_000;
/** We end it first, while we are there: our message says more. */
const LIMIT_OF_ITS_OWN_LATER_SECONDS = 15;

/**
 * Runs a command, without a shell.
 *
 * @throws {CommandError} when it fails, takes too long or is stopped; with what it printed last.
 */
export async function exec(command: Command, options: ExecOptions): Promise<ExecResult> {
  if (options.stdoutFile === undefined) return run(command, options, 'pipe');
  // The command writes to it by itself: what may be larger than our memory does not go through us.
  const file = await open(options.stdoutFile, 'wx', 0o600);
  try {
    return { ...(await run(command, options, file.fd)), stdout: '' };
  } finally {
    await file.close();
  }
}

async function run(
  command: Command,
  options: ExecOptions,
  stdout: 'pipe' | number,
): Promise<ExecResult> {
  options.watch?.started(options.idleSeconds ?? options.timeoutSeconds);
  const keepsLock = options.keepsLock === true;
  // Ended by NUL or a newline, they are no lines for anybody to see.
  const isOfNames = options.encoding === 'latin1';
  const lock = [keepsLock ? lockForChildren() : undefined].filter(Number.isInteger);
  const started = keepsLock
    ? withTimeLimit(command, options.timeoutSeconds + LIMIT_OF_ITS_OWN_LATER_SECONDS)
    : command;
  const child = execa(started.file, started.args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
    env: { ...childEnvironment(options.user?.home), ...options.environment },
    extendEnv: false,
    // Execa's types do not have all descriptors; it takes every one that is open.
    stdio: [
      options.input === undefined ? 'ignore' : 'pipe',
      stdout as 'pipe',
      'pipe',
      ...(lock as 3[]),
    ],
    ...(options.input === undefined ? {} : { input: options.input }),
    encoding: options.encoding ?? 'utf8',
    // A NUL or a newline at the end is part of a list of names.
    stripFinalNewline: options.encoding === undefined,
    reject: false,
    // A group of its own: Ctrl-C reaches us alone, and a plugin it started is ended with it.
    detached: true,
    maxBuffer: 200_000_000,
    all: !isOfNames,
  });
  const end = endWhenDue(child, options);
  if (isOfNames) child.stdout?.on('data', end.touch);
  // One of them is there.
  watchLines(child.all ?? child.stderr, (line) => {
    end.touch();
    options.watch?.line(line);
  });
  const result = await child;
  end.stop();
  const code = result.exitCode;
  if (code !== undefined && (code === 0 || options.accept?.includes(code))) {
    return { stdout: result.stdout, stderr: result.stderr, exitCode: code };
  }
  const reason = end.reason();
  const why = reason ?? causeOf(result, options);
  const message = `${printable(command)}: ${why}${tail(result.all ?? result.stderr)}`;
  throw new CommandError(message, result.stderr, reason === undefined ? code : undefined);
}

/** Ends a command and all it started: when its time is up, when it is silent, when asked to. */
function endWhenDue(
  child: { readonly pid?: number | undefined },
  { timeoutSeconds, idleSeconds, signal }: ExecOptions,
): { touch(): void; stop(): void; reason(): string | undefined } {
  let reason: string | undefined;
  let killer: NodeJS.Timeout | undefined;
  const end = (why: string) => (): void => {
    if (reason !== undefined || child.pid === undefined) return;
    reason = why;
    const { pid } = child;
    signalGroup(pid, 'SIGTERM');
    killer = setTimeout(() => signalGroup(pid, 'SIGKILL'), KILL_DELAY_MS);
  };
  const stopped = end('was stopped');
  const total = setTimeout(
    end(`took longer than ${timeoutSeconds} s and was ended`),
    timeoutSeconds * 1000,
  );
  const idle =
    idleSeconds === undefined
      ? undefined
      : setTimeout(end(`printed nothing for ${idleSeconds} s and was ended`), idleSeconds * 1000);
  if (signal?.aborted) stopped();
  signal?.addEventListener('abort', stopped);
  return {
    touch: () => void idle?.refresh(),
    stop: () => {
      for (const timer of [total, idle, killer]) clearTimeout(timer);
      signal?.removeEventListener('abort', stopped);
    },
    reason: () => reason,
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function causeOf(
  result: {
    exitCode?: number | undefined;
    signal?: string | undefined;
    code?: string | undefined;
  },
  options: ExecOptions,
): string {
  const isThroughTimeout = options.keepsLock === true && result.exitCode === EXIT_NOT_FOUND;
  if (result.code === 'ENOENT' || isThroughTimeout) {
    const isElsewhere = options.cwd !== undefined && !existsSync(options.cwd);
    return isElsewhere ? `could not run: there is no ${options.cwd}` : 'is not installed';
  }
  if (result.signal !== undefined) return `was ended by ${result.signal}`;
  return result.exitCode === undefined
    ? `could not run (${result.code})`
    : `failed with exit code ${result.exitCode}`;
}

function tail(output: string | undefined): string {
  // What a progress bar has written over is nothing to read.
  const text = (output ?? '')
    .slice(-50 * TAIL_CHARACTERS)
    .replaceAll(/[^\r\n]*\r(?!\n)/g, '')
    .trim();
  if (text === '') return '';
  // Who masks secrets sees where one may begin in its middle.
  return text.length > TAIL_CHARACTERS ? `:\n${MASK}${text.slice(-TAIL_CHARACTERS)}` : `:\n${text}`;
}
