import type { Observation } from './journal.ts';

/** One container of the cluster, as the Engine API shows it. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** `com.docker.compose.config-hash`: what compose made it from. */
  readonly configHash: string;
  /** The docker compose that made it. */
  readonly composeVersion: string;
  readonly imageId: string;
  /** What the container was told to run, as the model names it. */
  readonly image: string;
  readonly state: ContainerState;
  /** Docker's healthcheck verdict; undefined where the container has none. */
  readonly health: 'starting' | 'healthy' | 'unhealthy' | undefined;
  readonly exitCode: number;
  readonly restartCount: number;
  readonly startedAt: string;
  /** ISO 8601; long ago where it never ended. */
  readonly finishedAt: string;
  /** `no`, `always`, `unless-stopped` or `on-failure`. */
  readonly restartPolicy: string;
  readonly networks: readonly string[];
  /** Its address in one of them. */
  readonly address?: string | undefined;
  readonly mounts: readonly ContainerMount[];
  /** Where anonymous volumes are mounted: only this container still knows them. */
  readonly anonymousVolumes: readonly string[];
  /** The last lines a failing healthcheck printed. */
  readonly healthOutput?: string | undefined;
  /** A Watchtower that is paused while a transaction acts: it counts as running. */
  readonly isHeldStill?: true;
}

/** What a container has mounted of this host. */
export interface ContainerMount {
  readonly type: string;
  /** Docker's name of a volume; undefined for a bind. */
  readonly volume: string | undefined;
  /** The path on this host. */
  readonly source: string;
  readonly isWritable: boolean;
}

export type ContainerState =
  | 'created'
  | 'running'
  | 'paused'
  | 'restarting'
  | 'removing'
  | 'exited'
  | 'dead';

/** What a release's containers look like: per service the hash and image compose gives them. */
export type Fingerprint = Readonly<
  Record<
    string,
    {
      readonly hash: string;
      readonly imageId: string;
      /** The container that was there before; one that reads changed files has to be another. */
      readonly notId?: string;
    }
  >
>;

/** The fingerprint of what runs, for the release that is being left. */
export function fingerprintOf(containers: readonly Container[]): Fingerprint {
  return Object.fromEntries(
    containers.map(({ service, configHash, imageId }) => [service, { hash: configHash, imageId }]),
  );
}

/**
 * Classifies what runs. Containers that match neither release, leftovers of an interrupted
 * compose and a work tree at another commit than the containers all make it MIXED.
 */
export function classify(
  containers: readonly Container[],
  headCommit: string,
  old: { commit: string; fingerprint: Fingerprint },
  now: { commit: string; fingerprint: Fingerprint },
): Observation {
  if (containers.length === 0) return 'NONE';
  if (sweepFor(containers).length > 0) return 'MIXED';
  if (headCommit === now.commit && matches(containers, now.fingerprint)) return 'NEW';
  if (headCommit === old.commit && matches(containers, old.fingerprint)) return 'OLD';
  return 'MIXED';
}

/**
 * The same of a release that brings data with it: it is what it is only with the right data. Where only
 * the data is another, that alone tells.
 */
export function withData(
  observed: Observation,
  { from, to }: { readonly from: string; readonly to: string },
  data: 'in' | 'out' | 'mixed',
): Observation {
  if (observed !== 'OLD' && observed !== 'NEW') return observed;
  if (data === 'mixed') return 'MIXED';
  const is = data === 'in' ? 'NEW' : 'OLD';
  // Both look the same, and what runs matches both.
  return from === to || observed === is ? is : 'MIXED';
}

function matches(containers: readonly Container[], fingerprint: Fingerprint): boolean {
  const services = new Set(containers.map((container) => container.service));
  const complete = Object.keys(fingerprint).every((service) => services.has(service));
  return (
    complete &&
    containers.every((container) => {
      const expected = fingerprint[container.service];
      return (
        expected !== undefined &&
        container.state !== 'created' &&
        expected.hash === container.configHash &&
        expected.notId !== container.id &&
        (expected.imageId === '' || expected.imageId === container.imageId)
      );
    })
  );
}

/** The time Docker took to start, ISO 8601, UTC. */
export interface Startup {
  readonly began: string;
  readonly ended: string;
}

/**
 * Containers that ended with Docker's own end, although they are to be restarted: while it starts, Docker
 * notes those that ended with its last life. What a person stops ends before or after that.
 */
export function endedWithEngine(
  containers: readonly Container[],
  { began, ended }: Startup,
): Container[] {
  return containers.filter(
    ({ state, restartPolicy, finishedAt }) =>
      state === 'exited' &&
      (restartPolicy === 'always' || restartPolicy === 'unless-stopped') &&
      began <= finishedAt &&
      finishedAt < ended,
  );
}

/**
 * Containers that Docker takes for ones it is about to start again, and never does: it was ended while it waited for
 * that, and its next life waits for nothing. What runs of one may live on without a port (26.1.5, seen in 1 of 120 kills).
 */
export function stuckSince(containers: readonly Container[], { began }: Startup): Container[] {
  return containers.filter(({ state, finishedAt }) => state === 'restarting' && finishedAt < began);
}

/** What to do about containers that an interrupted compose left. */
export type Sweep =
  | { readonly do: 'remove'; readonly container: Container }
  | { readonly do: 'unpause'; readonly container: Container }
  | { readonly do: 'rename'; readonly container: Container; readonly to: string };

/** A name compose gives a container while it replaces another: `<12 hex digits>_<name>`. */
const TEMPORARY_NAME = /^[0-9a-f]{12}_(.+)$/;

/**
 * What an interrupted compose left, and how to clear it. A container that was created and never
 * started goes when another of its service is there: the next `up` would trip over its name. When
 * it is the only one it stays, under its proper name: it alone still holds the anonymous volumes of
 * the one it was to replace, and `up` hands them on. One that runs under its temporary name gets
 * its proper name if that is free, and goes if another container has it. A paused one goes on: `up`
 * would stumble over it, and whoever paused it for a backup may have died meanwhile.
 */
export function sweepFor(containers: readonly Container[]): Sweep[] {
  const started = containers.filter(({ state }) => state !== 'created');
  const names = new Set(started.map(({ name }) => name));
  const services = new Set(started.map(({ service }) => service));
  const sweeps = containers.flatMap((container): Sweep[] => {
    const proper = TEMPORARY_NAME.exec(container.name)?.[1];
    const isSpare = container.state === 'created' && services.has(container.service);
    if (isSpare) return [{ do: 'remove', container }];
    if (proper === undefined)
      return container.state === 'paused' ? [{ do: 'unpause', container }] : [];
    if (names.has(proper)) return [{ do: 'remove', container }];
    names.add(proper);
    return [{ do: 'rename', container, to: proper }];
  });
  // A name has to be free before another container can have it.
  return sweeps.toSorted(
    (left, right) => Number(right.do === 'remove') - Number(left.do === 'remove'),
  );
}
