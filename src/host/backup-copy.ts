import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { filesChangedSince, makeOlder } from '../argv/files.ts';
import { rsyncChanged, rsyncCopy, rsyncFile } from '../argv/rsync.ts';
import { outsideSandbox, stopCopies } from '../argv/systemd-run.ts';
import type { Command } from '../argv/command.ts';
import { megabytes } from '../core/megabytes.ts';
import { pathExists } from './disk.ts';
import { changedSince, setBackMs } from './backup-changes.ts';
import { exec, type ExecResult } from './exec.ts';
import { OWN_PREFIX, RESERVED, type BackupContext } from './backup-layout.ts';
import type { BackupDraft, BackupSource } from './backup-host.ts';

const STOP_COPIES_SECONDS = 100;
/** How many sources are copied at the same time. */
export const LANES = 4;
/** Clocks of filesystems are coarse, and a pass is begun a moment after it is noted. */
const MARGIN_MS = 2000;

/**
 * A live cluster removes files while they are copied or listed: rsync says 24 then, and find 1. What is
 * left of such a file is nothing, as in the tree.
 */
const VANISHED: Readonly<Record<string, number>> = { rsync: 24, find: 1, du: 1 };

/** One copy into the backup: of a directory, or of a single file. */
interface Pass {
  readonly from: string;
  readonly to: string;
  readonly excluded: readonly string[];
  readonly isFile?: boolean;
  /** Into the top of the backup, beside what is ours there. */
  readonly isTop?: boolean;
}

/**
 * Makes the draft what its sources are now, however they were before.
 *
 * @param withinSeconds how long it may take
 */
export async function copySources(
  context: BackupContext,
  draft: BackupDraft,
  withinSeconds: number,
): Promise<void> {
  await inLanes(await passesOf(draft), async (pass, lane) => {
    if (pass.isFile !== true) await mkdir(pass.to, { recursive: true });
    await runOutside(context, copyCommand(pass), lane, withinSeconds);
  });
}

/**
 * Brings the draft up to what its sources are now, by what changed since they were seen. What looks as it did is
 * copied all the same where it was written to at about the time of the pass before: a file that is
 * written twice within one tick of the clock of the filesystem (4 ms) has the same time and size.
 *
 * @param withinSeconds how long it may take
 */
export async function copyChanged(
  context: BackupContext,
  draft: BackupDraft,
  withinSeconds: number,
): Promise<void> {
  await inLanes(await passesOf(draft), async (pass, lane) => {
    const seen = draft.looks.get(pass.from)?.seen;
    const paths = seen && (await changedSince(context, pass.from, seen));
    if (paths === undefined) {
      if (pass.isFile !== true) await mkdir(pass.to, { recursive: true });
      if (seen) await distrustPass(context, pass, seen.sinceMs - setBackMs(context, seen.aheadMs));
      await runOutside(context, copyCommand(pass), lane, withinSeconds);
    } else if (paths.length > 0) {
      await distrustFiles(
        context,
        pass.to,
        paths.filter((path) => !path.endsWith('/')),
      );
      const command = rsyncChanged(`${pass.from}/`, `${pass.to}/`);
      await runOutside(context, command, lane, withinSeconds, asNames(paths));
    }
  });
}

async function inLanes(
  passes: readonly Pass[],
  copy: (pass: Pass, lane: number) => Promise<void>,
): Promise<void> {
  const waiting = [...passes.entries()];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, pass] = next;
      await copy(pass, index).catch((error: unknown) => {
        // It is no backup any more, and the cluster may be waiting for its end.
        waiting.length = 0;
        throw error;
      });
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
  const failed = lanes.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/**
 * Has the next pass copy what changed since the base of the draft was made, whatever it looks like.
 *
 * @param sinceMs when that was begun, or earlier
 */
export async function distrustSinceBase(
  context: BackupContext,
  draft: BackupDraft,
  sinceMs: number,
): Promise<void> {
  for (const pass of await passesOf(draft)) {
    const changed = draft.looks.get(pass.from)?.changed;
    // What has a name of ours in the work tree is copied elsewhere.
    if (changed)
      await distrustFiles(
        context,
        pass.to,
        changed.filter((path) => !isOurs(pass, path)),
      );
    else await distrustPass(context, pass, sinceMs);
  }
}

/** The same for what changed since the draft was begun, where `copyChanged` does not see to it. */
export async function distrustSinceStart(
  context: BackupContext,
  draft: BackupDraft,
): Promise<void> {
  for (const pass of await passesOf(draft)) {
    if (draft.looks.get(pass.from)?.seen !== undefined) continue;
    await distrustPass(context, pass, Date.parse(draft.startedAt));
  }
}

