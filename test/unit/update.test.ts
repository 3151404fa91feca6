import t from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { Host } from '../../src/host/host.ts';
import { update } from '../../src/update.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeWorld, type World } from '../support/fake-world.ts';

const config = settleConfig(configSchema.parse({ health: { urls: [], stable_seconds: 3 } }));

const releases = {
  old: { model: { services: { web: { image: 'web:1' } } } },
  good: { parent: 'old', model: { services: { web: { image: 'web:2' } } } },
};

function worldAt(tip: string): World {
  const world = makeWorld(releases, 'old');
  world.tip = tip;
  return world;
}

/** A host whose remote answers this often, and then no more. */
function withRemoteGoneAfter(world: World, answers: number): Host {
  const host = fakeHost(world);
  let left = answers;
  const ask = async (): Promise<string> => {
    left -= 1;
    if (left < 0) throw new Error('could not resolve host git.lab');
    return world.tip;
  };
  return { ...host, git: { ...host.git, tip: ask, fetch: ask } };
}

await t.test('a remote that goes away after the update leaves it a success', async (t) => {
  const world = worldAt('good');
  const outcome = await update(withRemoteGoneAfter(world, 1), config, {
    force: false,
    isAutomatic: true,
  });
  t.match(outcome, { result: 'updated', exitCode: 0, to: 'good' });
  t.match(world.said.join('\n'), /cannot be followed further now: could not resolve host/);
});

await t.test('a remote that is away from the start is a failure', async (t) => {
  const world = worldAt('good');
  const run = update(withRemoteGoneAfter(world, 0), config, { force: false, isAutomatic: true });
  await t.rejects(run, { message: /could not resolve/ });
  t.equal(world.tree.commit, 'old');
});

await t.test('an update is told where only the update manager has somebody to tell', async (t) => {
  for (const isManaged of [false, true]) {
    const host = fakeHost(worldAt('good'));
    if (isManaged) await host.state.write('watch/update_config.yaml', '{}');
    await update(host, config, { force: false, isAutomatic: true });
    const told = await host.state.list('untold');
    t.equal(told.length, isManaged ? 1 : 0, told.join());
  }
});
