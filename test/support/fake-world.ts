import type { Volume } from '../../src/core/backup-scope.ts';
import type { ComposeModel } from '../../src/core/compose-model.ts';
import type { ImageAnswer } from '../../src/core/image-look.ts';
import type { Container } from '../../src/core/observe.ts';
import type { HostContainer } from '../../src/core/watchtower.ts';

/** The program died: power cut or kill -9. Nothing it does after this has any effect. */
export class PowerCut extends Error {}

/** A stop signal ended what was under way. */
export class Stopped extends Error {}

/** One commit of the deploy branch. */
export interface FakeRelease {
  readonly model: ComposeModel;
  /** Services whose containers never become healthy in this release. */
  readonly sick?: readonly string[];
  readonly parent?: string;
  /** What the files say that a service mounts. */
  readonly contents?: Readonly<Record<string, string>>;
  readonly changedPaths?: readonly string[];
}

/** A container with what it read of the files it mounts, when it was made. */
export interface FakeContainer extends Container {
  readonly contents: string;
}

/** A machine in memory: what a power cut leaves of it is what is in here. */
export interface World {
  tip: string;
  /** `locked`: a checkout of `to` was cut off in the middle. */
  tree: { commit: string; locked: boolean; to?: string };
  containers: FakeContainer[];
  /** Watchtowers that are not of the cluster. */
  towers: HostContainer[];
  /** When the cluster was changed while one of them ran. */
  readonly trespasses: string[];
  /** Image reference → ID. */
  images: Map<string, string>;
  /** What the registry would give for a reference. */
  readonly registry: Map<string, string>;
  /** IDs that registries still have, by digest alone. */
  readonly former: Set<string>;
  /** IDs of images that never become healthy. */
  readonly sickImages: Set<string>;
  /** What compose is given in the place of the tree's files. */
  pinned: ComposeModel | undefined;
  /** What registries answer otherwise: by reference. */
  readonly answers: Map<string, ImageAnswer>;
  readonly files: Map<string, string>;
  readonly backups: Set<string>;
  readonly partialBackups: Set<string>;
  /** Volumes by name, and what is in each: `live` before anything, `half` or the name of a backup. */
  volumes: Volume[];
  readonly data: Map<string, { readonly identity: string; contents: string }>;
  /** The files in every backup. */
  readonly backedUp: string[];
  /** Files of backups that the disk does not give back as they were: `<backup>/<file>`. */
  readonly rotten: Set<string>;
  readonly releases: Readonly<Record<string, FakeRelease>>;
  clockMs: number;
  engineStartedAtMs: number;
  /** The clock that nobody can set. */
  elapsedMs: number;
  /** Single effects on the world so far. */
  effects: number;
  readonly said: string[];
  nextId: number;
}

export function makeWorld(releases: Readonly<Record<string, FakeRelease>>, start: string): World {
  const world: World = {
    tip: start,
    tree: { commit: start, locked: false },
    containers: [],
    towers: [],
    trespasses: [],
    images: new Map(),
    registry: new Map(),
    answers: new Map(),
    former: new Set(),
    sickImages: new Set(),
    pinned: undefined,
    files: new Map(),
    backups: new Set(),
    partialBackups: new Set(),
    volumes: [dataVolume],
    data: new Map([['/volumes/data', { identity: 'first', contents: 'live' }]]),
    backedUp: [],
    rotten: new Set(),
    releases,
    clockMs: Date.parse('2026-01-01T00:00:00Z'),
    engineStartedAtMs: 0,
    elapsedMs: 0,
    effects: 0,
    said: [],
    nextId: 1,
  };
  for (const { model } of Object.values(releases)) {
    for (const { image } of Object.values(model.services)) {
      if (image) world.registry.set(image, `id:${image}`);
    }
  }
  const { model } = releaseOf(world, start);
  for (const [name, { image = '' }] of Object.entries(model.services)) {
    world.images.set(image, `id:${image}`);
    world.containers.push(newContainer(world, start, name, name));
  }
  return world;
}

export function releaseOf(world: World, commit: string): FakeRelease {
  const release = world.releases[commit];
  if (!release) throw new Error(`no release ${commit}`);
  return release;
}

export const hashOf = (world: World, commit: string, service: string): string =>
  JSON.stringify(modelOf(world, commit).services[service]);

/** What compose makes of the tree at a release. */
export const modelOf = (world: World, commit: string): ComposeModel =>
  world.pinned ?? releaseOf(world, commit).model;

/** The volume that `db` writes to. */
export const dataVolume: Volume = {
  name: 'data',
  driver: 'local',
  mountpoint: '/volumes/data',
  options: {},
  labels: {},
};
const dataMount = { type: 'volume', volume: 'data', source: '/volumes/data', isWritable: true };

/** A container as compose would make it of the tree's release. */
export function newContainer(
  world: World,
  commit: string,
  service: string,
  name: string,
  state: Container['state'] = 'running',
): FakeContainer {
  const image = modelOf(world, commit).services[service]?.image ?? '';
  const imageId = world.images.get(image);
  if (imageId === undefined) throw new Error(`no such image: ${image} (and --pull never)`);
  const isSick =
    world.sickImages.has(imageId) || (releaseOf(world, commit).sick?.includes(service) ?? false);
  return {
    id: `c${world.nextId++}`,
    name,
    service,
    configHash: hashOf(world, commit, service),
    composeVersion: '2.40.3',
    imageId,
    image,
    state,
    health: isSick ? 'unhealthy' : 'healthy',
    exitCode: 0,
    restartCount: 0,
    startedAt: String(world.clockMs),
    finishedAt: '0001-01-01T00:00:00Z',
    restartPolicy: 'always',
    networks: [],
    mounts: service === 'db' ? [dataMount] : [],
    anonymousVolumes: [],
    contents: releaseOf(world, commit).contents?.[service] ?? '',
  };
}

/** The release that the containers are, whole; undefined for anything else. */
export function runningRelease(world: World): string | undefined {
  return Object.keys(world.releases).find((commit) => {
    const wanted = Object.entries(releaseOf(world, commit).model.services);
    return (
      wanted.length === world.containers.length &&
      wanted.every(([name, { image = '' }]) =>
        world.containers.some(
          (container) =>
            container.service === name &&
            container.name === name &&
            container.state === 'running' &&
            container.configHash === hashOf(world, commit, name) &&
            container.contents === (releaseOf(world, commit).contents?.[name] ?? '') &&
            container.imageId === `id:${image}`,
        ),
      )
    );
  });
}

/** The power comes back: Docker starts every container again, which reads what now lies in the tree. */
export function reboot(world: World): void {
  const { commit, locked, to = commit } = world.tree;
  const contentsIn = (release: string, service: string): string =>
    releaseOf(world, release).contents?.[service] ?? '';
  const readBy = (service: string): string => {
    const [from, now] = [contentsIn(commit, service), contentsIn(to, service)];
    return locked && from !== now ? 'half' : from;
  };
  world.clockMs += 60_000;
  // Docker starts it again: nobody has paused it any more.
  world.towers = world.towers.map((one) => ({ ...one, state: 'running' }));
  world.containers = world.containers.map((one) =>
    one.state === 'created'
      ? one
      : { ...one, startedAt: String(world.clockMs), contents: readBy(one.service) },
  );
}
