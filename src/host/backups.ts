import {
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  statfs,
  symlink,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { constants } from 'node:fs';
import { diskUse, syncFilesystem } from '../argv/files.ts';
import { rsyncCopy } from '../argv/rsync.ts';
import { findSpecialModes, outsideSandbox, stopCopy } from '../argv/systemd-run.ts';
import type { Command } from '../argv/command.ts';
import type { Config } from '../config/schema.ts';
import { megabytes } from '../core/megabytes.ts';
import { RefusedError } from '../errors.ts';
import { exec, type Watch } from './exec.ts';
import type { BackupHost, BackupManifest } from './host.ts';
import type { Repository } from './repository.ts';
import { syncDirectory } from './state-files.ts';

export interface BackupContext {
  readonly config: Config;
  readonly repository: Repository;
  /** Whether we run in the service, whose sandbox forbids setuid and setgid bits. */
  readonly isSandboxed: boolean;
  readonly now: () => Date;
  readonly signal: () => AbortSignal | undefined;
  readonly watch: Watch;
  readonly onProgress: (status: string, fraction?: number) => void;
}

const STOP_COPY_SECONDS = 100;
const MANIFEST = 'manifest.json';
/** A repository's own top-level file of that name is kept under this one. */
const OWN_MANIFEST = 'work-tree.manifest.json';
const LATEST = 'latest';
/** A copy under way; never a backup. */
const partial = (name: string): string => `.partial-${name}`;

/**
 * Plain copies of the work tree below the backups directory: `<name>/<project directory>`, with
 * what lies beside it in the repository, and `manifest.json`. A copy is made under a hidden name
 * and renamed when it is whole and on the disk.
 */
export function createBackups(context: BackupContext): BackupHost {
  const { config } = context;
  const directory = config.backups_dir;
  return {
    create: async (name, facts) => {
      const startedAt = context.now();
      await refuseSymlink(directory);
      await mkdir(directory, { recursive: true, mode: 0o755 });
      const size = await measure(context);
      await refuseWithoutRoom(context, size);
      const scratch = join(directory, partial(name));
      await rm(scratch, { recursive: true, force: true });
      await mkdir(scratch, { mode: 0o755 });
      await copyTree(context, scratch);
      const manifest: BackupManifest = {
        schema: 1,
        name,
        createdAt: startedAt.toISOString(),
        commit: facts.commit,
        project: config.project_name,
        projectPath: projectPathIn(context),
        sizeBytes: size.bytes,
        files: size.entries,
        images: facts.images,
        seconds: Math.round((context.now().getTime() - startedAt.getTime()) / 100) / 10,
      };
      await finish(context, scratch, name, manifest);
      return manifest;
    },
    neededBytes: async () => neededFor(context, (await measure(context)).bytes),
    list: () => listBackups(directory),
    removePartial: (name) => rm(join(directory, partial(name)), { recursive: true, force: true }),
    prune: (keep) => prune(directory, keep),
    sweep: () => sweep(directory),
  };
}

/** A work tree that is the project itself is copied to a directory of the project's name. */
function projectPathIn({ config, repository }: BackupContext): string {
  return repository.projectPath === '' ? basename(config.project_dir) : repository.projectPath;
}

async function copyTree(context: BackupContext, scratch: string): Promise<void> {
  const { config, repository } = context;
  const source = repository.directory;
  const isProject = repository.projectPath === '';
  const target = isProject ? join(scratch, basename(source)) : scratch;
  const excluded = excludedBelow(source, config.backups_dir);
  const clash = !isProject && (await isThere(join(source, MANIFEST)));
  const patterns = clash ? [...excluded, `/${MANIFEST}`] : excluded;
  await copy(context, rsyncCopy([`${source}/`], `${target}/`, patterns));
  if (clash) {
    await copy(context, rsyncCopy([join(source, MANIFEST)], join(scratch, OWN_MANIFEST), []));
  }
}

/**
 * The sandbox of the service forbids setting setuid and setgid bits (RestrictSUIDSGID=), which
 * costs a shared directory its group. A tree with such bits is copied from outside of it.
 */
async function copy(context: BackupContext, command: Command): Promise<void> {
  const { config, repository } = context;
  if (!context.isSandboxed) return void (await run(context, command));
  const special = findSpecialModes(repository.directory, [config.backups_dir]);
  if ((await run(context, special)) === '') return void (await run(context, command));
  await exec(stopCopy, { timeoutSeconds: STOP_COPY_SECONDS, accept: [5] });
  try {
    await run(context, outsideSandbox(command));
  } finally {
    await exec(stopCopy, { timeoutSeconds: STOP_COPY_SECONDS, accept: [5] });
  }
}

function excludedBelow(source: string, backups: string): string[] {
  return backups.startsWith(`${source}/`) ? [`${backups.slice(source.length)}/`] : [];
}

/** Everything is on the disk before the manifest is, and the manifest before the name is. */
async function finish(
  context: BackupContext,
  scratch: string,
  name: string,
  manifest: BackupManifest,
): Promise<void> {
  const directory = context.config.backups_dir;
  await run(context, syncFilesystem(scratch));
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(join(scratch, MANIFEST), flags, 0o644);
  try {
    await file.writeFile(`${JSON.stringify(manifest, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(scratch);
  await rename(scratch, join(directory, name));
  const temporary = join(directory, `.${LATEST}.new`);
  await rm(temporary, { force: true });
  await symlink(name, temporary);
  await rename(temporary, join(directory, LATEST));
  await syncDirectory(directory);
}

async function measure(context: BackupContext): Promise<{ bytes: number; entries: number }> {
  const { config, repository } = context;
  const excluded = config.backups_dir.startsWith(`${repository.directory}/`)
    ? [config.backups_dir]
    : [];
  context.onProgress('measuring the work tree');
  const command = diskUse(repository.directory, excluded);
  const bytes = await run(context, command);
  const entries = await run(context, { ...command, args: ['--inodes', ...command.args] });
  return { bytes: Number.parseInt(bytes, 10), entries: Number.parseInt(entries, 10) };
}

function neededFor({ config }: BackupContext, bytes: number): number {
  return bytes * 1.05 + config.backup.reserve_mb * 1e6;
}

async function refuseWithoutRoom(
  context: BackupContext,
  size: { bytes: number; entries: number },
): Promise<void> {
  const directory = context.config.backups_dir;
  const disk = await statfs(directory);
  const free = disk.bavail * disk.bsize;
  const needed = neededFor(context, size.bytes);
  const outOfInodes = disk.files > 0 && disk.ffree < size.entries * 1.05 + 1000;
  if (free >= needed && !outOfInodes) return;
  throw new RefusedError(
    free < needed
      ? `no room for a backup in ${directory}: ${megabytes(needed)} needed (the work tree and a reserve of ${context.config.backup.reserve_mb} MB), ${megabytes(free)} free`
      : `no room for a backup in ${directory}: ${size.entries} files needed, ${disk.ffree} free`,
    `make room (du -sh ${directory}/*; remove old backups, lower backup.keep) or set backups_dir to another disk; the cluster was not touched`,
  );
}

/** A symbolic link in a place others can write could send root's files anywhere. */
async function refuseSymlink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return;
  throw new RefusedError(
    `${path} is not a directory${found.isSymbolicLink() ? ' but a symbolic link' : ''}`,
    'set backups_dir to the real directory, or remove what is there',
  );
}

async function listBackups(directory: string): Promise<BackupManifest[]> {
  const names = await readdir(directory).catch(() => []);
  const manifests = await Promise.all(
    names
      .filter((name) => !name.startsWith('.') && name !== LATEST)
      .map((name) => readManifest(join(directory, name, MANIFEST))),
  );
  return manifests
    .filter((manifest) => manifest !== undefined)
    .toSorted((left, right) => (left.name < right.name ? 1 : -1));
}

async function readManifest(path: string): Promise<BackupManifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(path, 'utf8')) as BackupManifest;
    const isOurs = manifest.schema === 1 && path.endsWith(`/${manifest.name}/${MANIFEST}`);
    return isOurs ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** Only directories with a manifest of ours are ever removed. */
async function prune(directory: string, keep: number): Promise<string[]> {
  const latest = await readlink(join(directory, LATEST)).catch(() => '');
  const old = (await listBackups(directory))
    .slice(keep)
    .map(({ name }) => name)
    .filter((name) => name !== latest);
  for (const name of old) await rename(join(directory, name), join(directory, partial(name)));
  await sweep(directory);
  return old;
}

/** Removes copies that were cut short, and removals that were: neither is a backup any more. */
async function sweep(directory: string): Promise<void> {
  const remains = (await readdir(directory).catch(() => [])).filter((name) =>
    name.startsWith(partial('')),
  );
  for (const name of remains) await rm(join(directory, name), { recursive: true, force: true });
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/**
 * A live cluster removes files while they are copied or counted: rsync says 24 then, du and find
 * 1. What is left of such a file is nothing, as in the tree.
 */
const VANISHED: Readonly<Record<string, number>> = { rsync: 24, 'systemd-run': 24, du: 1, find: 1 };

async function run(context: BackupContext, command: Command): Promise<string> {
  const signal = context.signal();
  const { stdout } = await exec(command, {
    timeoutSeconds: context.config.timeouts.backup_seconds,
    keepsLock: true,
    accept: [VANISHED[command.file] ?? 0],
    watch: {
      started: context.watch.started,
      line: (line) => {
        const percent = /\s(\d{1,3})%/.exec(line)?.[1];
        if (percent !== undefined)
          context.onProgress('copying the work tree', Number(percent) / 100);
      },
    },
    ...(signal ? { signal } : {}),
  });
  return stdout;
}
