import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findChanged, syncFilesystem } from '../argv/files.ts';
import {
  imagesOverride,
  restoreText,
  runScript,
  volumesOverride,
  type ByHand,
} from '../core/by-hand.ts';
import type { ChangedEntry } from '../core/changed-lines.ts';
import { isWithin } from '../core/contents.ts';
import { volumeName } from '../core/mounts.ts';
import { MTREE_HEADER } from '../core/mtree.ts';
import { watcherOf } from './backup-base.ts';
import { hasOwnClock, isSetBack, listFound } from './backup-changes.ts';
import { changedManifestLines, manifestLines } from './backup-digests.ts';
import {
  LATEST,
  MANIFEST,
  MODEL,
  MTREE,
  projectPathIn,
  type BackupContext,
} from './backup-layout.ts';
import { exec } from './exec.ts';
import type { BackupDraft, BackupFacts, BackupManifest } from './backup-host.ts';
import { syncDirectory } from './state-files.ts';

const LINES_AT_A_TIME = 500;
/** With more of them a walk takes less memory, and hardly longer. */
const CHANGED_AT_MOST = 50_000;

/** Everything is on the disk before the manifest is, and the manifest before the name is. */
export async function finishBackup(
  context: BackupContext,
  draft: BackupDraft,
  facts: BackupFacts,
  inUse: readonly string[],
): Promise<BackupManifest> {
  const { directory, name } = draft;
  await writeByHand(context, draft, facts);
  const mtreeDigest = await writeMtree(context, draft);
  const manifest: BackupManifest = {
    schema: 2,
    name,
    createdAt: draft.startedAt,
    commit: facts.commit,
    project: context.config.project_name,
    projectPath: projectPathIn(context),
    sizeBytes: draft.sizeBytes,
    files: draft.files,
    images: facts.images,
    imageDigests: facts.releaseImages.digests,
    savedImages: facts.releaseImages.saved,
    seconds: Math.round((context.now().getTime() - Date.parse(draft.startedAt)) / 100) / 10,
    volumes: facts.scope.volumes.map((volume) => volume.name),
    leftOut: [...facts.scope.leftOut, ...facts.releaseImages.leftOut],
    frozen: facts.frozen,
    mtreeDigest,
  };
  const limits = { timeoutSeconds: context.config.timeouts.backup_seconds, watch: context.watch };
  await exec(syncFilesystem(directory), limits);
  await writeNew(join(directory, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, 0o644);
  await syncDirectory(directory);
  await rename(directory, join(context.config.backups_dir, name));
  await pointLatest(context, name, inUse);
  return manifest;
}

/** Where a container runs from `latest`, Docker knows it by that name: what it means must not change. */
async function pointLatest(
  context: BackupContext,
  name: string,
  inUse: readonly string[],
): Promise<void> {
  const directory = context.config.backups_dir;
  const latest = join(directory, LATEST);
  const before = await readlink(latest).catch(() => undefined);
  if (before !== undefined && inUse.some((path) => isWithin(path, latest))) {
    context.warn(
      `a container has mounted ${latest}: it goes on meaning ${before}, and not the new backup ${name}`,
    );
  } else {
    const temporary = join(directory, `.${LATEST}.new`);
    await rm(temporary, { force: true });
    await symlink(name, temporary);
    await rename(temporary, latest);
  }
  await syncDirectory(directory);
}

/** What a person needs who has nothing but Docker and a shell. */
async function writeByHand(
  context: BackupContext,
  { directory, name }: BackupDraft,
  { commit, model, scope, releaseImages }: BackupFacts,
): Promise<void> {
  const { config } = context;
  const keys = Object.keys(model.volumes ?? {});
  const facts: ByHand = {
    name,
    project: config.project_name,
    projectPath: projectPathIn(context),
    commit,
    livePath: config.project_dir,
    composeFiles: config.compose.files,
    profiles: config.compose.profiles,
    images: releaseImages.saved,
    volumes: scope.volumes.map((volume) => ({
      name: volume.name,
      key: keys.find((key) => volumeName(model, key) === volume.name),
    })),
  };
  await replace(join(directory, 'RUN.sh'), runScript(facts), 0o755);
  await replace(join(directory, 'RESTORE.md'), restoreText(facts), 0o644);
  await replace(join(directory, 'volumes.override.yaml'), volumesOverride(facts), 0o644);
  await replace(join(directory, 'images.override.yaml'), imagesOverride(facts), 0o644);
  // It has the values of variables in it.
  await replace(join(directory, MODEL), `${JSON.stringify(model, undefined, 2)}\n`, 0o600);
}

/** Writes the digests of all files; those of files that are as they were in the base are known. */
async function writeMtree(context: BackupContext, draft: BackupDraft): Promise<string> {
  const path = join(draft.directory, MTREE);
  const fresh = `${path}.new`;
  const hash = createHash('sha256');
  await rm(fresh, { force: true });
  const file = await openNew(fresh, 0o600);
  try {
    const write = async (lines: readonly string[]): Promise<void> => {
      const text = lines.map((line) => `${line}\n`).join('');
      hash.update(text);
      await file.writeFile(text);
    };
    await write([MTREE_HEADER]);
    const leftOut = [MANIFEST, MTREE, basename(fresh)];
    for await (const lines of linesOf(context, draft, leftOut)) await write(lines);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  return hash.digest('hex');
}

async function* linesOf(
  context: BackupContext,
  draft: BackupDraft,
  leftOut: readonly string[],
): AsyncGenerator<readonly string[]> {
  const { directory, base } = draft;
  // With a clock that was set back, what was written now may look older than the base.
  const isKnown = base !== undefined && !isSetBack(context, base.aheadMs);
  const since = isKnown ? Date.parse(base.at) : 0;
  const watcher = watcherOf(context, 'taking the digests of the backup', draft.sizeBytes);
  const isKept = ({ ctimeMs }: { ctimeMs: bigint }): boolean => Number(ctimeMs) < since;
  const before = base === undefined ? undefined : join(directory, MTREE);
  const changed = await changedInDraft(context, draft, leftOut);
  if (before !== undefined && changed !== undefined) {
    yield* changedManifestLines(directory, changed, watcher, before, isKept);
    return;
  }
  let lines: string[] = [];
  for await (const line of manifestLines(directory, leftOut, watcher, before, isKept)) {
    lines.push(line);
    if (lines.length < LINES_AT_A_TIME) continue;
    yield lines;
    lines = [];
  }
  yield lines;
}

/** What changed in a draft since the manifest of its base was taken; undefined where that cannot be told. */
async function changedInDraft(
  context: BackupContext,
  { directory, base }: BackupDraft,
  leftOut: readonly string[],
): Promise<ChangedEntry[] | undefined> {
  if (base?.sinceMs === undefined || isSetBack(context, base.aheadMs)) return undefined;
  if (!(await hasOwnClock(directory))) return undefined;
  const found = await listFound(context, findChanged(directory, base.sinceMs / 1000));
  if (found.length > CHANGED_AT_MOST) return undefined;
  return found
    .filter(({ path }) => !leftOut.includes(path))
    .map(({ path, type }) => ({ path, isDirectory: type === 'd' }));
}

/** In a backup that was begun with another's files there is one already. */
async function replace(path: string, text: string, mode: number): Promise<void> {
  await rm(path, { force: true });
  await writeNew(path, text, mode);
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const file = await openNew(path, mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function openNew(path: string, mode: number) {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
}
