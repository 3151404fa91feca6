import { basename, join, relative } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Watch } from './exec.ts';
import type { Repository } from './repository.ts';

export interface BackupContext {
  readonly config: Config;
  readonly repository: Repository;
  /** Whether we run in the service, whose sandbox forbids setuid and setgid bits. */
  readonly isSandboxed: boolean;
  /** Where the files of the host are; `/` if left out. */
  readonly hostRoot?: string;
  readonly now: () => Date;
  readonly signal: () => AbortSignal | undefined;
  readonly watch: Watch;
  readonly onProgress: (status: string, fraction?: number) => void;
  readonly warn: (message: string) => void;
  /** The names of backups that a verification found damaged. */
  readonly damaged: () => Promise<ReadonlySet<string>>;
}

export const MANIFEST = 'manifest.json';
export const MTREE = 'manifest.mtree';
export const MODEL = 'compose.resolved.json';
export const LATEST = 'latest';
/** A copy under way; never a backup. */
export const partial = (name: string): string => `.partial-${name}`;

/** Names of ours at the top of a backup; a work tree's own are kept beside them. */
export const RESERVED = [
  'volumes',
  'dumps',
  'images',
  'engine',
  'manifest.json',
  'manifest.mtree',
  MODEL,
  'volumes.override.yaml',
  'images.override.yaml',
  'RUN.sh',
  'RESTORE.md',
];
/** `volumes` of a work tree is `work-tree.volumes` in the backup. */
export const OWN_PREFIX = 'work-tree.';

/** A work tree that is the project itself is copied to a directory of the project's name. */
export function projectPathIn({ config, repository }: BackupContext): string {
  return repository.projectPath === '' ? basename(config.project_dir) : repository.projectPath;
}

/** Where in a backup a path below the work tree is. */
export function ownPlace({ repository }: BackupContext, path: string): string {
  const { directory } = repository;
  const inTree = relative(directory, path);
  if (repository.projectPath === '') return join(basename(directory), inTree);
  const [first = ''] = inTree.split('/');
  const isOurs = RESERVED.includes(first) || first.startsWith(OWN_PREFIX);
  return isOurs ? `${OWN_PREFIX}${inTree}` : inTree;
}
