import type { Observation } from './journal.ts';

/** One container of the cluster, as the Engine API shows it. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** `com.docker.compose.config-hash`: what compose made it from. */
  readonly configHash: string;
  readonly imageId: string;
  /** What the container was told to run, as the model names it. */
  readonly image: string;
  readonly state: ContainerState;
  /** Docker's healthcheck verdict; undefined where the container has none. */
  readonly health: 'starting' | 'healthy' | 'unhealthy' | undefined;
  readonly exitCode: number;
  readonly restartCount: number;
  readonly startedAt: string;
  readonly networks: readonly string[];
  /** The last lines a failing healthcheck printed. */
  readonly healthOutput?: string | undefined;
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
  Record<string, { readonly hash: string; readonly imageId: string }>
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
  if (headCommit === now.commit && matches(containers, now.fingerprint)) return 'NEW';
  if (headCommit === old.commit && matches(containers, old.fingerprint)) return 'OLD';
  return 'MIXED';
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
        (expected.imageId === '' || expected.imageId === container.imageId)
      );
    })
  );
}

/** What to do about containers that an interrupted compose left. */
export type Sweep =
  | { readonly do: 'remove'; readonly container: Container }
  | { readonly do: 'rename'; readonly container: Container; readonly to: string };

/** A name compose gives a container while it replaces another: `<12 hex digits>_<name>`. */
const TEMPORARY_NAME = /^[0-9a-f]{12}_(.+)$/;

/**
 * What an interrupted compose left, and how to clear it. A container that was created and never
 * started goes: the next `up` would trip over its name. One that kept its temporary name runs the
 * service: it gets its proper name if that is free, and goes if another container has it.
 */
export function sweepFor(containers: readonly Container[]): Sweep[] {
  const names = new Set(
    containers.filter(({ state }) => state !== 'created').map(({ name }) => name),
  );
  const sweeps = containers.flatMap((container): Sweep[] => {
    if (container.state === 'created') return [{ do: 'remove', container }];
    const proper = TEMPORARY_NAME.exec(container.name)?.[1];
    if (proper === undefined) return [];
    if (names.has(proper)) return [{ do: 'remove', container }];
    names.add(proper);
    return [{ do: 'rename', container, to: proper }];
  });
  // A name has to be free before another container can have it.
  return sweeps.toSorted((left, right) => (left.do < right.do ? -1 : left.do > right.do ? 1 : 0));
}
