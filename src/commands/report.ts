import { resolve } from 'node:path';
import type { Invocation } from '../command-table.ts';
import { reportPage } from '../core/report-page.ts';
import { reportText } from '../core/report-text.ts';
import { OperatorError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { publishFile } from '../host/published-file.ts';
import { openStateFiles } from '../host/state-files.ts';
import { readReport, RUNS_TOLD } from '../read-report.ts';
import { readConfig } from './context.ts';

/** `report`: the last runs, and how the host stands: as text, as data, or as a page in a file. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const { settings, environment, flags, json } = invocation;
  const file = flags['html'];
  if (file !== undefined && (typeof file !== 'string' || file === '')) {
    throw new UsageError('--html: a file is expected');
  }
  const limit = Number(flags['limit'] ?? RUNS_TOLD);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new UsageError(`--limit ${String(flags['limit'])}: a number from 1 is expected`);
  }
  if (process.getuid?.() !== 0) {
    throw new OperatorError('this command needs to be root', 'sudo orchestrator-update report …');
  }
  const config = await readConfig(invocation);
  const state = openStateFiles(settings.stateDirectory);
  const source = { state, config, socket: dockerSocket(environment), now: new Date() };
  const data = await readReport(source, limit);
  if (file !== undefined) await publishFile(resolve(file), reportPage(data));
  if (json) process.stdout.write(`${JSON.stringify(data, undefined, 2)}\n`);
  else if (file !== undefined) process.stdout.write(`${resolve(file)}\n`);
  else process.stdout.write(`${reportText(data).join('\n').trimEnd()}\n`);
  return exitCodes.done;
}
