import { reportMetrics } from './core/metrics.ts';
import { reportPage } from './core/report-page.ts';
import { countRuns, parseCounts, type RunCounts } from './core/run-counts.ts';
import type { StateHost } from './host/host.ts';
import { publishFile } from './host/published-file.ts';
import { openStateFiles } from './host/state-files.ts';
import { readReport, RUNS_TOLD, type ReportSource } from './read-report.ts';
import { readTransaction } from './records.ts';
import { files } from './state-names.ts';

/** What was made of the state. */
export interface Made {
  /** Those that change only when something was done. */
  readonly metrics: string;
  /** Why the page could not be written; undefined where it was, or none is configured. */
  readonly failure?: unknown;
}

/** Writes the page where it is configured. A page that cannot be written keeps no metrics. */
export async function publishReport({
  stateDirectory,
  ...source
}: Omit<ReportSource, 'state'> & { readonly stateDirectory: string }): Promise<Made> {
  const { config } = source;
  const state = openStateFiles(stateDirectory);
  const data = await readReport({ ...source, state }, RUNS_TOLD);
  const metrics = reportMetrics(data, await count(state));
  if (config.report.path === undefined) return { metrics };
  try {
    await publishFile(config.report.path, reportPage(data));
    return { metrics };
  } catch (failure) {
    return { metrics, failure };
  }
}

/** Counts what has ended since it was counted last. */
async function count(state: StateHost): Promise<RunCounts> {
  const before = parseCounts(await state.read(files.counts));
  const ids = await state.list(files.transactions);
  const fresh = ids.filter((id) => !before.counted.includes(id));
  const read = await Promise.all(fresh.map((id) => readTransaction(state, id)));
  const counts = countRuns(
    before,
    ids,
    read.filter((one) => one !== undefined),
  );
  await state.write(files.counts, `${JSON.stringify(counts)}\n`);
  return counts;
}