async function distrustPass(
  context: BackupContext,
  { from, to, excluded, isFile = false }: Pass,
  sinceMs: number,
): Promise<void> {
  // A single file is small, and always copied anew.
  if (isFile) return;
  const { backup_seconds: timeoutSeconds } = context.config.timeouts;
  const command = filesChangedSince(from, excluded, (sinceMs - MARGIN_MS) / 1000);
  const { stdout } = await exec(command, { timeoutSeconds, accept: [1], encoding: 'latin1' });
  await distrustFiles(context, to, stdout.split('\0').slice(0, -1));
}

/** @param paths from the top of the copy, one character per byte */
async function distrustFiles(
  context: BackupContext,
  copy: string,
  paths: readonly string[],
): Promise<void> {
  // A volume may be new since the base.
  if (paths.length === 0 || !(await pathExists(copy))) return;
  const { backup_seconds: timeoutSeconds } = context.config.timeouts;
  // 123: some of them are not in the copy.
  await exec(makeOlder, { cwd: copy, input: asNames(paths), timeoutSeconds, accept: [123] });
}

function asNames(paths: readonly string[]): Buffer {
  return Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
}

function copyCommand({ from, to, excluded, isFile = false }: Pass): Command {
  return isFile ? rsyncFile(from, to) : rsyncCopy(`${from}/`, `${to}/`, excluded);
}

async function passesOf(draft: BackupDraft): Promise<Pass[]> {
  return (await Promise.all(draft.sources.map((source) => passesFor(source, draft)))).flat();
}

function isOurs({ isTop = false }: Pass, path: string): boolean {
  return isTop && isReserved(path.split('/', 1)[0] ?? '');
}

function isReserved(name: string): boolean {
  return RESERVED.includes(name) || name.startsWith(OWN_PREFIX);
}

/** The work tree itself lies at the top of the backup, beside what is ours there. */
async function passesFor(source: BackupSource, draft: BackupDraft): Promise<Pass[]> {
  const { path, place, excluded } = source;
  const to = join(draft.directory, place);
  if (place !== '') return [{ from: path, to, excluded }];
  const entries = await readdir(path, { withFileTypes: true });
  const clashes = entries.filter(({ name }) => isReserved(name));
  const kept = [...RESERVED, `${OWN_PREFIX}*`].map((name) => `/${name}`);
  return [
    { from: path, to, excluded: [...excluded, ...kept], isTop: true },
    ...clashes.map((entry) => ({
      from: join(path, entry.name),
      to: join(to, `${OWN_PREFIX}${entry.name}`),
      excluded: [],
      isFile: !entry.isDirectory(),
    })),
  ];
}

/**
 * Runs a command of the backup. The sandbox of the service forbids it to make devices, and files with setuid
 * bits, capabilities or the attributes of the system: there it is run outside of it, in a unit of its own.
 *
 * @param lane tells apart what is run at the same time
 */
export async function runOutside(
  context: BackupContext,
  command: Command,
  lane: number,
  withinSeconds: number,
  input?: Uint8Array,
): Promise<ExecResult> {
  const signal = context.signal();
  const options = {
    timeoutSeconds: withinSeconds,
    keepsLock: true,
    accept: [VANISHED[basename(command.file)] ?? 0],
    watch: {
      started: context.watch.started,
      line: (line: string): void => showProgress(context, line),
    },
    ...(signal ? { signal } : {}),
    ...(input ? { input } : {}),
  };
  if (!context.isSandboxed) return exec(command, options);
  try {
    return await exec(outsideSandbox(command, lane), options);
  } finally {
    // It ended by itself, unless we were told to stop, or its time was up.
    await exec(stopCopies(lane), { timeoutSeconds: STOP_COPIES_SECONDS, accept: [5] });
  }
}

/** Ends copies whose run was killed. */
export async function stopLeftCopies(context: BackupContext): Promise<void> {
  if (!context.isSandboxed) return;
  await exec(stopCopies('*'), { timeoutSeconds: STOP_COPIES_SECONDS, accept: [5] });
}

/** `  1,234,567  45%  12.34MB/s    0:00:01` of rsync. */
function showProgress(context: BackupContext, line: string): void {
  const found = /^\s*([\d,]+)\s+(\d{1,3})%\s+([\d.]+\w?B\/s)/.exec(line);
  if (!found) return;
  const bytes = Number((found[1] ?? '').replaceAll(',', ''));
  context.onProgress(`copying: ${megabytes(bytes)} at ${found[3]}`, Number(found[2]) / 100);
}
