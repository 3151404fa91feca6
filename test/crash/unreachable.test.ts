import t from 'tap';
import { update } from '../../src/update.ts';
import { broken, config, worldAt } from '../support/crash-world.ts';
import { fakeHost } from '../support/fake-host.ts';

const options = { force: false, isAutomatic: true };
const url = 'http://localhost:8082/health';
const probing = { ...config, health: { ...config.health, urls: [url], timeout_seconds: 10 } };

/** A way back after which a port is not answered until something is done about it. */
async function rollBackTo(mends: 'compose' | 'engine' | 'nothing') {
  const world = worldAt('bad');
  const host = fakeHost(world);
  const done: string[] = [];
  let isReachable = true;
  const doing = (what: string, act: () => Promise<void>) => async (): Promise<void> => {
    done.push(what);
    isReachable ||= mends === what;
    await act();
  };
  const outcome = await update(
    {
      ...host,
      git: {
        ...host.git,
        checkoutBack: async (commit, leaving) => {
          isReachable = done.some((what) => what === mends);
          await host.git.checkoutBack(commit, leaving);
        },
      },
      compose: { ...host.compose, restart: doing('compose', () => host.compose.restart([])) },
      engine: { ...host.engine, restart: doing('engine', () => host.engine.restart()) },
      probe: async () => ({ url, ok: isReachable, detail: 'read ECONNRESET' }),
    },
    probing,
    options,
  );
  return { outcome, done, world };
}

await t.test('an old release that runs and is not reached is started again', async (t) => {
  const { outcome, done, world } = await rollBackTo('compose');
  t.match(outcome, { result: 'rolled back', exitCode: 12 });
  t.same(done, ['compose']);
  t.equal(broken(world, ['old']), undefined);
});

await t.test('and Docker, where that does not help', async (t) => {
  const { outcome, done, world } = await rollBackTo('engine');
  t.match(outcome, { result: 'rolled back', exitCode: 12 });
  t.same(done, ['compose', 'engine']);
  t.equal(broken(world, ['old']), undefined);
});

await t.test('then a person is asked for', async (t) => {
  const { outcome, done } = await rollBackTo('nothing');
  t.match(outcome, { result: 'needs operator', exitCode: 13 });
  t.same(done, ['compose', 'engine']);
});
