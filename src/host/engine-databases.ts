import { lstat, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerCommandLine, lastWords } from '../argv/engine-repair.ts';
import { settingsIn } from '../core/daemon-json.ts';
import {
  blamesDisk,
  blamesRoot,
  damagedDatabase,
  type EngineDatabase,
} from '../core/engine-databases.ts';
import { codeOf } from '../errors.ts';
import { exec } from './exec.ts';
import type { Log } from './log.ts';

const CONFIG = '/etc/docker/daemon.json';
const CONTAINERD_ROOT = '/var/lib/containerd';
const CONTAINERD_DATABASE = 'io.containerd.metadata.v1.bolt';
/** Where containerd has what runs, and what it knows of it. */
const TASKS = ['/run/containerd', CONTAINERD_ROOT].map((root) =>
  join(root, 'io.containerd.runtime.v2.task'),
);
const ASK_SECONDS = 15;

/** What keeps dockerd from starting of what it has on the disk: nothing where nobody can tell where that is. */
export interface DamageFound {
  readonly damaged: EngineDatabase | undefined;
  readonly isRootAtFault: boolean;
  /** It says that nothing more can be written. */
  readonly isDiskAtFault: boolean;
}

export const noDamage: DamageFound = {
  damaged: undefined,
  isRootAtFault: false,
  isDiskAtFault: false,
};

export async function findDamage(): Promise<DamageFound> {
  const root = await dataRoot();
  if (root === undefined) return noDamage;
  const docker = await wordsOf('docker.service');
  const damaged = damagedDatabase(docker, await wordsOf('containerd.service'));
  const isRootAtFault = damaged === undefined && blamesRoot(docker, root);
  return { damaged, isRootAtFault, isDiskAtFault: blamesDisk(docker, root) };
}

function wordsOf(unit: 'docker.service' | 'containerd.service'): Promise<string> {
  return exec(lastWords(unit), { timeoutSeconds: ASK_SECONDS }).then(
    ({ stdout }) => stdout,
    () => '',
  );
}

/** Where Docker keeps everything; undefined where its command line says another place. */
export async function dataRoot(): Promise<string | undefined> {
  const shown = await exec(dockerCommandLine, { timeoutSeconds: ASK_SECONDS }).catch(
    () => undefined,
  );
  if (shown === undefined || /--data-root|--graph| -g /.test(shown.stdout)) return undefined;
  try {
    const text = await readFile(CONFIG, 'utf8').catch(() => '');
    const { 'data-root': root } = settingsIn(text) as { 'data-root'?: string };
    return root ?? '/var/lib/docker';
  } catch {
    return undefined;
  }
}

/** Whether Docker itself keeps the images: then containerd's database is no more than what runs. */
export async function keepsImagesItself(): Promise<boolean> {
  const root = await dataRoot();
  if (root === undefined) return false;
  const drivers = await readdir(join(root, 'image')).catch(() => []);
  // With images of its own, containerd has snapshots of them, also where Docker had them before.
  const kept = await readdir(CONTAINERD_ROOT).catch(() => []);
  for (const name of kept.filter((one) => one.startsWith('io.containerd.snapshotter.'))) {
    const snapshots = await readdir(join(CONTAINERD_ROOT, name, 'snapshots')).catch(() => []);
    if (snapshots.length > 0) return false;
  }
  return drivers.length > 0;
}

/** Puts a damaged database beside its place; what is made anew there knows nothing. The daemon must not run. */
export async function putAside(database: EngineDatabase, log: Log): Promise<void> {
  const root = await dataRoot();
  if (root === undefined) throw new Error('nobody knows where Docker keeps its databases');
  const paths = {
    networks: [join(root, 'network/files/local-kv.db')],
    volumes: [join(root, 'volumes/metadata.db')],
    // What it has of tasks that have ended is in the way of new ones.
    containerd: [join(CONTAINERD_ROOT, CONTAINERD_DATABASE), ...TASKS],
  }[database];
  const [first = ''] = paths;
  // Before anything: without it, something else is wrong.
  await lstat(first);
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  for (const path of paths) {
    const aside = `${path}.broken-${stamp}`;
    try {
      await rename(path, aside);
      log.warn(`${path} is ${aside} now`);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}
