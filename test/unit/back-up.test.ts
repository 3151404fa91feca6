import t from 'tap';
import { backUp } from '../../src/back-up.ts';
import { configSchema, settleConfig } from '../../src/config/schema.ts';
import type { Host } from '../../src/host/host.ts';
import { fakeHost } from '../support/fake-host.ts';
import { makeWorld } from '../support/fake-world.ts';

const config = settleConfig(configSchema.parse({}));

const labels = (hooks: readonly string[]) => ({
  labels: Object.fromEntries(
    hooks.map((hook) => [`orchestrator-update.backup.${hook}`, `${hook} of`]),
  ),
});
const model = {
  services: {
    db: { image: 'db:1', ...labels(['pre', 'post']) },
    queue: { image: 'queue:1', ...labels(['pre', 'post']) },
    web: { image: 'web:1', ...labels(['post']) },
  },
};

/** A backup of three services, of which something fails; what was run in which container. */
async function hooksOf(fails: 'nothing' | 'a hook' | 'the second copy'): Promise<string[]> {
  const usual = fakeHost(makeWorld({ old: { model } }, 'old'));
  const said: string[] = [];
  const host: Host = {
    ...usual,
    engine: {
      ...usual.engine,
      execute: async ({ service }, script) => {
        said.push(`${script} ${service}`);
        if (fails === 'a hook' && said.length === 1) throw new Error('no room');
      },
    },
    backups: {
      ...usual.backups,
      copyChanged: async () => {
        if (fails === 'the second copy') throw new Error('no room');
      },
    },
  };
  const wish = { name: 'today-old', commit: 'old', model, images: {} };
  await backUp(host, config, wish).catch((error: Error) => said.push(error.message));
  return said;
}

await t.test('who was prepared for a backup is told when it is over', async (t) => {
  const pre = ['pre of db', 'pre of queue'];
  const post = ['post of db', 'post of queue', 'post of web'];
  t.same(await hooksOf('nothing'), [...pre, ...post]);
  t.same(await hooksOf('the second copy'), [...pre, ...post, 'no room'], 'whatever came of it');
  const untouched = ['pre of db', 'post of db', 'post of web', 'no room'];
  t.same(await hooksOf('a hook'), untouched, 'and who was not prepared is not');
});

await t.test('what Docker ended while it was waited for is not waited for', async (t) => {
  const world = makeWorld({ old: { model } }, 'old');
  const usual = fakeHost(world);
  const isHealthy = async () =>
    (await usual.engine.containers()).map((one) => ({ ...one, health: 'healthy' as const }));
  let isOver = false;
  const host: Host = {
    ...usual,
    engine: {
      ...usual.engine,
      containers: async () =>
        (await isHealthy()).map((one) =>
          isOver && one.service === 'db' ? { ...one, state: 'exited', health: 'unhealthy' } : one,
        ),
    },
    freezeGuard: { ...usual.freezeGuard, disarm: async () => void (isOver = true) },
  };
  const startedAt = world.elapsedMs;
  const wish = { name: 'today-old', commit: 'old', model, images: {} };
  await t.rejects(backUp(host, config, wish), {
    message: /^ended after it had been frozen for a backup: db; Docker was restarted/,
    next: /orchestrator-update backup create/,
  });
  t.ok(world.elapsedMs - startedAt < 5000, 'who starts it again waits for the end of this run');
});
