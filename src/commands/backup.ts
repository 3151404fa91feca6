import { backUp } from '../back-up.ts';
import type { Invocation } from '../cli.ts';
import { megabytes } from '../core/megabytes.ts';
import { currentCommit } from '../detect.ts';
import { RefusedError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { BackupManifest } from '../host/backup-host.ts';
import type { Host } from '../host/host.ts';
import { short } from '../outcome.ts';
import { readDeployed } from '../records.ts';
import { recover } from '../recover.ts';
import { resolveRelease } from '../release.ts';
import { verifyByRestore } from '../verify-restore.ts';
import { transactionName } from '../update.ts';
import { openContext, openDoor, withLock, type Context } from './context.ts';
import { tableLines } from './table.ts';

/** `backup create|list|show|verify|prune`. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const [verb, name] = invocation.positionals;
  const takesName = verb === 'show' || verb === 'verify';
  if (name !== undefined && !takesName) throw new UsageError(`unexpected word: ${name}`);
  switch (verb) {
    case 'create':
      return withLock(invocation, () => act(invocation, (context) => create(context)));
    case 'list':
      return act(invocation, ({ host }) => list(host));
    case 'history':
      return act(invocation, ({ host }) => history(host));
    case 'show':
      return act(invocation, ({ host }) => show(host, name));
    case 'verify':
      return invocation.flags['restore'] === true
        ? withLock(invocation, () => act(invocation, (context) => bringUp(context, name)))
        : act(invocation, ({ host }) => verify(host, name));
    case 'prune':
      return withLock(invocation, () => act(invocation, (context) => prune(context)));
    case undefined:
    default:
      throw new UsageError(
        verb === undefined
          ? 'backup needs a verb: create, list, history, show, verify or prune'
          : `unknown verb: backup ${verb}`,
        'orchestrator-update backup --help',
      );
  }
}

/** What a verb has to tell, to a program and to a person. */
interface Answer {
  readonly json: unknown;
  readonly text: string;
  readonly exitCode?: ExitCode;
}

async function act(
  invocation: Invocation,
  verb: (context: Context) => Promise<Answer>,
): Promise<ExitCode> {
  const context = await openContext(invocation, openDoor(invocation.environment));
  try {
    const { json, text, exitCode = exitCodes.done } = await verb(context);
    context.statusLine.clear();
    process.stdout.write(`${invocation.json ? JSON.stringify(json, undefined, 2) : text}\n`);
    return exitCode;
  } finally {
    context.statusLine.clear();
    await context.log.flush();
  }
}

async function create({ host, config }: Context): Promise<Answer> {
  await recover(host, config);
  const commit = await currentCommit(host, await readDeployed(host.state));
  const name = transactionName(host.now(), commit);
  try {
    const { model } = await resolveRelease(host, commit);
    const running = await host.engine.containers();
    const images = Object.fromEntries(running.map(({ service, imageId }) => [service, imageId]));
    const manifest = await backUp(host, config, { name, commit, model, images });
    const removed = await host.backups.prune(config.backup.keep, await host.engine.mountedPaths());
    const gone = removed.length > 0 ? `\nremoved: ${removed.join(', ')}` : '';
    return { json: manifest, text: `${details(manifest)}${gone}` };
  } catch (error) {
    await host.backups.removePartial(name);
    throw error;
  } finally {
    await host.git.dropStagings();
  }
}

async function list(host: Host): Promise<Answer> {
  const backups = await host.backups.list();
  if (backups.length === 0) return { json: [], text: 'no backup yet' };
  const rows = backups.map((backup) => [
    backup.name,
    backup.createdAt.replace(/\.\d+Z$/, 'Z'),
    short(backup.commit),
    megabytes(backup.sizeBytes),
    String(backup.files),
    String(backup.volumes?.length ?? 0),
    backup.frozen ? `${backup.frozen.seconds.toFixed(1)} s` : '-',
    `${backup.seconds} s`,
  ]);
  const header = ['NAME', 'WHEN', 'RELEASE', 'SIZE', 'FILES', 'VOLUMES', 'FROZEN', 'TOOK'];
  const isTerminal = process.stdout.isTTY === true;
  return { json: backups, text: tableLines([header, ...rows], isTerminal).join('\n') };
}

async function history({ history: kept }: Host): Promise<Answer> {
  if (kept === undefined) throw noHistory();
  const snapshots = await kept.list();
  if (snapshots.length === 0) return { json: [], text: 'no snapshot yet' };
  const rows = snapshots.map(({ snapshot, at, host: from, name, commit }) => [
    snapshot,
    at.replace(/\.\d+Z$/, 'Z'),
    from,
    short(commit),
    name,
  ]);
  const header = ['SNAPSHOT', 'WHEN', 'HOST', 'RELEASE', 'BACKUP'];
  const isTerminal = process.stdout.isTTY === true;
  return { json: snapshots, text: tableLines([header, ...rows], isTerminal).join('\n') };
}

/** Nobody has said where one is to be kept. */
export function noHistory(): RefusedError {
  return new RefusedError(
    'no history of backups is kept: backup.history.repository is not set',
    'orchestrator-update config docs    # backup.history',
  );
}

async function show(host: Host, name: string | undefined): Promise<Answer> {
  const manifest = await findBackup(host, name);
  return { json: manifest, text: details(manifest) };
}

async function verify(host: Host, name: string | undefined): Promise<Answer> {
  const manifest = await findBackup(host, name);
  const problems = await host.backups.verify(manifest);
  const isThere = (await host.backups.list()).some((one) => one.name === manifest.name);
  if (problems.length > 0 && !isThere) {
    throw new RefusedError(
      `${manifest.name} was removed meanwhile: a run had no more use for it`,
      'orchestrator-update backup verify',
    );
  }
  const json = { name: manifest.name, verified: problems.length === 0, problems };
  if (problems.length === 0) {
    const size = `${manifest.files} entries, ${megabytes(manifest.sizeBytes)}`;
    return { json, text: `${manifest.name} is what was backed up: ${size}` };
  }
  return damaged(json);
}

function damaged(json: { readonly name: string; readonly problems: readonly string[] }): Answer {
  const text = [`${json.name} is damaged:`, ...json.problems.map((problem) => `  ${problem}`)];
  const next =
    'next: do not restore from it; look after the disk; orchestrator-update backup create';
  return { json, text: [...text, next].join('\n'), exitCode: exitCodes.failed };
}

/** Under the lock: nobody takes the backup meanwhile, nor is two brought up. */
async function bringUp({ host, config }: Context, name: string | undefined): Promise<Answer> {
  const manifest = await findBackup(host, name);
  const problems = await verifyByRestore(host, config, manifest);
  const json = { name: manifest.name, verified: problems.length === 0, problems };
  return problems.length === 0
    ? { json, text: `${manifest.name} was laid out, brought up beside the cluster, and is healthy` }
    : damaged(json);
}

async function prune({ host, config }: Context): Promise<Answer> {
  const removed = await host.backups.prune(config.backup.keep, await host.engine.mountedPaths());
  return { json: { removed }, text: removed.join('\n') || 'nothing to remove' };
}

/** A backup by its name; the newest one without. */
export async function findBackup(host: Host, name: string | undefined): Promise<BackupManifest> {
  const backups = await host.backups.list();
  const found = name === undefined ? backups[0] : backups.find((one) => one.name === name);
  if (found) return found;
  throw new RefusedError(
    name === undefined ? 'there is no backup yet' : `there is no backup ${name}`,
    name === undefined ? 'orchestrator-update backup create' : 'orchestrator-update backup list',
  );
}

function details(manifest: BackupManifest): string {
  const { frozen, leftOut = [], savedImages = [], volumes = [] } = manifest;
  const rows = [
    ['backup', manifest.name],
    ['made', manifest.createdAt],
    ['release', manifest.commit],
    ['size', `${megabytes(manifest.sizeBytes)} in ${manifest.files} entries`],
    ['volumes', volumes.join(', ') || '-'],
    ['images', savedImages.flatMap(({ references }) => references).join(', ') || '-'],
    ['took', `${manifest.seconds} s`],
    ['frozen', frozen ? `${frozen.seconds} s: ${frozenText(frozen)}` : 'nobody'],
    ...leftOut.map(({ subject, why }) => ['not in it', `${subject}: ${why}`]),
  ];
  return tableLines(rows, process.stdout.isTTY === true).join('\n');
}

function frozenText({ paused, stopped }: NonNullable<BackupManifest['frozen']>): string {
  const parts = [
    paused.length > 0 ? `${paused.join(', ')} (paused)` : '',
    stopped.length > 0 ? `${stopped.join(', ')} (stopped)` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}
