import t from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { Host } from '../../src/host/host.ts';
import type { Outcome } from '../../src/outcome.ts';
import { recover } from '../../src/recover.ts';
import { update } from '../../src/update.ts';
import { fakeHost } from '../support/fake-host.ts';
import { fakeTower } from '../support/fake-towers.ts';
import { makeWorld, newContainer, type FakeRelease, type World } from '../support/fake-world.ts';

const config = settleConfig(
  configSchema.parse({ health: { urls: [], stable_seconds: 3, unhealthy_seconds: 5 } }),
);
const service = (image: string, extra: object = {}) => ({ image, restart: 'always', ...extra });
const job = { image: 'job:1', restart: 'no' };
const releases: Record<string, FakeRelease> = {
  old: { model: { services: { web: service('web:1'), job } } },
  good: { parent: 'old', model: { services: { web: service('web:2'), job } } },
};

function worldAt(tip: string, towers: World['towers'] = [fakeTower()], all = releases): World {
  const world = makeWorld(all, 'old');
  world.tip = tip;
  world.towers = towers;
  return world;
}

const run = (host: Host): Promise<Outcome> =>
  update(host, config, { force: false, isAutomatic: true });

/** Something that happens whenever we wait. */
function whileWaiting(host: Host, act: () => void): Host {
  return {
    ...host,
    sleep: async (seconds) => {
      act();
      await host.sleep(seconds);
    },
  };
}

const stateOf = (world: World): string | undefined => world.towers[0]?.state;

await t.test('one that is making a container anew goes on until it is there', async (t) => {
  const world = worldAt('good');
  const [web] = world.containers;
  const host = fakeHost(world);
  let waits = 0;
  // It has removed the old one, after the plan was made, and makes the new one the second time it may go on.
  const busy = whileWaiting(host, () => {
    if (world.files.has('active') || stateOf(world) !== 'running') return;
    waits += 1;
    if (waits === 2) world.containers.push(newContainer(world, 'old', 'web', 'web'));
  });
  const removing: Host = {
    ...busy,
    engine: {
      ...busy.engine,
      pause: async (tower) => {
        if (waits === 0) world.containers = world.containers.filter((one) => one.id !== web?.id);
        await busy.engine.pause(tower);
      },
    },
  };
  t.match(await run(removing), { result: 'updated' });
  t.equal(waits, 2);
  t.match(world.said.join('\n'), /may be making these anew and goes on for a moment: web/);
  t.same(world.trespasses, []);
  t.equal(stateOf(world), 'running');
});

await t.test('a service that nobody makes is not waited for without an end', async (t) => {
  const world = worldAt('good');
  world.containers = world.containers.filter((one) => one.service !== 'web');
  const before = world.elapsedMs;
  t.match(await run(fakeHost(world)), { result: 'updated' });
  t.match(world.said.join('\n'), /without a container, and no Watchtower makes one: web/);
  t.ok(world.elapsedMs - before < 120_000);
});

await t.test('a job that is done, and what ended long ago, are not waited for', async (t) => {
  for (const [name, agoMs] of [
    ['job', 1000],
    ['web', 600_000],
  ] as const) {
    const world = worldAt('good');
    const finishedAt = new Date(world.clockMs - agoMs).toISOString();
    world.containers = world.containers.map((one) =>
      one.service === name ? { ...one, state: 'exited', finishedAt } : one,
    );
    await run(fakeHost(world));
    t.match(world.said.join('\n'), /paused until it is over/);
    t.notMatch(world.said.join('\n'), /goes on for a moment/, name);
  }
});

await t.test('what it changed after the plan was made is planned again', async (t) => {
  const world = worldAt('good');
  const host = fakeHost(world);
  let pauses = 0;
  const changing: Host = {
    ...host,
    engine: {
      ...host.engine,
      pause: async (tower) => {
        pauses += 1;
        const update = (one: World['containers'][number]) =>
          one.service === 'job' && pauses === 1 ? { ...one, imageId: 'id:newer' } : one;
        world.containers = world.containers.map(update);
        await host.engine.pause(tower);
      },
    },
  };
  t.match(await run(changing), { result: 'updated' });
  const said = world.said.join('\n');
  t.match(said, /changed by somebody else while the update was planned: job; it is planned again/);
  t.equal(pauses, 2);
  t.equal(stateOf(world), 'running');
});

const pause = (): Promise<void> => Promise.reject(new Error('cgroup: no such file'));

await t.test('one that cannot be paused: nothing is begun, and nothing is left', async (t) => {
  const world = worldAt('good');
  const host = fakeHost(world);
  const stuck: Host = { ...host, engine: { ...host.engine, pause } };
  const before = structuredClone(world.containers);
  await t.rejects(run(stuck), {
    message: 'Watchtower cannot be paused: watchtower',
    next: /docker pause watchtower/,
  });
  t.same(world.containers, before);
  t.notOk(world.files.has('active'));
  t.notOk(world.files.has('towers.json'));
});

await t.test(
  'a release that brings one: it is paused until the release is committed',
  async (t) => {
    const watchtower = service('nickfedor/watchtower:2');
    const all: Record<string, FakeRelease> = {
      ...releases,
      brings: { parent: 'old', model: { services: { web: service('web:2'), job, watchtower } } },
    };
    const world = worldAt('brings', [], all);
    const states = new Set<string>();
    const host = whileWaiting(fakeHost(world), () => {
      if (!world.files.has('active')) return;
      for (const one of world.containers) if (one.service === 'watchtower') states.add(one.state);
    });
    t.match(await run(host), { result: 'updated' });
    t.same([...states], ['paused'], 'while it is verified');
    t.match(
      world.containers.filter((one) => one.service === 'watchtower'),
      [{ state: 'running' }],
    );
  },
);

await t.test('one that does not go on is tried again by the next run', async (t) => {
  const world = worldAt('good');
  const host = fakeHost(world);
  const deaf: Host = { ...host, engine: { ...host.engine, unpause: async () => {} } };
  t.match(await run(deaf), { result: 'updated' });
  t.match(
    world.said.join('\n'),
    /left undone: Watchtower does not go on: watchtower; the next run tries again/,
  );
  t.equal(stateOf(world), 'paused');
  await recover(fakeHost(world), config);
  t.equal(stateOf(world), 'running');
  t.notOk(world.files.has('towers.json'));
});

await t.test('one that did not go on is not forgotten for another', async (t) => {
  const stuck = fakeTower(['--scope', 'other'], { id: 'stuck', state: 'paused' });
  const world = worldAt('good', [fakeTower(), stuck]);
  const paused = [{ id: 'stuck', name: 'watchtower' }];
  world.files.set('towers.json', JSON.stringify({ at: '', paused, left: [] }));
  const host = fakeHost(world);
  let deaf = true;
  const unpause: Host['engine']['unpause'] = async (tower) => {
    if (tower.id !== 'stuck' || !deaf) await host.engine.unpause(tower);
  };
  t.match(await run({ ...host, engine: { ...host.engine, unpause } }), { result: 'updated' });
  t.match(world.towers, [{ state: 'running' }, { state: 'paused' }]);
  deaf = false;
  await recover(fakeHost(world), config);
  t.match(world.towers, [{ state: 'running' }, { state: 'running' }]);
});

await t.test('where none watches the cluster nothing of this is done', async (t) => {
  const world = worldAt('good', [fakeTower(['--scope', 'other'])]);
  await run(fakeHost(world));
  const other = worldAt('good', []);
  await run(fakeHost(other));
  t.equal(world.effects, other.effects);
  t.equal(stateOf(world), 'running');
});
