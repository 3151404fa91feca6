import { resolve } from 'node:path';
import { execa } from 'execa';

const checkout = resolve(import.meta.dirname, '../..');

/** What a command line printed, and its exit code. */
export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

/** Runs the real program as a shell would, with its state in a directory of the test's. */
export async function runProgram(
  directory: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const program = [`${checkout}/node_modules/.bin/node`, `${checkout}/src/main.ts`] as const;
  const { stdout, stderr, exitCode } = await execa(program[0], [program[1], ...args], {
    cwd: directory,
    reject: false,
    extendEnv: false,
    timeout: 60_000,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: '/nonexistent',
      ORCHESTRATOR_UPDATE_STATE_DIR: `${directory}/state`,
      ORCHESTRATOR_UPDATE_CACHE_DIR: `${directory}/cache`,
      ORCHESTRATOR_UPDATE_CONFIG: `${directory}/update_config.yaml`,
      ...environment,
    },
  });
  return { stdout, stderr, exitCode };
}
