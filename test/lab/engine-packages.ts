import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { baseImageName, recipeHash } from './base-image.ts';
import { command } from './command.ts';
import { downloadPackages, indexPackages } from './debian-packages.ts';
import { debianSources } from './debian-tree.ts';
import type { LabHost } from './lab-host.ts';
import { withLock } from './lock.ts';
import { debianMirror } from './machine-pool.ts';
import { debCacheDir, diskOf, poolDir, runDir } from './paths.ts';
import { prepareBase } from './prepare.ts';

/** Directories, each a flat apt repository. */
export type EnginePackages = {
  /** What the lab's hosts have. */
  stable: string;
  /** What Debian sid had when it was fetched. */
  unstable: string;
};

const both = ['docker.io', 'docker-cli', 'containerd', 'runc', 'docker-compose', 'docker-buildx'];
const stablePackages = [...both, 'tini'];
/** sid's docker.io takes `tini-static` in the place of `tini`; all else it needs trixie has. */
const unstablePackages = [...both, 'tini-static'];

const lockFile = `${runDir}/engine-packages.lock`;
const directoryPrefix = 'engine-packages-';

/** The engine of the lab's hosts and the next one; fetched once, some seconds, and kept in the pool. */
export async function fetchEnginePackages(): Promise<EnginePackages> {
  await prepareBase();
  const recipe = recipeHash(baseImageName(), stablePackages.join(' '), unstablePackages.join(' '));
  const directory = `${poolDir}/${directoryPrefix}${recipe}`;
  if (!existsSync(directory)) await withLock(lockFile, () => makeRepositories(directory));
  return { stable: `${directory}/stable`, unstable: `${directory}/unstable` };
}

async function makeRepositories(directory: string): Promise<void> {
  if (existsSync(directory)) return;
  for (const name of await readdir(poolDir)) {
    if (name.startsWith(directoryPrefix)) await rm(`${poolDir}/${name}`, { recursive: true });
  }
  const fresh = `${directory}.new`;
  await mkdir(`${fresh}/stable`, { recursive: true });
  await mkdir(`${fresh}/unstable`);
  await gatherStable(`${fresh}/stable`);
  const sid = `deb ${await debianMirror()} sid main\n`;
  await downloadPackages(sid, unstablePackages, `${fresh}/unstable`);
  await indexPackages(`${fresh}/stable`);
  await indexPackages(`${fresh}/unstable`);
  await rename(fresh, directory);
}

/** The very packages the base image was made from, out of the lab's cache unless that was emptied. */
async function gatherStable(directory: string): Promise<void> {
  const missing: string[] = [];
  for (const { name, version, architecture } of await baseVersions(`${directory}/admin`)) {
    const file = `${name}_${version.replace(':', '%3a')}_${architecture}.deb`;
    if (existsSync(`${debCacheDir}/${file}`)) {
      await copyFile(`${debCacheDir}/${file}`, `${directory}/${file}`);
    } else {
      missing.push(`${name}=${version}`);
    }
  }
  if (missing.length === 0) return;
  await downloadPackages(debianSources(await debianMirror()), missing, directory);
}

/** What dpkg in the base image says of the stable packages; `admin` is a directory for as long as it takes. */
async function baseVersions(
  admin: string,
): Promise<{ name: string; version: string; architecture: string }[]> {
  await mkdir(admin);
  const print = ['-R', 'cat /var/lib/dpkg/status', diskOf(baseImageName())];
  await writeFile(`${admin}/status`, (await command('debugfs', print)).stdout);
  const format = '${Package} ${Version} ${Architecture}\n';
  const query = [`--admindir=${admin}`, '-W', '-f', format, ...stablePackages];
  const { stdout } = await command('dpkg-query', query);
  await rm(admin, { recursive: true });
  return stdout.split('\n').map((line) => {
    const [name = '', version = '', architecture = ''] = line.split(' ');
    return { name, version, architecture };
  });
}

const dockerd = '/usr/sbin/dockerd';
const passOn = `exec ${dockerd}.real "$@"`;
/** Who only asks is answered by the real one. */
const answer = `case " $* " in *' --validate '* | *' --version '*) ${passOn} ;; esac`;
const refusal =
  "unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: live-restore";

