import { stat, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Command } from './argv/command.ts';
import { composeVersion } from './argv/compose.ts';
import { systemctlShow } from './argv/systemctl.ts';
import type { Invocation } from './command-table.ts';
import { readConfig } from './commands/context.ts';
import type { Config } from './config/schema.ts';
import { REPLACED_LABEL } from './core/swap.ts';
import { lastVerification, overdue, type Verification } from './core/verification.ts';
import { engineHolds } from './doctor-engine.ts';
import { targetFindings } from './doctor-notify.ts';
import { towerFindings } from './doctor-watchtower.ts';
import { messageOf, OperatorError } from './errors.ts';
import type { BackupManifest } from './host/backup-host.ts';
import { listBackups } from './host/backups.ts';
import { openEngineApi } from './host/engine-api.ts';
import { dockerSocket } from './host/engine-socket.ts';
import { volumeActs } from './host/engine-mounts.ts';
import { exec } from './host/exec.ts';
import { isManaged } from './host/host-service.ts';
import { createHistory } from './host/history.ts';
import { hiddenSecret } from './host/secret-file.ts';
import { probe } from './host/http.ts';
import { remoteTip } from './host/remote-tip.ts';
import { findRepository } from './host/repository.ts';
import { openStateFiles } from './host/state-files.ts';
import { short } from './outcome.ts';
import { readVerifications } from './records.ts';

/** One thing the program needs, and how to mend it if it is not there. */
export interface Finding {
  readonly state: 'ok' | 'warning' | 'missing';
  readonly subject: string;
  readonly detail: string;
  /** A command to type. */
  readonly mend?: string;
}

type Check = (config: Config) => Promise<Finding>;

/** Below this a backup and new images hardly fit. */
const LOW_DISK_BYTES = 1e9;

/** Looks at everything; one thing that is missing does not hide the next. */
export async function examine(invocation: Invocation): Promise<Finding[]> {
  const general = await Promise.all([
    root(),
    program('git', { file: 'git', args: ['--version'] }, 'apt-get install git'),
    program('rsync', { file: 'rsync', args: ['--version'] }, 'apt-get install rsync'),
    docker(),
    program(
      'docker compose',
      composeVersion,
      'apt-get install docker-compose    # or docker-compose-plugin',
    ),
    systemd(invocation.settings.stateDirectory),
  ]);
  try {
    const config = await readConfig(invocation);
    const file = invocation.settings.configFile;
    const good: Finding = { state: 'ok', subject: 'configuration', detail: file };
    const { cacheDirectory, stateDirectory } = invocation.settings;
    const checks = [
      ...clusterChecks,
      historyCheck(cacheDirectory),
      verificationCheck(stateDirectory),
    ];
    const rest = await Promise.all(checks.map((check) => check(config)));
    return [
      ...general,
      good,
      ...rest,
      ...(await replacedData()),
      ...(await engineHolds()),
      ...(await towerFindings(config, stateDirectory)),
      ...(await targetFindings(config, stateDirectory)),
      ...(await probes(config)),
    ];
  } catch (error) {
    return [...general, failed('configuration', error)];
  }
}

const clusterChecks: readonly Check[] = [
  async (config) => {
    try {
      const { directory, owner } = await findRepository(config);
      const { remote, branch, timeouts } = config;
      const tip = await remoteTip(
        { repository: directory, remote, branch, owner },
        { timeoutSeconds: timeouts.remote_seconds },
      );
      const detail = `${directory} follows ${remote}/${branch}, now at ${short(tip)}`;
      return { state: 'ok', subject: 'git repository', detail };
    } catch (error) {
      return failed('git repository', error);
    }
  },
  async (config) => {
    const { project_dir: directory } = config;
    const found = await stat(directory).catch(() => undefined);
    if (found?.isDirectory())
      return { state: 'ok', subject: 'project directory', detail: directory };
    return {
      state: 'missing',
      subject: 'project directory',
      detail: `${directory} is not there`,
      mend: 'set project_dir in the configuration',
    };
  },
  async (config) => {
    const disk = await statfs(config.backups_dir).catch(() => statfs(config.root));
    const free = disk.bavail * disk.bsize;
    const detail = `${Math.floor(free / 1e6)} MB free for ${config.backups_dir}`;
    if (free >= LOW_DISK_BYTES) return { state: 'ok', subject: 'disk space', detail };
    return {
      state: 'warning',
      subject: 'disk space',
      detail,
      mend: `du -sh ${config.backups_dir}/*`,
    };
  },
  async (config) => {
    const label = `label=com.docker.compose.project=${config.project_name}`;
    const args = ['ps', '--filter', label, '--format', '{{.ID}}'];
    const { stdout } = await exec({ file: 'docker', args }, { timeoutSeconds: 30 }).catch(() => ({
      stdout: '',
    }));
    const count = stdout.split('\n').filter((line) => line !== '').length;
    const detail = `${count} containers of project ${config.project_name} run`;
    if (count > 0) return { state: 'ok', subject: 'cluster', detail };
    return {
      state: 'warning',
      subject: 'cluster',
      detail,
      mend: 'docker compose ls    # project_name in the configuration must be the running one',
    };
  },
];

