import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config/schema.ts';
import { checkMetrics, isSuccess, type CheckState } from './core/check-metrics.ts';
import { messageOf, OperatorError } from './errors.ts';
import { publishFile } from './host/published-file.ts';
import type { Made } from './publish-report.ts';
import { files } from './state-names.ts';

/** What was published last. */
interface Published {
  /** Of what the report and most metrics were made. */
  readonly signature: string;
  /** The metrics that have not changed since. */
  readonly metrics: string;
  readonly successAtMs?: number;
}

/** What a run has to say, and where things are. */
export interface Publication {
  readonly config: Config;
  readonly stateDirectory: string;
  /** Of Docker. */
  readonly socket: string;
  readonly state: CheckState;
  readonly now: Date;
}

/**
 * Publishes how a run ended. After most runs only the few metrics that each run has news of are other than before: the
 * report and the rest are made anew where a file of which they are made has changed. What a monitor watches by is
 * published also where the report is not.
 *
 * @throws where a file cannot be written there
 */
export async function publishCheck(publication: Publication): Promise<void> {
  const { config, stateDirectory, state, now } = publication;
  const path = join(stateDirectory, files.published);
  const kept = readPublished(path);
  const signature = signatureOf(publication);
  const isThere = config.report.path === undefined || timeOf(config.report.path) !== 0;
  const isSame = isThere && kept?.signature === signature;
  const made: Made = isSame ? kept : await publishAnew(publication, kept);
  const { metrics, failure } = made;
  const successAtMs = isSuccess(state) ? now.getTime() : kept?.successAtMs;
  let metricsFailure: unknown;
  if (config.metrics.path !== undefined) {
    const check = checkMetrics({ atMs: now.getTime(), state, successAtMs });
    metricsFailure = await publishFile(config.metrics.path, check + metrics).then(
      () => undefined,
      (error: unknown) => error,
    );
  }
  if (isSame && config.metrics.path === undefined) return;
  // Last: what could not be written is written by the next run.
  const success = successAtMs === undefined ? {} : { successAtMs };
  keep(path, { signature: failure === undefined ? signature : '', metrics, ...success });
  const failures = [failure, metricsFailure].filter((one) => one !== undefined);
  if (failures.length > 0) throw asOne(failures);
}

/** One does not hide the other. */
function asOne(failures: readonly unknown[]): unknown {
  const [first, ...more] = failures;
  if (more.length === 0) return first;
  const next = failures
    .map((one) => (one instanceof OperatorError ? one.next : ''))
    .filter(Boolean);
  return new OperatorError(failures.map(messageOf).join('; '), next.join('; '));
}

/** Not synced, which most runs would wait for: without it all is made anew. */
function keep(path: string, published: Published): void {
  writeFileSync(`${path}.new`, JSON.stringify(published), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Where no report can be made, the metrics of the last one stay. */
async function publishAnew(
  { config, stateDirectory, socket, now }: Publication,
  kept: Published | undefined,
): Promise<Made> {
  try {
    const { publishReport } = await import('./publish-report.ts');
    return await publishReport({ stateDirectory, config, socket, now });
  } catch (failure) {
    return { metrics: kept?.metrics ?? '', failure };
  }
}

/** Files and directories in the state of which the report tells. */
const sources = [
  files.deployed,
  files.quarantine,
  files.hold,
  files.awaiting,
  files.approval,
  files.needsOperator,
  files.active,
  files.verification,
  files.engineRecord,
  files.engineTransaction,
  files.engineCheck,
  files.transactions,
] as const;

/** Another text where any of what the report is made of has changed. */
function signatureOf({ config, stateDirectory, state }: Publication): string {
  const paths = [...sources.map((name) => join(stateDirectory, name)), config.backups_dir];
  const { report, metrics, project_name: project, branch } = config;
  return JSON.stringify([
    import.meta.url,
    paths.map(timeOf),
    [report.path, metrics.path, project, branch, state],
  ]);
}

/** When it was changed last, in milliseconds since 1970; 0 where it is not there. */
function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function readPublished(path: string): Published | undefined {
  try {
    const { signature, metrics, successAtMs } = JSON.parse(
      readFileSync(path, 'utf8'),
    ) as Partial<Published>;
    if (typeof signature !== 'string' || typeof metrics !== 'string') return undefined;
    return {
      signature,
      metrics,
      ...(typeof successAtMs === 'number' ? { successAtMs } : {}),
    };
  } catch {
    return undefined;
  }
}
