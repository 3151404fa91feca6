import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { Outcome } from '../../src/outcome.ts';
import { recover } from '../../src/recover.ts';
import { update } from '../../src/update.ts';
import { fakeHost, type Disturbance } from './fake-host.ts';
import { makeWorld, reboot, runningRelease, type FakeRelease, type World } from './fake-world.ts';

export const config = settleConfig(
  configSchema.parse({ health: { urls: [], stable_seconds: 3, unhealthy_seconds: 5 } }),
);
const service = (image: string, extra: object = {}) => ({ image, restart: 'always', ...extra });
const conf = { volumes: [{ type: 'bind', source: '/live/conf' }] };
export const old = {
  model: {
    services: {
      web: service('web:1'),
      db: service('db:1', conf),
      gone: service('x:1'),
      reader: service('z:1', {
        volumes: [{ type: 'bind', source: '/live/rules' }],
        labels: { 'orchestrator-update.on-file-change': 'restart' },
      }),
    },
  },
};
export const releases: Record<string, FakeRelease> = {
  old,
  good: {
    parent: 'old',
    model: {
      services: {
        web: service('web:2'),
        db: service('db:1', { environment: { A: '1' } }),
        added: service('y:1'),
      },
    },
  },
  better: {
    parent: 'good',
    model: { services: { web: service('web:2'), db: service('db:1'), added: service('y:1') } },
  },
  bad: {
    parent: 'old',
    model: {
      services: { web: service('web:3'), db: service('db:1', { environment: { A: '2' } }) },
    },
    sick: ['web'],
  },
  text: { parent: 'old', ...old },
  // The same model; a file that db mounts is another.
  mounted: { ...old, parent: 'old', contents: { db: 'new' }, changedPaths: ['conf/db.conf'] },
  // The same for a service that is to be restarted: no container tells whether that was done.
  restarted: { ...old, parent: 'old', contents: { reader: 'new' }, changedPaths: ['rules/a.yml'] },
  // Another model of the service that mounts it, too.
  both: {
    parent: 'old',
    model: { services: { ...old.model.services, db: service('db:2', conf) } },
    contents: { db: 'new' },
    changedPaths: ['conf/db.conf', 'docker-compose.yml'],
  },
};

/** A release, and those that may run after any fault on the way to it. */
export const tips = [
  ['good', ['old', 'good']],
  ['bad', ['old']],
  ['mounted', ['old', 'mounted']],
  ['restarted', ['old', 'restarted']],
  ['both', ['old', 'both']],
] as const;

export const run = (world: World, disturbance?: Disturbance): Promise<Outcome> =>
  update(fakeHost(world, disturbance), config, { force: false, isAutomatic: true });

export function worldAt(tip: string): World {
  const world = makeWorld(releases, 'old');
  world.tip = tip;
  // More than are kept: some go when an update is committed.
  for (let day = 1; day <= 9; day++) world.backups.add(`2025010${day}T000000Z-old`);
  return world;
}

/** How many effects an undisturbed run has: each of them can be the last. */
export async function effectsOf(tip: string): Promise<number> {
  const world = worldAt(tip);
  await run(world);
  return world.effects;
}

/** The promise, as an operator would check it. */
export function broken(world: World, allowed: readonly string[]): string | undefined {
  const running = runningRelease(world);
  if (running === undefined) {
    return `containers are no whole release: ${world.containers.map((c) => `${c.name} ${c.state} ${c.image}`).join(', ')}`;
  }
  if (!allowed.includes(running)) return `${running} runs, not one of ${allowed.join(', ')}`;
  const sameModel =
    running === world.tree.commit ||
    releases[running]?.model === releases[world.tree.commit]?.model;
  if (!sameModel) return `the tree is at ${world.tree.commit}, the containers at ${running}`;
  if (world.tree.locked) return 'a lock was left in the work tree';
  if (world.files.has('active')) return 'the journal is still open';
  if (world.files.has('needs-operator.json')) return 'an operator is needed for nothing';
  if (world.files.has('frozen.json')) return 'somebody is still frozen';
  if (world.partialBackups.size > 0) return 'half a backup was left';
  return undefined;
}

/**
 * The same where the disk fails or the journal is lost: then what could not be removed of a backup goes
 * when the next one is made, and the record of who was frozen with the next run.
 */
export function brokenButBackups(world: World, allowed: readonly string[]): string | undefined {
  const files = new Map([...world.files].filter(([name]) => name !== 'frozen.json'));
  return broken({ ...world, files, partialBackups: new Set() }, allowed);
}

/** A whole life: disturbed runs, then the boot unit, then the next timer runs. */
export async function live(tip: string, disturbances: readonly Disturbance[]): Promise<World> {
  const world = worldAt(tip);
  for (const disturbance of disturbances) {
    await run(world, disturbance).catch(() => {});
    reboot(world);
  }
  await recover(fakeHost(world), config);
  return world;
}
