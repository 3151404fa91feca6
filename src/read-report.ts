import { hostname } from 'node:os';
import { readAwaiting } from './approval-records.ts';
import { approvalStatus } from './commands/approval-status.ts';
import { readEngineNews } from './commands/engine-row.ts';
import type { Config } from './config/schema.ts';
import type { Transaction } from './core/journal.ts';
import {
  makeReport,
  type ReportData,
  type ReportEngine,
  type ReportQuarantine,
} from './core/report.ts';
import { readImageQuarantine } from './image-records.ts';
import { readEngineRecord } from './engine-records.ts';
import { listBackups } from './host/backups.ts';
import { openEngineApi } from './host/engine-api.ts';
import type { StateHost } from './host/host.ts';
import {
  readActive,
  readAllWithMaterial,
  readDeployed,
  readHold,
  readNeedsOperator,
  readQuarantine,
  readVerifications,
  secretsOfReleases,
} from './records.ts';
import { heldBack } from './schedule.ts';
import { version } from './version.ts';

/** So many runs are told of, unless a person says otherwise. */
export const RUNS_TOLD = 20;
/** A Docker that does not answer does not keep the report. */
const ENGINE_SECONDS = 3;

/** Where a report is read from. */
export interface ReportSource {
  readonly state: StateHost;
  readonly config: Config;
  /** Of Docker. */
  readonly socket: string;
  readonly now: Date;
}

/** Reads what a report is made of; talks to Docker, and to no network. */
export async function readReport(source: ReportSource, runs: number): Promise<ReportData> {
  const { state, config, now } = source;
  const { transactions, secrets } = await newest(state, runs);
  return makeReport({
    madeAt: now.toISOString(),
    version: version(),
    host: hostname(),
    project: config.project_name,
    branch: config.branch,
    deployed: await readDeployed(state),
    holds: await holdsIn(source),
    needsOperator: (await readNeedsOperator(state))?.reason,
    transactions,
    quarantine: await quarantineIn(state),
    backups: await listBackups(config.backups_dir),
    verification: await readVerifications(state),
    engine: await readEngine(source),
    secrets,
  });
}

async function newest(
  state: StateHost,
  limit: number,
): Promise<{ readonly transactions: Transaction[]; readonly secrets: string[] }> {
  const all = await readAllWithMaterial(state, limit);
  return {
    transactions: all.map(({ transaction }) => transaction),
    secrets: secretsOfReleases(all),
  };
}

async function quarantineIn(state: StateHost): Promise<ReportQuarantine[]> {
  const [releases, images] = [await readQuarantine(state), await readImageQuarantine(state)];
  return [
    ...releases.map(({ commit, reason, at }) => ({ commit, image: null, reason, at })),
    ...images
      .filter(({ isPast }) => isPast !== true)
      .map(({ reference, digest, reason, at }) => ({
        commit: null,
        image: { reference, digest },
        reason,
        at,
      })),
  ];
}

/** Why updates wait; not because of a window, which opens by itself. */
async function holdsIn({ state, now }: ReportSource): Promise<string[]> {
  const always = { windows: [], freezes: [] };
  const back = heldBack(await readHold(state), always, { now, isAutomatic: false });
  const told = await readAwaiting(state);
  // Before anything was recorded, what is left is what was found.
  const from = (await readDeployed(state))?.commit ?? told?.from;
  const awaiting = await approvalStatus(state, { from, to: told?.commit });
  const active = await readActive(state);
  return [
    ...(active ? ['an update is under way, or was cut off'] : []),
    ...(back ? [back.why] : []),
    ...(awaiting?.approved === null
      ? [`${awaiting.commit.slice(0, 12)} waits for approval: ${awaiting.because.join('; ')}`]
      : []),
  ];
}

async function readEngine({ state, socket }: ReportSource): Promise<ReportEngine> {
  const { available, isUnfinished } = await readEngineNews(state);
  const ask = openEngineApi(socket, ENGINE_SECONDS);
  const answer = await ask('GET', '/version').catch(() => undefined);
  const said = (answer?.body ?? {}) as { readonly Version?: unknown };
  return {
    version: typeof said.Version === 'string' ? said.Version : '',
    available,
    isUnfinished,
    upgradedAt: (await readEngineRecord(state))?.at ?? null,
  };
}