/** The history of backups: whether restic is there, and the repository can be read and written. */
function historyCheck(cacheDirectory: string): Check {
  const subject = 'history of backups';
  return async (config) => {
    const history = createHistory({
      config: config.backup.history,
      project: config.project_name,
      host: hostname(),
      cacheDirectory,
      now: () => new Date(),
      signal: () => undefined,
      watch: { started: () => {}, line: () => {} },
      onProgress: () => {},
    });
    if (history === undefined) return { state: 'ok', subject, detail: 'none is configured' };
    const { password_file: file = '' } = config.backup.history;
    const shown = [config.root, config.project_dir, config.backups_dir];
    const hidden = hiddenSecret(file, 'backup.history.password_file', shown);
    if (hidden) return failed(subject, hidden);
    const { problem, snapshots, isMade, locks } = await history.state();
    if (problem) return failed(subject, problem);
    const place = config.backup.history.repository ?? '';
    if (!isMade) return { state: 'ok', subject, detail: `${place} is made by the next backup` };
    const held = locks.length > 0 ? `; locked by ${locks.join(', ')}` : '';
    return { state: 'ok', subject, detail: `${snapshots.length} snapshots in ${place}${held}` };
  };
}

/** Whether the newest backup was verified as often as it should be, and was good. */
function verificationCheck(stateDirectory: string): Check {
  const subject = 'verification of backups';
  return async ({ backup, backups_dir }) => {
    try {
      const record = await readVerifications(openStateFiles(stateDirectory));
      const [newest] = await listBackups(backups_dir);
      const madeAtMs = Date.parse(newest?.createdAt ?? '');
      const wrong = overdue(record, backup.verify, madeAtMs, Date.now());
      if (wrong !== undefined) return { state: 'warning', subject, ...wrong };
      const isOff = backup.verify.sample_days === 0 || backup.verify.sample_percent === 0;
      const detail = `${verifiedText(newest, lastVerification(record))}${isOff ? '; no part of it is read by the timer' : ''}`;
      return { state: 'ok', subject, detail };
    } catch (error) {
      return failed(subject, error);
    }
  };
}

function verifiedText(newest: BackupManifest | undefined, last: Verification | undefined): string {
  if (newest === undefined) return 'there is no backup yet';
  if (!last?.backup) return 'none was made yet; the newest backup was compared when it was made';
  return `${last.backup} was good at ${new Date(last.atMs).toISOString()}`;
}

async function probes(config: Config): Promise<Finding[]> {
  const results = await Promise.all(
    config.health.urls.map((url) => probe(url, config.health.probe_timeout_seconds)),
  );
  return results.map(({ url, ok, detail }) =>
    ok
      ? { state: 'ok', subject: url, detail }
      : {
          state: 'warning',
          subject: url,
          detail,
          mend: 'docker compose ps    # or set health.urls in the configuration',
        },
  );
}

async function root(): Promise<Finding> {
  if (process.getuid?.() === 0) return { state: 'ok', subject: 'user', detail: 'root' };
  return {
    state: 'missing',
    subject: 'user',
    detail: 'not root',
    mend: 'sudo orchestrator-update doctor',
  };
}

async function program(name: string, command: Command, mend: string): Promise<Finding> {
  try {
    const { stdout } = await exec(command, { timeoutSeconds: 30 });
    return { state: 'ok', subject: name, detail: stdout.split('\n')[0] ?? '' };
  } catch {
    return { state: 'missing', subject: name, detail: 'is not installed or does not run', mend };
  }
}

async function docker(): Promise<Finding> {
  try {
    const { body } = await openEngineApi(dockerSocket(process.env), 10)('GET', '/version');
    const version = String((body as { Version?: unknown }).Version);
    return { state: 'ok', subject: 'docker', detail: `the engine answers, version ${version}` };
  } catch (error) {
    return failed('docker', error);
  }
}

/** What a restore has put aside takes room until a person removes it. */
async function replacedData(): Promise<Finding[]> {
  const kept = volumeActs(openEngineApi(dockerSocket(process.env), 10)).volumes();
  const volumes = await kept.catch(() => []);
  const names = volumes.flatMap(({ name, labels }) => (labels[REPLACED_LABEL] ? [name] : []));
  if (names.length === 0) return [];
  const detail = `what a restore has put aside is kept in ${names.join(', ')}`;
  const mend = `docker volume rm ${names.join(' ')}    # when nobody needs it any more`;
  return [{ state: 'warning', subject: 'replaced data', detail, mend }];
}

async function systemd(stateDirectory: string): Promise<Finding> {
  const subject = 'timer';
  if (isManaged(stateDirectory)) {
    return { state: 'ok', subject, detail: 'the update manager is at work in its place' };
  }
  const command = systemctlShow('orchestrator-update.timer', ['LoadState', 'ActiveState']);
  const { stdout } = await exec(command, { timeoutSeconds: 10 }).catch(() => ({ stdout: '' }));
  if (stdout.includes('ActiveState=active')) return { state: 'ok', subject, detail: 'is running' };
  if (stdout.includes('LoadState=loaded')) {
    const mend =
      'systemctl enable --now orchestrator-update.timer    # unless it is stopped on purpose';
    return { state: 'warning', subject, detail: 'is stopped: no automatic updates', mend };
  }
  const mend = 'sudo ./install/install_update_service.sh';
  return { state: 'warning', subject, detail: 'is not installed', mend };
}

function failed(subject: string, error: unknown): Finding {
  const mend = error instanceof OperatorError ? { mend: error.next } : {};
  return { state: 'missing', subject, detail: messageOf(error), ...mend };
}
