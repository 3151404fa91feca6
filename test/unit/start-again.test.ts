import t from 'tap';
import type { Container } from '../../src/core/observe.ts';
import type { Host } from '../../src/host/host.ts';
import { startAgain } from '../../src/start-again.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeWorld, type World } from '../support/fake-world.ts';

const services = { web: { image: 'web:1' }, db: { image: 'db:1' } };

/** A Docker that has come back from a kill, and is well again after a restart, or not. */
function worldWith(
  broken: { readonly start?: () => void; readonly web?: (world: World) => Partial<Container> },
  isMended = true,
) {
  const world = makeWorld({ old: { model: { services } } }, 'old');
  const usual = fakeHost(world);
  const done: string[] = [];
  let isBroken = true;
  const host: Host = {
    ...usual,
    compose: {
      ...usual.compose,
      start: async (names) => {
        done.push(`start ${names.join(' ')}`);
        if (isBroken) broken.start?.();
      },
    },
    engine: {
      ...usual.engine,
      isPublished: async (port) => port === 80,
      containers: async () =>
        (await usual.engine.containers()).map((one) =>
          isBroken && one.service === 'web' ? { ...one, ...broken.web?.(world) } : one,
        ),
      restart: async () => {
        done.push('restart Docker');
        isBroken = !isMended;
      },
    },
  };
  return { world, host, done };
}

const taken = (port: number) => () => {
  throw new Error(`Bind for 0.0.0.0:${port} failed: port is already allocated`);
};

/** Two seconds up, and then a moment in which it shows. */
const killed = (exitCode: number) => (world: World) =>
  world.elapsedMs % 2750 < 2500
    ? { restartCount: world.elapsedMs > 2500 ? 1 : 0 }
    : { state: 'restarting' as const, exitCode, restartCount: 2 };

await t.test('what stays up is started, and no more', async (t) => {
  const { world, host, done } = worldWith({});
  await startAgain(host, ['web']);
  t.same(done, ['start web']);
  t.ok(world.elapsedMs < 6000);
});

await t.test('a port that Docker holds for nobody', async (t) => {
  const { host, done } = worldWith({ start: taken(81) });
  await startAgain(host, ['web']);
  t.same(done, ['start web', 'restart Docker', 'start web db'], 'and all that ran comes back');

  await t.test('once, and not for a port that somebody has', async (t) => {
    const still = worldWith({ start: taken(81) }, false);
    const engine = { wasRestarted: false };
    await t.rejects(startAgain(still.host, ['web'], engine), /already allocated/);
    await t.rejects(startAgain(still.host, ['web'], engine), /already allocated/);
    t.equal(still.done.filter((what) => what === 'restart Docker').length, 1);
    const stranger = worldWith({ start: taken(80) });
    await t.rejects(startAgain(stranger.host, ['web']), /already allocated/);
    t.same(stranger.done, ['start web']);
  });
});

await t.test('a Docker that kills what it has started', async (t) => {
  const { host, done } = worldWith({ web: killed(137) });
  await startAgain(host, ['web']);
  t.same(done, ['start web', 'restart Docker', 'start web db']);

  await t.test('and not a service that crashes by itself', async (t) => {
    const crash = worldWith({ web: killed(3) });
    await startAgain(crash.host, ['web']);
    t.same(crash.done, ['start web']);
    t.ok(crash.world.elapsedMs >= 20_000, 'it was looked at for longer');
  });
});
