import { stringify } from 'yaml';
import type { Invocation } from '../command-table.ts';
import { configDocs } from '../config/docs.ts';
import { keyInfos } from '../config/keys.ts';
import { UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readConfig } from './context.ts';

/** `config check|show|docs`. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const [verb, extra] = invocation.positionals;
  if (extra !== undefined) throw new UsageError(`unexpected word: ${extra}`);
  process.stdout.write(`${await textFor(verb, invocation)}\n`);
  return exitCodes.done;
}

async function textFor(verb: string | undefined, invocation: Invocation): Promise<string> {
  switch (verb) {
    case 'check': {
      await readConfig(invocation);
      const file = invocation.settings.configFile;
      return invocation.json ? JSON.stringify({ file, ok: true }) : `${file}: good`;
    }
    case 'show': {
      const config = await readConfig(invocation);
      return invocation.json ? JSON.stringify(config, undefined, 2) : stringify(config).trimEnd();
    }
    case 'docs':
      return invocation.json ? JSON.stringify(keyInfos(), undefined, 2) : configDocs();
    case undefined:
    default:
      throw new UsageError(
        verb === undefined
          ? 'config needs a verb: check, show or docs'
          : `unknown verb: config ${verb}`,
        'orchestrator-update config --help',
      );
  }
}
