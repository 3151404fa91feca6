import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { SavedImage } from '../../src/core/saved-images.ts';
import { createBackups } from '../../src/host/backups.ts';
import type {
  BackupFacts,
  BackupHost,
  BackupManifest,
  BackupSource,
} from '../../src/host/backup-host.ts';
import { owner, ownersDirectory } from './git-world.ts';

/** A work tree, a directory that stands for a volume, and the adapter that backs them up. */
export interface BackupWorld {
  readonly root: string;
  readonly backups: string;
  readonly volume: string;
  /** Stands for `/`, where the engine is configured. */
  readonly hostRoot: string;
  readonly source: BackupSource;
  readonly host: BackupHost;
  /** From here on it is another day. */
  readonly day: (number: number) => void;
  /** Names of backups that are known to be damaged. */
  readonly damaged: Set<string>;
  readonly progress: (string | number)[];
}

interface Layout {
  /** The project directory, relative to the work tree. */
  readonly project?: string;
  readonly backups?: string;
  readonly keys?: object;
}

/** A work tree with one of everything, and the adapter that backs it up. */
export async function backupWorld(t: Test, layout: Layout = {}): Promise<BackupWorld> {
  const base = ownersDirectory(t, 'backup');
  const root = join(base, 'operation');
  const { project = 'autonomy', backups = join(root, 'backups'), keys = {} } = layout;
  mkdirSync(join(root, 'autonomy/data'), { recursive: true });
  writeFileSync(join(root, 'autonomy/compose.yaml'), 'services: {}\n');
  writeFileSync(join(root, 'autonomy/.env'), 'SECRET=1\n', { mode: 0o600 });
  const config = settleConfig(
    configSchema.parse({ root, project_dir: join(root, project), backups_dir: backups, ...keys }),
  );
  const progress: (string | number)[] = [];
  let day = 0;
  const damaged = new Set<string>();
  const volume = join(base, 'volume');
  const host = createBackups({
    config,
    repository: { directory: root, owner, projectPath: project },
    isSandboxed: false,
    hostRoot: join(base, 'host'),
    now: () => new Date(Date.now() + day * 86_400_000),
    signal: () => undefined,
    watch: { started: () => {}, line: () => {} },
    onProgress: (status, fraction) => void progress.push(status, fraction ?? -1),
    warn: (message) => void progress.push(message),
    damaged: async () => damaged,
  });
  const source = { path: volume, place: 'volumes/data', excluded: [] };
  return {
    root,
    backups,
    volume,
    hostRoot: join(base, 'host'),
    source,
    host,
    day: (number) => void (day = number),
    damaged,
    progress,
  };
}

/** What the cluster runs on. */
export const versions = {
  dockerd: '26.1.5',
  containerd: '1.7.24',
  runc: '1.1.15',
  compose: '2.26.1',
  storageDriver: 'overlay2',
  rootDirectory: '/var/lib/docker',
};

export const facts: BackupFacts = {
  commit: 'c'.repeat(40),
  images: { web: 'sha256:w' },
  releaseImages: { digests: {}, saved: [], leftOut: [] },
  model: { name: 'autonomy', services: {}, volumes: { data: { name: 'autonomy_data' } } },
  scope: { volumes: [], leftOut: [], writers: [] },
  frozen: undefined,
};

/** A backup from start to end. */
export async function createBackup(
  { host }: Pick<BackupWorld, 'host'>,
  name: string,
  {
    keep = 5,
    inUse = [] as string[],
    sources = [] as BackupSource[],
    images = [] as SavedImage[],
  } = {},
): Promise<BackupManifest> {
  const draft = await host.begin(name, [host.workTree, ...sources], keep, inUse, images);
  await host.keepEngine(draft, versions);
  await host.saveImages(draft, images);
  await host.copy(draft, 600);
  const volumes = sources.map(({ path, place }) => ({ path, name: place.replace('volumes/', '') }));
  const releaseImages = { ...facts.releaseImages, saved: images };
  return host.finish(draft, { ...facts, releaseImages, scope: { ...facts.scope, volumes } }, inUse);
}
