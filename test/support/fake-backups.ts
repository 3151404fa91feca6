import { isInPart } from '../../src/core/verification.ts';
import type { Host } from '../../src/host/host.ts';
import type { Effect, Read } from './fake-host.ts';
import type { World } from './fake-world.ts';

const manifest = (name: string) => ({
  schema: 2 as const,
  name,
  createdAt: '',
  commit: name.split('-')[1] ?? '',
  project: 'fake',
  projectPath: 'fake',
  sizeBytes: 0,
  files: 0,
  images: {},
  seconds: 0,
  volumes: ['data'],
  mtreeDigest: 'digest',
});

/** Backups that can be cut off half-way, and so can their removal. */
export function fakeBackups(world: World, effect: Effect, read: Read): Host['backups'] {
  return {
    workTree: { path: '/live', place: '', excluded: [] },
    begin: async (name, sources) => {
      await effect(() => void world.partialBackups.add(name));
      const draft = { name, sources, directory: '', startedAt: '', sizeBytes: 0, files: 0 };
      return { ...draft, looks: new Map(), base: undefined };
    },
    saveImages: async (_draft, images) => {
      // One by one, as the real one does.
      for (const { id } of images) await effect(() => void world.said.push(`saved ${id}`));
    },
    keepEngine: () => effect(() => {}),
    copy: () => effect(() => {}),
    copyChanged: () => effect(() => {}),
    dump: () => effect(() => {}),
    distrust: () => effect(() => {}),
    finish: async ({ name }) => {
      await effect(() => {
        world.partialBackups.delete(name);
        world.backups.add(name);
      });
      return manifest(name);
    },
    verify: () => read(() => []),
    sample: ({ name }, part) =>
      read(() => {
        const paths = world.backedUp.filter((path) => isInPart(path, part));
        const rotten = paths.filter((path) => world.rotten.has(`${name}/${path}`));
        const problems = rotten.map((path) => `${path}: its content differs`);
        return { files: paths.length, bytes: paths.length, problems };
      }),
    restore: () => read(() => []),
    layOut: () => read(() => ({ directory: '', problems: [] })),
    readModel: () => read(() => ({ services: {} })),
    treeIn: (directory) => directory,
    neededBytes: () => read(() => 0),
    list: () => read(() => [...world.backups].toSorted().toReversed().map(manifest)),
    removePartial: (name) =>
      effect(() => void world.partialBackups.delete(name), undefined, 'frees'),
    prune: async (keep) => {
      const old = [...world.backups].toSorted().slice(0, -keep);
      for (const name of old) {
        await effect(() => {
          world.backups.delete(name);
          world.partialBackups.add(name);
        });
      }
      await effect(() => world.partialBackups.clear(), undefined, 'frees');
      return old;
    },
    sweep: () => effect(() => world.partialBackups.clear(), undefined, 'frees'),
  };
}
