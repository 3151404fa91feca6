import type { HostContainer } from '../../src/core/watchtower.ts';
import type { Host } from '../../src/host/host.ts';
import type { Service } from '../../src/core/compose-model.ts';
import type { Effect, Read } from './fake-host.ts';
import type { FakeContainer, World } from './fake-world.ts';

/** A container of a Watchtower, beside the cluster unless labels say otherwise. */
export function fakeTower(
  command: readonly string[] = [],
  rest: Partial<HostContainer> = {},
): HostContainer {
  return {
    id: 'tower',
    name: 'watchtower',
    image: 'nickfedor/watchtower:1.21.0',
    labels: {},
    state: 'running',
    command: ['/watchtower', ...command],
    environment: [],
    ...rest,
  };
}

/** What `docker ps` shows: the cluster's containers, and the Watchtowers. */
export function fakeTowers(
  world: World,
  effect: Effect,
  read: Read,
): Pick<Host['engine'], 'hostContainers' | 'pause' | 'unpause'> {
  const change = (id: string, state: HostContainer['state']): void => {
    world.containers = world.containers.map((one) => (one.id === id ? { ...one, state } : one));
    world.towers = world.towers.map((one) => (one.id === id ? { ...one, state } : one));
  };
  return {
    hostContainers: () => read(() => [...world.containers.map(hostContainer), ...world.towers]),
    pause: ({ id }) => effect(() => change(id, 'paused'), undefined, 'memory'),
    unpause: ({ id }) => effect(() => change(id, 'running'), undefined, 'memory'),
  };
}

type Made = Service & { labels?: Record<string, string>; command?: string[] };

function hostContainer(container: FakeContainer): HostContainer {
  const { id, name, image, state, service, configHash } = container;
  // The fake's hash of a service is the service, unless a test has changed it by hand.
  const made = (configHash.startsWith('{') ? JSON.parse(configHash) : {}) as Made;
  const { labels = {}, command = [] } = made;
  const compose = 'com.docker.compose';
  const own = { [`${compose}.project`]: 'autonomy', [`${compose}.service`]: service };
  return { id, name, image, state, command, environment: [], labels: { ...labels, ...own } };
}

/** Notes that the cluster is changed by a transaction while a Watchtower beside it runs. */
export function noteTrespass(world: World, effects: number): void {
  if (!world.files.has('active')) return;
  for (const { name, state } of world.towers) {
    if (state === 'running') world.trespasses.push(`${name} runs at effect ${effects}`);
  }
}
