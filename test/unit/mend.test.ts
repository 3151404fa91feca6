import t from 'tap';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import { files } from '../../src/state-names.ts';
import { mendStopped } from '../../src/mend.ts';
import { writeDeployed } from '../../src/records.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeWorld, type FakeContainer, type World } from '../support/fake-world.ts';

const config = settleConfig(configSchema.parse({}));
const service = (name: string) => ({ image: `${name}:1` });

/** A machine whose Docker was started at noon. */
async function worldWith(fields: Record<string, Partial<FakeContainer>>): Promise<World> {
  const names = Object.keys(fields);
  const services = Object.fromEntries(names.map((name) => [name, service(name)]));
  const world = makeWorld({ old: { model: { services } } }, 'old');
  world.engineStartedAtMs = Date.parse('2026-01-01T12:00:00Z');
  world.containers = world.containers.map((one) => ({ ...one, ...fields[one.service] }));
  const deployed = { commit: 'old', at: '2026-01-01T00:00:00Z', repository: '/live' };
  await writeDeployed(fakeHost(world).state, deployed);
  return world;
}

const killed = {
  state: 'exited',
  restartPolicy: 'unless-stopped',
  finishedAt: '2026-01-01T12:00:01.5Z',
} as const;

const statesOf = (world: World): Record<string, string> =>
  Object.fromEntries(world.containers.map(({ service: name, state }) => [name, state]));

await t.test('what Docker left ended is started, and nothing else', async (t) => {
  const world = await worldWith({
    web: killed,
    stopped: { ...killed, finishedAt: '2026-01-01T11:00:00Z' },
    later: { ...killed, finishedAt: '2026-01-01T12:01:00Z' },
    job: { ...killed, restartPolicy: 'no' },
    db: {},
  });
  t.match(await mendStopped(fakeHost(world), config), { exitCode: 0, summary: /started .*: web$/ });
  t.same(statesOf(world), {
    web: 'running',
    stopped: 'exited',
    later: 'exited',
    job: 'exited',
    db: 'running',
  });
  t.equal(await mendStopped(fakeHost(world), config), undefined, 'nothing is left to mend');
});

await t.test('a cluster that nobody looks after yet is not touched', async (t) => {
  const world = await worldWith({ web: killed });
  world.files.clear();
  t.equal(await mendStopped(fakeHost(world), config), undefined);
  t.equal(statesOf(world)['web'], 'exited');
});

await t.test('a Docker that ends again while that is mended is seen to as well', async (t) => {
  const world = await worldWith({ web: killed });
  const usual = fakeHost(world);
  let lives = 1;
  let starts = 0;
  const host = {
    ...usual,
    engine: { ...usual.engine, incarnation: async () => String(lives) },
    compose: {
      ...usual.compose,
      start: async (services: readonly string[]) => {
        starts += 1;
        if (starts === 1) {
          lives += 1;
          throw new Error('Cannot connect to the Docker daemon');
        }
        await usual.compose.start(services);
        // Killed once more, just after it had started them.
        if (starts > 2) return;
        lives += 1;
        world.engineStartedAtMs += 60_000;
        const finishedAt = '2026-01-01T12:01:01.5Z';
        world.containers = world.containers.map((one) => ({ ...one, ...killed, finishedAt }));
      },
    },
  };
  t.match(await mendStopped(host, config), { exitCode: 0, summary: /started .*: web$/ });
  t.equal(starts, 3);
  t.same(statesOf(world), { web: 'running' });
});

await t.test('a Docker that answers and has not said yet that it has started', async (t) => {
  const world = await worldWith({ web: killed });
  const usual = fakeHost(world);
  let asked = 0;
  const startup: typeof usual.engine.startup = async () => {
    asked += 1;
    return asked < 3 ? 'under way' : usual.engine.startup();
  };
  const host = { ...usual, engine: { ...usual.engine, startup } };
  t.match(await mendStopped(host, config), { summary: /started .*: web$/ });
  t.equal(asked, 3);
});

await t.test('what Docker says that it restarts, and has not since it began', async (t) => {
  const restarting = { ...killed, state: 'restarting' } as const;
  const world = await worldWith({
    stuck: { ...restarting, finishedAt: '2026-01-01T11:59:58Z' },
    crashing: { ...restarting, finishedAt: '2026-01-01T12:10:00Z' },
    web: {},
  });
  const usual = fakeHost(world);
  let restarts = 0;
  const restart = async (): Promise<void> => {
    restarts += 1;
    world.containers = world.containers.map((one) =>
      one.service === 'stuck' ? { ...one, state: 'exited' as const } : one,
    );
    await usual.engine.restart();
  };
  const host = { ...usual, engine: { ...usual.engine, restart } };
  t.match(await mendStopped(host, config), { exitCode: 0, summary: /started again .*: stuck$/ });
  t.equal(restarts, 1);
  t.equal(statesOf(world)['stuck'], 'running');

  // The same again, as the run would see it that is started with the next Docker.
  world.containers = world.containers.map((one) =>
    one.service === 'stuck'
      ? { ...one, state: 'restarting' as const, finishedAt: '2026-01-01T11:59:58Z' }
      : one,
  );
  t.equal(await mendStopped(host, config), undefined);
  t.equal(restarts, 1, 'once');
  // Then the engine is to be repaired: once, whatever comes of that.
  t.match(await host.state.read(files.engineStuck), /"stuck":\["stuck"\]/);
  await host.state.remove(files.engineStuck);
  t.equal(await mendStopped(host, config), undefined);
  t.equal(await host.state.read(files.engineStuck), undefined);
  t.equal(restarts, 1);
});
