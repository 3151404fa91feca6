import { lstat, mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerdVersion } from '../argv/engine-repair.ts';
import { settingsIn } from '../core/daemon-json.ts';
import { beginsWithContainerd } from '../core/engine-databases.ts';
import { OperatorError } from '../errors.ts';
import { pathExists } from './disk.ts';
import { exec } from './exec.ts';
import type { Log } from './log.ts';
import { replaceFile } from './state-files.ts';

const CONFIG = '/etc/docker/daemon.json';
const ASK_SECONDS = 15;
/** The data of volumes, and what Docker knows of them. */
const VOLUMES = 'volumes';
/** From then on there is no container that would be started, and no image without its layers. */
const FIRST = ['containers', 'image'];
const STORE = 'containerd-snapshotter';
/** dockerd with `userns-remap` keeps everything, volumes too, one directory further down. */
const REMAPPED = /^\d+\.\d+$/;

/**
 * Whether what Docker keeps can be put aside. Asked before anything is ended for it.
 *
 * @throws {OperatorError} where that would lose more than it mends
 */
export async function refuseRoot(root: string): Promise<void> {
  const names = await readdir(root);
  if (names.some((name) => REMAPPED.test(name))) {
    throw new OperatorError(
      `${root} is that of a Docker with userns-remap, whose volumes are further down`,
      `ls -la ${root}`,
    );
  }
  if (await pathExists(join(root, 'swarm', 'docker-state.json'))) {
    throw new OperatorError('this host is of a swarm, which would be left', 'docker node ls');
  }
  await settingsOfStore(root);
}

/**
 * Puts all that Docker keeps, but its volumes, into a directory beside them; Docker begins anew around the volumes. They
 * stay where they are at every moment: a Docker that is started meanwhile finds them. The daemon must not run.
 */
export async function putRootAside(root: string, log: Log): Promise<void> {
  await refuseRoot(root);
  const settings = await settingsOfStore(root);
  if (settings !== undefined) await writeSettings(settings, log);
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const aside = join(root, `broken-${stamp}`);
  const names = await readdir(root);
  const moved = names.filter((name) => name !== VOLUMES && !name.startsWith('broken-'));
  await mkdir(aside, { mode: 0o700 });
  for (const name of new Set([...FIRST.filter((one) => moved.includes(one)), ...moved])) {
    await rename(join(root, name), join(aside, name));
  }
  log.warn(`what was in ${root} is in ${aside} now, but ${VOLUMES}; remove it when all is well`);
}

/**
 * From Docker 29 on, one that begins anew has containerd keep its images: what daemon.json has to say so that it stays
 * with what it had; undefined where that is so already.
 */
async function settingsOfStore(root: string): Promise<Record<string, unknown> | undefined> {
  const { stdout } = await exec(dockerdVersion, { timeoutSeconds: ASK_SECONDS });
  const drivers = await readdir(join(root, 'image')).catch(() => []);
  if (drivers.length === 0 || !beginsWithContainerd(stdout)) return undefined;
  const found = await lstat(CONFIG).catch(() => undefined);
  // Where it is a link, somebody else keeps it.
  if (found !== undefined && !found.isFile()) return undefined;
  const settings = settingsIn(found === undefined ? '' : await readFile(CONFIG, 'utf8'));
  const features = (settings['features'] ?? {}) as Record<string, unknown>;
  if (features[STORE] !== undefined) return undefined;
  return { ...settings, features: { ...features, [STORE]: false } };
}

async function writeSettings(settings: Record<string, unknown>, log: Log): Promise<void> {
  const mode = await stat(CONFIG).then(
    (found) => found.mode & 0o777,
    () => 0o644,
  );
  await replaceFile(CONFIG, `${JSON.stringify(settings, undefined, 2)}\n`, mode);
  log.warn(`${CONFIG} says now that Docker keeps its images itself, as before`);
}
