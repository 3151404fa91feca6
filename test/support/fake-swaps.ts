import type { Host } from '../../src/host/host.ts';
import type { Effect, Read } from './fake-host.ts';
import type { World } from './fake-world.ts';

/** Volumes as Docker has them. */
export function fakeVolumes(
  world: World,
  effect: Effect,
  read: Read,
): Pick<Host['engine'], 'volumes' | 'createVolume' | 'removeVolume'> {
  return {
    volumes: () => read(() => [...world.volumes]),
    createVolume: async (name, labels) => {
      const mountpoint = `/volumes/${name}`;
      await effect(() => {
        if (world.volumes.some((volume) => volume.name === name)) return;
        world.volumes.push({ name, driver: 'local', mountpoint, options: {}, labels });
        world.data.set(mountpoint, { identity: `made ${world.nextId++}`, contents: '' });
      });
      return mountpoint;
    },
    removeVolume: (name) =>
      effect(
        () => {
          world.volumes = world.volumes.filter((volume) => volume.name !== name);
          world.data.delete(`/volumes/${name}`);
        },
        undefined,
        'frees',
      ),
  };
}

/** Data that changes places; a container that runs while it does would go on with what it had. */
export function fakeSwaps(world: World, effect: Effect, read: Read): Host['swaps'] {
  const writers = (): string[] =>
    world.containers
      .filter(({ service, state }) => service === 'db' && state === 'running')
      .map(({ name }) => name);
  return {
    identity: (directory) => read(() => world.data.get(directory)?.identity),
    make: (directory) =>
      effect(() => {
        if (world.data.has(directory)) return;
        world.data.set(directory, { identity: `made ${world.nextId++}`, contents: '' });
      }),
    fill: async ({ name }, { other }) => {
      const target = (): { contents: string } => {
        const found = world.data.get(other);
        if (!found) throw new Error(`${other} is not there`);
        return found;
      };
      await effect(() => void (target().contents = 'half'));
      await effect(() => void (target().contents = name));
    },
    exchange: ({ live, other }) =>
      effect(() => {
        if (writers().length > 0)
          throw new Error(`${writers().join(', ')} still writes to ${live}`);
        const [here, there] = [world.data.get(live), world.data.get(other)];
        if (!here || !there) throw new Error(`${live} or ${other} is not there`);
        world.data.set(live, there);
        world.data.set(other, here);
      }),
    remove: (directory) => effect(() => void world.data.delete(directory), undefined, 'frees'),
    isIn: () => read(() => true),
    placeOf: (path) => path,
  };
}
