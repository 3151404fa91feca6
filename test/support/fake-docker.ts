import type { RemoteImage } from '../../src/core/preflight.ts';
import type { ImageFacts } from '../../src/core/saved-images.ts';
import type { Host } from '../../src/host/host.ts';
import type { Effect, Read } from './fake-host.ts';
import { fakeVolumes } from './fake-swaps.ts';
import { fakeTowers } from './fake-towers.ts';
import type { World } from './fake-world.ts';

/** Docker on the machine in memory. */
export function fakeDocker(
  world: World,
  {
    effect,
    read,
    isAway,
  }: { readonly effect: Effect; readonly read: Read; readonly isAway: () => boolean },
): Host['engine'] {
  return {
    version: () => read(() => 'fake'),
    waitUntilUp: () => read(() => !isAway()),
    containers: (project) =>
      read(() => (project === undefined ? structuredClone(world.containers) : [])),
    watchContainers: () => ({ stop: async () => [] }),
    imageId: (reference) => read(() => world.images.get(reference)),
    tag: (image, reference) =>
      effect(() => void world.images.set(reference, world.images.get(image) ?? image)),
    dropKeptTags: async (keep) => {
      const ours = [...world.images.keys()].filter((tag) => tag.startsWith('orchestrator-update/'));
      for (const tag of ours.filter((name) => !keep.includes(name))) {
        await effect(() => void world.images.delete(tag), undefined, 'frees');
      }
    },
    pull: (reference) =>
      effect(() => {
        const id = world.registry.get(reference) ?? idByDigest(world, reference);
        if (id === undefined) throw new Error(`manifest for ${reference} not found`);
        world.images.set(reference, id);
      }),
    stop: ({ id }) =>
      effect(
        () =>
          void (world.containers = world.containers.map((one) =>
            one.id === id ? { ...one, state: 'exited' } : one,
          )),
      ),
    remoteImage: (reference) => read(() => remoteImage(world, reference)),
    facts: () =>
      read(() => ({
        platform: 'linux/amd64',
        rootDirectory: '/var/lib/docker',
        runtimes: [],
        volumeDrivers: [],
        networkDrivers: [],
        logDrivers: [],
        insecureRegistries: [],
        apiVersion: '',
      })),
    // What `reader` runs was built here: no registry has it.
    imageFacts: (image) => read(() => imageFacts(world, image)),
    loadImage: () => effect(() => {}),
    versions: () =>
      read(() => ({
        dockerd: 'fake',
        containerd: '',
        runc: '',
        storageDriver: '',
        rootDirectory: '',
      })),
    imageVolumes: () => read(() => []),
    fileDigest: () => read(() => undefined),
    exists: () => read(() => true),
    kill: () => effect(() => {}, undefined, 'memory'),
    isPublished: () => read(() => true),
    incarnation: () => read(() => ''),
    startup: () =>
      read(() => ({
        began: new Date(world.engineStartedAtMs).toISOString(),
        ended: new Date(world.engineStartedAtMs + 5000).toISOString(),
      })),
    restart: () => effect(() => {}),
    ...fakeVolumes(world, effect, read),
    execute: () => effect(() => {}, undefined, 'memory'),
    mountedPaths: () => read(() => []),
    ...fakeTowers(world, effect, read),
    dropImage: (reference) => effect(() => void world.images.delete(reference), undefined, 'frees'),
    remove: ({ id }) =>
      effect(
        () => void (world.containers = world.containers.filter((one) => one.id !== id)),
        undefined,
        'frees',
      ),
    rename: ({ id }, name) =>
      effect(
        () =>
          void (world.containers = world.containers.map((one) =>
            one.id === id ? { ...one, name } : one,
          )),
      ),
  };
}

/** A registry tells what an image is by its digest; here that is made of what it gives. */
function remoteImage(world: World, reference: string): RemoteImage {
  const id = world.registry.get(reference);
  const digest = id === undefined ? {} : { digest: `sha256:${id}` };
  return { status: 'there', detail: '', platforms: [], layers: {}, ...digest };
}

/** What `name@sha256:…` names, as long as its registry has it. */
function idByDigest(world: World, reference: string): string | undefined {
  const [, id] = reference.split('@sha256:');
  return [...world.registry.values(), ...world.former].find((one) => one === id);
}

function imageFacts(world: World, image: string): ImageFacts | undefined {
  const id = world.images.get(image) ?? image;
  const names = [...world.images].flatMap(([reference, one]) =>
    one === id && id !== 'id:z:1' ? [reference.split(/[:@]/)[0]] : [],
  );
  if (names.length === 0 && id !== 'id:z:1') return undefined;
  const tags = [...world.images].flatMap(([name, one]) =>
    one === id && !name.includes('@') ? [name] : [],
  );
  return { id, digests: names.map((name) => `${name}@sha256:${id}`), tags, sizeBytes: 1 };
}
