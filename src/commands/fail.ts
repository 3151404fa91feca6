import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from '../command-table.ts';
import { foreseen, messageOf, OperatorError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { chooseStream, createQuickLog } from '../host/log.ts';
import { files } from '../state-names.ts';
import type { Door } from './context.ts';
import { endSoon } from './tell-waiting.ts';
import { raiseFailure } from './tell.ts';

/**
 * Says why a run came to no outcome, in the journal too. A signal has its own exit code, unless an
 * operator is needed all the same.
 *
 * @throws the error itself where there is no journal: the command line says it
 */
export async function fail(thrown: unknown, invocation: Invocation, door: Door): Promise<ExitCode> {
  const error = foreseen(thrown);
  const stream = chooseStream(invocation.environment);
  const isForeseen = error instanceof OperatorError;
  const needsOperator = isForeseen && error.exitCode === exitCodes.operator;
  const signal = needsOperator ? undefined : door.stop.requestedBy();
  const isUnfinished = existsSync(join(invocation.settings.stateDirectory, files.active));
  const left = isUnfinished ? 'an update is unfinished' : 'nothing was changed';
  const message = signal === undefined ? messageOf(error) : `interrupted by ${signal}; ${left}`;
  endSoon(door.notifier, message);
  if (signal === undefined) await raiseFailure(error, invocation);
  if (stream !== 'journal' && signal === undefined) throw error;
  const log = createQuickLog({ stream, debug: false });
  const what = signal === undefined ? 'failed' : 'interrupted';
  log.error(message, { event: needsOperator ? 'needs operator' : what });
  if (signal === undefined && isForeseen) log.info(`next: ${error.next}`);
  if (signal !== undefined && isUnfinished) log.info('next: orchestrator-update recover');
  if (!isForeseen && error instanceof Error) log.error(error.stack ?? '');
  await log.flush();
  if (signal !== undefined) return exitCodes.interrupted;
  return isForeseen ? error.exitCode : exitCodes.failed;
}
