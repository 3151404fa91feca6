import { backUp } from '../back-up.ts';
import type { Invocation } from '../command-table.ts';
import { megabytes } from '../core/megabytes.ts';
import { damagedNames } from '../core/verification.ts';
import { currentCommit } from '../detect.ts';
import { RefusedError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { BackupManifest } from '../host/backup-host.ts';
import type { Host } from '../host/host.ts';
import { short } from '../outcome.ts';
import { readDeployed, readVerifications } from '../records.ts';
import { recover } from '../recover.ts';
import { resolveRelease } from '../release.ts';
import { tryTo } from '../try-to.ts';
import { transactionName } from '../propose-update.ts';
import { bringUp, verifyPart, verifyWhole, type Answer } from './backup-verify.ts';
import { openContext, openDoor, withLock, type Context } from './context.ts';
import { tableLines } from './table.ts';
import { raiseBackupFailure } from './tell.ts';

/** `backup create|list|show|verify|prune`. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const [verb, name] = invocation.positionals;
  const takesName = verb === 'show' || verb === 'verify';
  if (name !== undefined && !takesName) throw new UsageError(`unexpected word: ${name}`);
  switch (verb) {
    case 'create':
      return withLock(invocation, () => act(invocation, (context) => create(context, invocation)));
    case 'list':
      return act(invocation, ({ host }) => list(host));
    case 'history':
      return act(invocation, ({ host }) => history(host));
    case 'show':
      return act(invocation, ({ host }) => show(host, name));
    case 'verify':
      return verify(invocation, name);
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

async function create({ host, config }: Context, invocation: Invocation): Promise<Answer> {
  await recover(host, config);
  const commit = await currentCommit(host, await readDeployed(host.state));
  const name = transactionName(host.now(), commit);
  try {
    const { model } = await resolveRelease(host, commit);
    const running = await host.engine.containers();
    const images = Object.fromEntries(running.map(({ service, imageId }) => [service, imageId]));
    // What an earlier one left on a disk that had failed would take the room of this one.
    await tryTo(host, () => host.backups.sweep());
    const manifest = await backUp(host, config, { name, commit, model, images });
    const removed = await host.backups.prune(config.backup.keep, await host.engine.mountedPaths());
    const gone = removed.length > 0 ? `\nremoved: ${removed.join(', ')}` : '';
    return { json: manifest, text: `${details(manifest)}${gone}` };
  } catch (error) {
    // On a disk that has failed it stays until the next one; what went wrong first is told.
    await tryTo(host, () => host.backups.removePartial(name));
    await raiseBackupFailure(error, invocation);
    throw error;
  } finally {
    await host.git.dropStagings();
  }
}

async function list(host: Host): Promise<Answer> {
  const damaged = damagedNames(await readVerifications(host.state));
  const backups = (await host.backups.list()).map((backup) => ({
    ...backup,
    damaged: damaged.has(backup.name),
  }));
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
    backup.damaged ? 'damaged' : '-',
  ]);
  const header = ['NAME', 'WHEN', 'RELEASE', 'SIZE', 'FILES', 'VOLUMES', 'FROZEN', 'TOOK', 'STATE'];
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
  const manifest = await findBackup(host, name, 'any');
  const { damaged } = await readVerifications(host.state);
  const found = damaged.find(({ backup }) => backup === manifest.name);
  const rows = (found?.problems ?? []).map((problem) => ['damaged', problem]);
  const json = { ...manifest, damaged: found?.problems ?? [] };
  return { json, text: details(manifest, rows) };
}

function verify(invocation: Invocation, name: string | undefined): Promise<ExitCode> {
  const { restore, sample } = invocation.flags;
  if (restore === true && sample === true) {
    throw new UsageError('--sample and --restore are two ways to verify: one at a time');
  }
  const verb = async (context: Context): Promise<Answer> => {
    if (sample === true) return verifyPart(context, name);
    const manifest = await findBackup(context.host, name, 'any');
    return restore === true
      ? bringUp(context, manifest)
      : verifyWhole(invocation, context, manifest);
  };
  return restore === true || sample === true
    ? withLock(invocation, () => act(invocation, verb))
    : act(invocation, verb);
}

async function prune({ host, config }: Context): Promise<Answer> {
  const removed = await host.backups.prune(config.backup.keep, await host.engine.mountedPaths());
  return { json: { removed }, text: removed.join('\n') || 'nothing to remove' };
}

/**
 * A backup by its name; the newest one without.
 *
 * @param which of those without a name: by default what is known to be damaged is passed over
 */
export async function findBackup(
  host: Host,
  name: string | undefined,
  which: 'good' | 'any' = 'good',
): Promise<BackupManifest> {
  const backups = await host.backups.list();
  const found = name === undefined ? backups[0] : backups.find((one) => one.name === name);
  if (found && name === undefined && which === 'good') return newestGood(host, backups);
  if (found) return found;
  throw new RefusedError(
    name === undefined ? 'there is no backup yet' : `there is no backup ${name}`,
    name === undefined ? 'orchestrator-update backup create' : 'orchestrator-update backup list',
  );
}

async function newestGood(host: Host, backups: readonly BackupManifest[]): Promise<BackupManifest> {
  const damaged = damagedNames(await readVerifications(host.state));
  const found = backups.find(({ name }) => !damaged.has(name));
  const passed = backups.slice(0, found ? backups.indexOf(found) : undefined);
  if (found === undefined) {
    throw new RefusedError(
      'every backup is known to be damaged',
      'orchestrator-update backup show NAME    # what is damaged; the name of one takes it all the same',
    );
  }
  for (const { name } of passed) host.log.warn(`${name} is damaged, and passed over`);
  return found;
}

function details(manifest: BackupManifest, more: readonly string[][] = []): string {
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
    ...more,
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
