import type { Invocation } from '../command-table.ts';
import { readCachedConfig } from '../config/cached.ts';
import type { CheckState } from '../core/check-metrics.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { chooseStream, createQuickLog, type Log } from '../host/log.ts';
import { readConfig, type Door } from './context.ts';

/** Writes the report and the metrics where they are configured. What goes wrong with it changes no outcome. */
export async function publish(invocation: Invocation, state: CheckState, log: Log): Promise<void> {
  const { settings, environment } = invocation;
  try {
    const config = readCachedConfig(settings, environment) ?? (await readConfig(invocation));
    // One that an earlier version of this program remembers has neither.
    if (config.report?.path === undefined && config.metrics?.path === undefined) return;
    const { publishCheck } = await import('../publish-check.ts');
    await publishCheck({
      config,
      stateDirectory: settings.stateDirectory,
      socket: dockerSocket(environment),
      state,
      now: new Date(),
    });
  } catch (error) {
    log.warn(`the report and the metrics could not be written: ${messageOf(error)}`);
    if (error instanceof OperatorError && error.next !== '') log.info(`next: ${error.next}`);
  }
}

/** The same for a run that came to no outcome; not where another run is under way, which tells its own. */
export async function publishFailure(
  error: unknown,
  invocation: Invocation,
  door: Door,
): Promise<void> {
  const exitCode = error instanceof OperatorError ? error.exitCode : exitCodes.failed;
  if (exitCode === exitCodes.locked || exitCode === exitCodes.usage) return;
  const log = createQuickLog({ stream: chooseStream(invocation.environment), debug: false });
  const isStopped = door.stop.requestedBy() !== undefined;
  const isForOperator = exitCode === exitCodes.operator;
  await publish(
    invocation,
    isForOperator ? 'needs operator' : isStopped ? 'interrupted' : 'failed',
    log,
  );
}
