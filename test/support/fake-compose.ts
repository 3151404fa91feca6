import type { UpOptions } from '../../src/argv/compose.ts';
import type { Host } from '../../src/host/host.ts';
import type { Effect } from './fake-host.ts';
import { hashOf, modelOf, newContainer, releaseOf, type World } from './fake-world.ts';

type Read = <Value>(value: () => Value) => Promise<Value>;

/** Compose as it was seen to behave: one container at a time, through a temporary name. */
export function fakeCompose(world: World, effect: Effect, read: Read): Host['compose'] {
  return {
    version: () => read(() => '2.40.3'),
    resolve: ({ commit }) =>
      read(() => ({ model: releaseOf(world, commit).model, warnings: [], unset: [] })),
    allServices: ({ commit }) => read(() => Object.keys(releaseOf(world, commit).model.services)),
    hashes: (model) =>
      read(() => {
        const entries = Object.entries(model.services);
        return Object.fromEntries(entries.map(([name, one]) => [name, JSON.stringify(one)]));
      }),
    pin: (model) => effect(() => void (world.pinned = model)),
    up: (options) => up(world, effect, options),
    start: (services) =>
      effect(
        () =>
          void (world.containers = world.containers.map((one) =>
            services.includes(one.service) ? { ...one, state: 'running' } : one,
          )),
      ),
    restart: async (services) => {
      for (const name of services) {
        await effect(() => {
          world.containers = world.containers.map((one) =>
            one.service === name ? restarted(world, one) : one,
          );
        });
      }
    },
    down: async () => {
      for (const { id } of world.containers) await remove(world, effect, id);
    },
    build: () => effect(() => {}),
    upBeside: () => effect(() => {}),
    downBeside: () => effect(() => {}),
    recipe: () => 'docker compose up -d',
  };
}

/** The same container, with what the files of the tree say now. */
function restarted(world: World, container: World['containers'][number]): typeof container {
  const { contents } = newContainer(world, world.tree.commit, container.service, container.name);
  return { ...container, contents, state: 'running', startedAt: String(world.clockMs) };
}

async function up(
  world: World,
  effect: Effect,
  { services, removeOrphans, forceRecreate = false }: UpOptions,
): Promise<void> {
  if (world.tree.locked) throw new Error('compose.yml: half of a file');
  const { commit } = world.tree;
  const model = modelOf(world, commit);
  if (removeOrphans) {
    const orphans = world.containers.filter(({ service }) => !(service in model.services));
    for (const { id } of orphans) await remove(world, effect, id);
  }
  const names = services.length > 0 ? services : Object.keys(model.services);
  for (const name of names) await converge(world, effect, { commit, name, forceRecreate });
}

async function converge(
  world: World,
  effect: Effect,
  { commit, name, forceRecreate }: { commit: string; name: string; forceRecreate: boolean },
): Promise<void> {
  const image = modelOf(world, commit).services[name]?.image ?? '';
  const all = world.containers.filter((one) => one.service === name);
  const old = all.find((one) => one.state !== 'created') ?? all[0];
  const change = (id: string, fields: object): void => {
    world.containers = world.containers.map((one) => (one.id === id ? { ...one, ...fields } : one));
  };
  const start = (id: string): Promise<void> =>
    effect(() => change(id, { state: 'running', startedAt: String(world.clockMs) }));
  const isCurrent =
    old?.configHash === hashOf(world, commit, name) && old.imageId === world.images.get(image);
  if (old && isCurrent && !forceRecreate && old.state === 'paused') {
    throw new Error('cannot start a paused container, try unpause instead');
  }
  if (old && isCurrent && !forceRecreate)
    return old.state === 'running' ? undefined : start(old.id);
  const temporary = `0123456789ab_${name}`;
  // What compose 2.26 does when an earlier one was killed in between.
  if (world.containers.some((one) => one.name === temporary)) {
    throw new Error(`Conflict. The container name "/${temporary}" is already in use`);
  }
  const made = newContainer(world, commit, name, old ? temporary : name, 'created');
  await effect(() => void world.containers.push(made));
  if (old) await remove(world, effect, old.id);
  await effect(() => change(made.id, { name }));
  await start(made.id);
}

function remove(world: World, effect: Effect, id: string): Promise<void> {
  return effect(() => void (world.containers = world.containers.filter((one) => one.id !== id)));
}
