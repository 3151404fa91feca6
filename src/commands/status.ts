import { join } from 'node:path';
import { systemctlShow } from '../argv/systemctl.ts';
import type { Invocation } from '../command-table.ts';
import type { Config } from '../config/schema.ts';
import { shortDigest } from '../core/moved-image.ts';
import { masked } from '../core/secret-values.ts';
import { messageOf } from '../errors.ts';
import { heldBack } from '../schedule.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { BackupManifest } from '../host/backup-host.ts';
import { listBackups } from '../host/backups.ts';
import { exec } from '../host/exec.ts';
import { isManaged } from '../host/host-service.ts';
import { isAtWork } from '../host/lock.ts';
import { remoteTip } from '../host/remote-tip.ts';
import { findRepository } from '../host/repository.ts';
import { openStateFiles } from '../host/state-files.ts';
import { readImageQuarantine } from '../image-records.ts';
import { short } from '../outcome.ts';
import {
  readActive,
  readAllWithMaterial,
  readDeployed,
  readHold,
  readNeedsOperator,
  readQuarantine,
  readVerifications,
  secretsOfReleases,
} from '../records.ts';
import { files } from '../state-names.ts';
import { approvalStatus, awaitingText, type ApprovalStatus } from './approval-status.ts';
import { readConfig } from './context.ts';
import { readEngineNews, type EngineNews } from './engine-row.ts';
import { historyEntry, type HistoryEntry } from './history.ts';
import { openScreen } from './screen.ts';
import { statusText } from './status-text.ts';
import { verificationStatus, type VerificationStatus } from './verification-status.ts';

/** What `status --json` says. */
export interface Status {
  readonly project: string;
  readonly branch: string;
  readonly deployed: { readonly commit: string; readonly at: string } | null;
  readonly waiting: string | null;
  /** Whether a person has approved what waits, where it needed that. */
  readonly approved: boolean;
  /** The plan that waits for a person, or that one has approved. */
  readonly awaiting: ApprovalStatus | null;
  readonly remoteError: string | null;
  readonly last: HistoryEntry | null;
  /** The newest backup. */
  readonly backup: BackupManifest | null;
  readonly backupsKept: number;
  /** The last verification of a backup, and what is wrong with one. */
  readonly verification: VerificationStatus;
  readonly underWay: string | null;
  readonly nextTimerRun: string | null;
  readonly holds: readonly string[];
  readonly engine: EngineNews;
}

const UNFINISHED = 'an update was cut off and is not finished or taken back yet';

/** `status`: what is deployed, what waits, how the last run ended, what holds updates back. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const config = await readConfig(invocation);
  const status = await gather(invocation, config);
  const text = invocation.json
    ? JSON.stringify(status, undefined, 2)
    : statusText(status, openScreen());
  process.stdout.write(`${text}\n`);
  return status.holds.some((hold) => /^an (operator|update)/.test(hold))
    ? exitCodes.operator
    : exitCodes.done;
}

async function gather(invocation: Invocation, config: Config): Promise<Status> {
  const state = openStateFiles(invocation.settings.stateDirectory);
  const deployed = await readDeployed(state);
  const kept = await readAllWithMaterial(state);
  const last = kept[0]?.transaction;
  const secrets = secretsOfReleases(kept);
  const shown = (text: string): string => masked(text, secrets);
  const active = await readActive(state);
  const { tip, head, error } = await askGit(config);
  const at = deployed?.commit ?? head;
  const timer = await readTimer();
  const backups = await listBackups(config.backups_dir);
  const quarantined = (await readQuarantine(state)).find(({ commit }) => commit === tip);
  const latched = await readNeedsOperator(state);
  const back = heldBack(await readHold(state), config.schedule, {
    now: new Date(),
    isAutomatic: true,
  });
  const asked = quarantined ? null : await approvalStatus(state, { from: at, to: tip });
  const awaiting = asked && { ...asked, because: asked.because.map(shown) };
  const holds = [
    ...(latched ? [`an operator is needed: ${shown(latched.reason)}`] : []),
    ...(active && !isAtWork(join(invocation.settings.stateDirectory, files.lock))
      ? [`${UNFINISHED}: orchestrator-update recover`]
      : []),
    ...(quarantined
      ? [`${short(quarantined.commit)} is quarantined: ${shown(quarantined.reason)}`]
      : []),
    ...(await readImageQuarantine(state))
      .filter(({ isPast }) => isPast !== true)
      .map(
        ({ reference, digest, reason }) =>
          `${reference} (${shortDigest(digest)}) is quarantined: ${shown(reason)}`,
      ),
    ...(awaiting && awaiting.approved === null ? [awaitingText(awaiting)] : []),
    ...(back ? [`${back.why}: ${back.next}`] : []),
    ...(timer.active || isManaged(invocation.settings.stateDirectory)
      ? []
      : ['the timer is stopped: systemctl start orchestrator-update.timer']),
  ];
  return {
    project: config.project_name,
    branch: config.branch,
    deployed: deployed ? { commit: deployed.commit, at: deployed.at } : null,
    waiting: tip !== undefined && tip !== at ? tip : null,
    approved: awaiting !== null && awaiting.approved !== null,
    awaiting,
    remoteError: error ?? null,
    last: last ? historyEntry(last, backups, secrets) : null,
    backup: backups[0] ?? null,
    backupsKept: backups.length,
    verification: verificationStatus(await readVerifications(state)),
    underWay: active?.id ?? null,
    nextTimerRun: timer.next,
    holds,
    engine: await readEngineNews(state),
  };
}

/** The tip of the branch, and what the work tree is at: before the first run that is what is deployed. */
async function askGit(config: Config): Promise<{ tip?: string; head?: string; error?: string }> {
  try {
    const { directory, owner } = await findRepository(config);
    const args = ['rev-parse', 'HEAD'];
    const { stdout } = await exec(
      { file: 'git', args },
      { cwd: directory, user: owner, timeoutSeconds: 10 },
    );
    const { remote, branch } = config;
    const tip = await remoteTip(
      { repository: directory, remote, branch, owner },
      { timeoutSeconds: Math.min(10, config.timeouts.remote_seconds) },
    );
    return { tip, head: stdout.trim() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

async function readTimer(): Promise<{ active: boolean; next: string | null }> {
  const command = systemctlShow('orchestrator-update.timer', [
    'ActiveState',
    'NextElapseUSecRealtime',
  ]);
  const { stdout } = await exec(command, { timeoutSeconds: 10 }).catch(() => ({ stdout: '' }));
  const values = new Map(
    stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const next = values.get('NextElapseUSecRealtime') ?? '';
  return { active: values.get('ActiveState') === 'active', next: next === '' ? null : next };
}
