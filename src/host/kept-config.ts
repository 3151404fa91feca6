import { lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { keepFiles, reloadDocker } from '../argv/engine-upgrade.ts';
import { syncFilesystem } from '../argv/files.ts';
import { liveRestoreLeft } from '../core/live-restore.ts';
import { settingsIn } from '../core/daemon-json.ts';
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
    '/root/.docker/config.json',
    '/root/.docker/contexts',
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
  // A power cut a moment later must not find them empty; nor the packages, on the same disk.
  await exec(syncFilesystem(directory), { timeoutSeconds: SECONDS });
}

/** Puts back what of the configuration is not as it was kept. What is new there stays. */
export async function putConfigBack(directory: string, isLiveRestoreOurs: boolean): Promise<void> {
  for (const path of CONFIGURATION) await putBack(directory, path, isLiveRestoreOurs);
}

async function putBack(directory: string, path: string, isLiveRestoreOurs: boolean): Promise<void> {
  const kept = join(directory, path);
  const found = await lstat(kept).catch(() => undefined);
  if (found?.isDirectory() === true) {
    for (const name of await readdir(kept))
      await putBack(directory, join(path, name), isLiveRestoreOurs);
    return;
  }
  // A link is what it was, or somebody meant it to be another.
  if (found?.isFile() !== true) return;
  const wanted =
    isLiveRestoreOurs && path === CONFIG ? await keptWith(directory, true) : await textOf(kept);
  if (wanted === undefined || wanted === (await textOf(path))) return;
  const live = await lstat(path).catch(() => undefined);
  if (live?.isSymbolicLink() === true) return;
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, wanted, found.mode & 0o777);
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}

/** daemon.json as it was kept, with live-restore. */
async function keptWith(directory: string, liveRestore: boolean): Promise<string> {
  const settings = settingsIn(await textOf(join(directory, CONFIG)));
  return `${JSON.stringify({ ...settings, 'live-restore': liveRestore }, undefined, 2)}\n`;
}

async function modeOf(directory: string): Promise<number> {
  const found = await lstat(join(directory, CONFIG)).catch(() => undefined);
  return found === undefined ? 0o644 : found.mode & 0o777;
}

/**
 * Switches live-restore on, where dockerd takes it; the configuration was kept before. Where the file is a link,
 * somebody else keeps it: it is left alone.
 */
export async function liveRestoreOn(
  directory: string,
  isOn: () => Promise<boolean>,
): Promise<boolean> {
  const found = await lstat(CONFIG).catch(() => undefined);
  if (found !== undefined && !found.isFile()) return false;
  const text = await keptWith(directory, true);
  const draft = join(directory, 'daemon.json.draft');
  await replaceFile(draft, text);
  if ((await problemOf(draft)) !== undefined) return false;
  await replaceFile(CONFIG, text, await modeOf(directory));
  return reloaded(isOn);
}

/**
 * Switches it off without a restart, and puts the file back as it was: a file without the key would switch nothing off
 * when it is read again. What somebody else has written there meanwhile stays.
 *
 * @returns what a person has to know of it where it is on still; undefined where it is off
 */
export async function liveRestoreOff(
  directory: string,
  isOn: () => Promise<boolean>,
): Promise<string | undefined> {
  const found = await lstat(CONFIG).catch(() => undefined);
  const kept = await textOf(join(directory, CONFIG));
  if (found?.isFile() === true && (await isOurs(directory))) {
    const mode = await modeOf(directory);
    if (await isOn().catch(() => false)) {
      await replaceFile(CONFIG, await keptWith(directory, false), mode);
      await reloaded(async () => !(await isOn()));
    }
    if (kept === undefined) await rm(CONFIG, { force: true });
    else await replaceFile(CONFIG, kept, mode);
  }
  return liveRestoreLeft(await isOn().catch(() => undefined), await isWritten());
}

/** Whether daemon.json switches live-restore on; undefined where it cannot be read. */
async function isWritten(): Promise<boolean | undefined> {
  try {
    return settingsIn(await textOf(CONFIG))['live-restore'] === true;
  } catch {
    return undefined;
  }
}

/** Whether daemon.json is what we have made of it. */
async function isOurs(directory: string): Promise<boolean> {
  const now = await textOf(CONFIG);
  return now === (await keptWith(directory, true)) || now === (await keptWith(directory, false));
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