/** Shell scripts in the place of dockerd. */
const wrappers = {
  /** It ends at once. */
  exits: [answer, "echo 'failed to start daemon: broken by the lab' >&2", 'exit 1'],
  /** It never says that it is ready, and answers nobody. */
  hangs: [answer, 'exec sleep infinity'],
  /** It finds fault with a configuration the one before accepts. */
  'refuses-config': [
    `case " $* " in *' --validate '*) echo "${refusal}" >&2; exit 1 ;; esac`,
    passOn,
  ],
  /** It runs, and sees no image and no container. */
  'other-driver': [answer, `exec ${dockerd}.real "$@" --storage-driver=vfs`],
  /** It runs, and turns older clients away. */
  'new-api': ['export DOCKER_MIN_API_VERSION=1.44', passOn],
} as const;

/** How an engine is broken: a dockerd of `wrappers`, or a containerd that can start no container. */
export type BrokenKind = keyof typeof wrappers | 'no-shim';

const wrapperOf = (kind: BrokenKind): string | undefined =>
  kind === 'no-shim' ? undefined : ['#!/bin/sh', ...wrappers[kind], ''].join('\n');

/** A flat apt repository with one package, newer than sid's own and broken; made once, some seconds. */
export async function brokenEnginePackages(kind: BrokenKind): Promise<string> {
  const { unstable } = await fetchEnginePackages();
  const recipe = recipeHash(kind, wrapperOf(kind) ?? '');
  const directory = `${unstable}-${kind}-${recipe}`;
  if (existsSync(directory)) return directory;
  await withLock(lockFile, async () => {
    if (existsSync(directory)) return;
    const fresh = `${directory}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh);
    await buildBroken(kind, unstable, fresh);
    await indexPackages(fresh);
    await rename(fresh, directory);
  });
  return directory;
}

async function buildBroken(kind: BrokenKind, from: string, to: string): Promise<void> {
  const name = kind === 'no-shim' ? 'containerd' : 'docker.io';
  const archive = (await readdir(from)).find((file) => file.startsWith(`${name}_`));
  if (archive === undefined) throw new Error(`${from} has no ${name}`);
  const tree = `${to}/tree`;
  await command('dpkg-deb', ['-R', `${from}/${archive}`, tree]);
  const control = await readFile(`${tree}/DEBIAN/control`, 'utf8');
  await writeFile(`${tree}/DEBIAN/control`, control.replace(/^Version: .*$/m, '$&+lab1'));
  // dpkg makes its own when it unpacks: what it then verifies is what was meant to be there.
  await rm(`${tree}/DEBIAN/md5sums`);
  const wrapper = wrapperOf(kind);
  if (wrapper === undefined) {
    await rm(`${tree}/usr/bin/containerd-shim-runc-v2`);
  } else {
    await rename(`${tree}${dockerd}`, `${tree}${dockerd}.real`);
    await writeFile(`${tree}${dockerd}`, wrapper, { mode: 0o755 });
  }
  const built = `${to}/${archive.replace(/_[^_]*(?=_)/, '$&+lab1')}`;
  // Quick rather than small.
  const pack = ['--root-owner-group', '-Zgzip', '-z1', '-b', tree, built];
  await command('dpkg-deb', pack, { timeoutSeconds: 120 });
  await rm(tree, { recursive: true });
}

export type EngineOffer = keyof EnginePackages | BrokenKind;

const guestDir = '/srv/engine-packages';

/**
 * Lets apt on a host install from these and nothing else: the newest offered is its candidate. What was offered before and
 * is not now is gone for apt; packages that are installed stay.
 */
export async function offerEnginePackages(
  host: LabHost,
  which: readonly EngineOffer[],
): Promise<void> {
  const packages = await fetchEnginePackages();
  for (const offer of which) {
    const isWhole = offer === 'stable' || offer === 'unstable';
    const directory = isWhole ? packages[offer] : await brokenEnginePackages(offer);
    await host.copyIn(directory, `${guestDir}/${offer}`);
  }
  const sources = which.map((offer) => `deb [trusted=yes] file:${guestDir}/${offer} ./\n`);
  const forget = 'rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*';
  await host.bash(forget, { reject: true });
  await host.writeFile('/etc/apt/sources.list.d/engine-lab.list', sources.join(''));
  await host.run('apt-get', ['-qq', 'update'], { reject: true });
}
