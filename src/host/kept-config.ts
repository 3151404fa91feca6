import { lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { keepFiles, reloadDocker } from '../argv/engine-upgrade.ts';
import { codeOf } from '../errors.ts';
import { problemOf } from './engine-config.ts';
import { exec } from './exec.ts';
import { replaceFile } from './state-files.ts';

const CONFIG = '/etc/docker/daemon.json';
/** What an engine is configured with. */
const CONFIGURATION = [
  CONFIG,
  '/etc/default/docker',
  '/etc/containerd/config.toml',
  '/etc/systemd/system/docker.service',
  '/etc/systemd/system/docker.service.d',
  '/etc/systemd/system/docker.socket.d',
  '/etc/systemd/system/containerd.service.d',
  '/root/.docker/config.json',
  '/root/.docker/contexts',
];
const CONTAINERD_DATABASE = '/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db';
const SECONDS = 120;
const RELOADED_SECONDS = 10;

/** Keeps the configuration, and what the engine knows of its networks, volumes and containers. */
export async function keepConfig(directory: string, rootDirectory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const containers = join(rootDirectory, 'containers');
  const ids = await readdir(containers).catch(() => []);
  const wanted = [
    ...CONFIGURATION,
    CONTAINERD_DATABASE,
    join(rootDirectory, 'network/files/local-kv.db'),
    join(rootDirectory, 'volumes/metadata.db'),
    ...ids.flatMap((id) =>
      ['config.v2.json', 'hostconfig.json'].map((name) => join(containers, id, name)),
    ),
  ];
  const there: string[] = [];
  for (const path of wanted) {
    if (await lstat(path).catch(() => undefined)) there.push(path);
  }
  await exec(keepFiles(there, directory), { timeoutSeconds: SECONDS });
}

/** Puts back what of the configuration is not as it was kept. What is new there stays. */
export async function putConfigBack(directory: string, isLiveRestoreOurs: boolean): Promise<void> {
  for (const path of CONFIGURATION) await putBack(directory, path);
  if (isLiveRestoreOurs) await writeConfig(directory, { 'live-restore': true });
}

async function putBack(directory: string, path: string): Promise<void> {
  const kept = join(directory, path);
  const found = await lstat(kept).catch(() => undefined);
  if (found?.isDirectory() === true) {
    for (const name of await readdir(kept)) await putBack(directory, join(path, name));
    return;
  }
  // A link is what it was, or somebody meant it to be another.
  if (found?.isFile() !== true) return;
  const [before, now] = await Promise.all([textOf(kept), textOf(path)]);
  if (before === now) return;
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, before ?? '', found.mode & 0o777);
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/** daemon.json as it was kept, with some keys set to something else. */
async function writeConfig(directory: string, keys: Record<string, unknown>): Promise<void> {
  const kept = join(directory, CONFIG);
  const settings = JSON.parse((await textOf(kept)) ?? '{}') as Record<string, unknown>;
  const found = await lstat(kept).catch(() => undefined);
  const text = `${JSON.stringify({ ...settings, ...keys }, undefined, 2)}\n`;
  await replaceFile(CONFIG, text, found === undefined ? 0o644 : found.mode & 0o777);
}

/** Switches live-restore on, where dockerd takes it; the configuration was kept before. */
export async function liveRestoreOn(
  directory: string,
  isOn: () => Promise<boolean>,
): Promise<boolean> {
  const draft = join(directory, 'daemon.json.draft');
  const settings = JSON.parse((await textOf(join(directory, CONFIG))) ?? '{}') as object;
  await replaceFile(draft, JSON.stringify({ ...settings, 'live-restore': true }));
  if ((await problemOf(draft)) !== undefined) return false;
  await writeConfig(directory, { 'live-restore': true });
  return reloaded(async () => isOn());
}

/**
 * Switches it off without a restart, and puts the file back as it was: a file without the key would switch nothing off
 * when it is read again.
 */
export async function liveRestoreOff(
  directory: string,
  isOn: () => Promise<boolean>,
): Promise<void> {
  await writeConfig(directory, { 'live-restore': false });
  await reloaded(async () => !(await isOn()));
  const kept = join(directory, CONFIG);
  const found = await lstat(kept).catch(() => undefined);
  if (found === undefined) await rm(CONFIG, { force: true });
  else await replaceFile(CONFIG, (await textOf(kept)) ?? '', found.mode & 0o777);
}

/** Has dockerd read its configuration again; whether it did, soon. */
async function reloaded(isAsWanted: () => Promise<boolean>): Promise<boolean> {
  const untilMs = performance.now() + RELOADED_SECONDS * 1000;
  await exec(reloadDocker, { timeoutSeconds: SECONDS, accept: [1] }).catch(() => undefined);
  for (;;) {
    if (await isAsWanted().catch(() => false)) return true;
    if (performance.now() > untilMs) return false;
    await wait(200);
  }
}
