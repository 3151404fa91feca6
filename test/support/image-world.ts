import type { Config } from '../../src/config/schema.ts';
import { configWith } from './approval-world.ts';
import { makeWorld, type FakeRelease, type World } from './fake-world.ts';

type Labels = Readonly<Record<string, string>>;

const model = (web: string, labels: Labels = {}, twin: Labels = {}) => ({
  services: {
    web: { image: web, restart: 'always', labels },
    db: { image: 'db:1', restart: 'always' },
    twin: { image: 'db:1', restart: 'always', labels: twin },
  },
});

export const IMAGES = 'orchestrator-update.images.';

const releases: Readonly<Record<string, FakeRelease>> = {
  old: { model: model('web:1') },
  /** A word in a README. */
  text: { parent: 'old', model: model('web:1'), changedPaths: ['README.md'] },
  next: { parent: 'text', model: model('web:2') },
};

/** A cluster at the tip of its branch, whose last run was long ago. */
export function imageWorld(labels: Labels = {}, ofTwin: Labels = {}): World {
  const old = { model: model('web:1', labels, ofTwin) };
  const world = makeWorld({ ...releases, old }, 'old');
  const at = new Date(world.clockMs).toISOString();
  world.files.set('deployed.json', JSON.stringify({ commit: 'old', at, repository: '/live' }));
  return world;
}

export const builtin = (images: object = {}, more: object = {}): Config =>
  configWith({ images: { mode: 'builtin', ...images }, ...more });

/** Somebody pushes another image under the same name. */
export function push(world: World, reference: string, id: string): void {
  const before = world.registry.get(reference);
  if (before !== undefined) world.former.add(before);
  world.registry.set(reference, id);
}

/** Image IDs of what runs, healthy, by service; what does not is told. */
export function runs(world: World): Record<string, string> {
  return Object.fromEntries(
    world.containers.map(({ service, name, imageId, state, health }) => [
      name,
      state === 'running' && health === 'healthy' ? imageId : `${service} ${state} ${health}`,
    ]),
  );
}

export const before = { web: 'id:web:1', db: 'id:db:1', twin: 'id:db:1' };
