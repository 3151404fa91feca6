import { execa } from 'execa';

/** What became of a command. `exitCode` is 124 after a timeout and 128 + signal after a signal. */
export type CommandResult = {
  exitCode: number;
  stdout: string;
  stderr: string;
};

export type CommandOptions = {
  /** Seconds until the command is killed; 60 unless told. */
  timeoutSeconds?: number;
  /** Text for standard input; without it standard input is empty. */
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Throw when the exit code is not 0. True unless told. */
  reject?: boolean;
};

export type Progress = (line: string) => void;

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Run one command on the outer machine. */
export async function command(
  file: string,
  args: string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { timeoutSeconds = 60, input, env = {}, cwd, reject = true } = options;
  const result = await execa(file, args, {
    reject: false,
    timeout: timeoutSeconds * 1000,
    forceKillAfterDelay: 2000,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...env, PATH: systemPath },
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (reject && result.failed) {
    const tail = `${result.stderr}\n${result.stdout}`.trim().split('\n').slice(-8).join('\n');
    throw new Error(`${result.shortMessage}\n${tail}`, { cause: result.cause });
  }
  return {
    exitCode: result.timedOut ? 124 : (result.exitCode ?? 137),
    stdout: result.stdout,
    stderr: result.stderr,
  };
}

/** True when the command ends with code 0. */
export async function succeeds(file: string, args: string[]): Promise<boolean> {
  return (await command(file, args, { reject: false })).exitCode === 0;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** Ask until the answer is defined; undefined when the time is up. */
export async function poll<T>(
  ask: () => Promise<T | undefined>,
  { timeoutSeconds, stepMs }: { timeoutSeconds: number; stepMs: number },
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || performance.now() > deadline) return answer;
    await sleep(stepMs);
  }
}
