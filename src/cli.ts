import { parseArgs } from 'node:util';
import { deliverWaiting, telling, TELLING_SECONDS } from './commands/tell-waiting.ts';
import { commands, globalOptions, type CommandEntry, type Invocation } from './command-table.ts';
import { nearestName } from './config/nearest.ts';
import { foreseen, messageOf, OperatorError, UsageError } from './errors.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { commandHelp, generalHelp } from './help.ts';
import { readSettings } from './settings.ts';

/** Runs one command line and returns the exit code. Never throws. */
export async function runCli(argv: readonly string[]): Promise<ExitCode> {
  const asJson = argv.includes('--json');
  try {
    return await dispatch(argv);
  } catch (error) {
    return reportError(error, asJson);
  }
}

async function dispatch(argv: readonly string[]): Promise<ExitCode> {
  const [name = '--help', ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    const [topic] = rest.filter((word) => !word.startsWith('-'));
    print(topic === undefined ? generalHelp(commands) : commandHelp(commandNamed(topic)));
    return exitCodes.done;
  }
  if (name === '--version' || name === 'version') {
    const { version } = await import('./version.ts');
    print(version());
    return exitCodes.done;
  }
  const command = commandNamed(name);
  const { values, positionals } = parse(rest, command);
  if (values['help'] === true) {
    print(commandHelp(command));
    return exitCodes.done;
  }
  const { run } = await command.load();
  const invocation: Invocation = {
    settings: readSettings(values, process.env),
    environment: process.env,
    flags: values as Invocation['flags'],
    positionals,
    json: values['json'] === true,
  };
  let exitCode: ExitCode = exitCodes.failed;
  try {
    exitCode = await run(invocation);
    return exitCode;
  } finally {
    // A good outcome systemd was told: nobody waits for a server that hangs. Of another it knows when we have ended.
    const isGood = exitCode === exitCodes.done || exitCode === exitCodes.waiting;
    if (telling.has(name)) await deliverWaiting(invocation, isGood ? Infinity : TELLING_SECONDS);
  }
}

function parse(
  args: readonly string[],
  command: CommandEntry,
): { values: Record<string, unknown>; positionals: string[] } {
  try {
    const options = { ...globalOptions, ...command.options };
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true });
    const extra = parsed.positionals[command.words ?? 0];
    if (extra !== undefined) throw new Error(`unexpected word: ${extra}`);
    return parsed;
  } catch (error) {
    const usage = `usage: orchestrator-update ${command.usage}`;
    throw new UsageError(`${messageOf(error).split('. ')[0]}`, usage);
  }
}

function commandNamed(name: string): CommandEntry {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) return command;
  const close = nearestName(name, Object.keys(commands));
  const hint = close === undefined ? '' : ` (did you mean ${close}?)`;
  throw new UsageError(`unknown command ${name}${hint}`);
}

function reportError(thrown: unknown, asJson: boolean): ExitCode {
  const error = foreseen(thrown);
  const isForeseen = error instanceof OperatorError;
  const exitCode = isForeseen ? error.exitCode : exitCodes.failed;
  const next = isForeseen ? error.next : 'run it again with --debug, and report it with the output';
  if (asJson) print(JSON.stringify({ error: messageOf(error), next, exitCode }, undefined, 2));
  else process.stderr.write(`orchestrator-update: ${messageOf(error)}\nnext: ${next}\n`);
  if (!isForeseen && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return exitCode;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
