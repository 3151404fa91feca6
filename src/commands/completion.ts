import type { Invocation } from '../command-table.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { vocabulary } from '../completion/vocabulary.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { keyInfos } from '../config/keys.ts';
import { UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `completion bash|zsh|fish`: needs no configuration, and nobody's rights. */
export function run(invocation: Invocation): Promise<ExitCode> {
  const [shell] = invocation.positionals;
  if (shell === undefined || !Object.hasOwn(shells, shell)) {
    throw new UsageError(
      shell === undefined
        ? 'completion needs a verb: bash, zsh or fish'
        : `unknown verb: completion ${shell}`,
      'orchestrator-update completion --help',
    );
  }
  process.stdout.write(shells[shell as keyof typeof shells](vocabulary(keyInfos())));
  return Promise.resolve(exitCodes.done);
}
