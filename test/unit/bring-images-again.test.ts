import t from 'tap';
import { rollBackByHand } from '../../src/roll-back-by-hand.ts';
import { planUpdate } from '../../src/propose-update.ts';
import { record, timer } from '../support/approval-world.ts';
import { fakeHost } from '../support/fake-host.ts';
import { before, builtin, imageWorld, push, runs } from '../support/image-world.ts';

const HOUR_MS = 3_600_000;
const config = builtin();

await t.test('of several that failed together one at a time is tried again', async (t) => {
  const world = imageWorld();
  push(world, 'web:1', 'id:bad');
  push(world, 'db:1', 'id:newer');
  world.sickImages.add('id:bad');
  t.match(await timer(world, config), { result: 'rolled back' });
  t.same(runs(world), before);
  const results = [];
  for (let look = 0; look < 5; look++) {
    world.clockMs += 2 * HOUR_MS;
    results.push((await timer(world, config)).result);
  }
  t.same(results.toSorted(), ['held', 'held', 'held', 'rolled back', 'updated']);
  t.same(runs(world), { web: 'id:web:1', db: 'id:newer', twin: 'id:newer' });
});

await t.test('a name that goes back and forth between bad images: one outage each', async (t) => {
  const world = imageWorld();
  for (const id of ['id:b', 'id:c']) world.sickImages.add(id);
  const results = [];
  for (let look = 0; look < 6; look++) {
    push(world, 'web:1', look % 2 === 0 ? 'id:b' : 'id:c');
    results.push((await timer(world, config)).result);
    world.clockMs += 2 * HOUR_MS;
  }
  t.same(results, ['rolled back', 'rolled back', 'held', 'held', 'held', 'held']);
});

await t.test('what was withdrawn waits for nobody', async (t) => {
  const careful = builtin({}, { mode: 'approve' });
  const world = imageWorld();
  push(world, 'web:1', 'id:newer');
  t.match(await timer(world, careful), { result: 'waiting' });
  push(world, 'web:1', 'id:web:1');
  world.clockMs += 2 * HOUR_MS;
  t.match(await timer(world, careful), { result: 'nothing' });
  t.notOk(world.files.has('awaiting.json'));
});

await t.test('who cannot be pulled is told of, and does not keep the next one back', async (t) => {
  const world = imageWorld();
  push(world, 'web:1', 'id:newer');
  const host = fakeHost(world);
  const broken = {
    ...host,
    engine: { ...host.engine, pull: () => Promise.reject(new Error('denied')) },
  };
  await t.rejects(timer(world, config, broken), { message: 'denied' });
  world.clockMs += 60_000;
  const outcome = await timer(world, config);
  t.match(outcome, { result: 'held', exitCode: 0, summary: /failed once .*denied/ });
  t.match(outcome.remindOf, /^images sha256:id:newer/);
  const again = { ...host, engine: broken.engine };
  world.clockMs += 10 * 60_000;
  await t.rejects(timer(world, config, again), { message: 'denied' }, 'when it was said');
  push(world, 'web:1', 'id:newest');
  world.clockMs += 2 * HOUR_MS;
  t.match(await timer(world, config), { result: 'updated' });
  t.notOk(world.files.has('retry.json'));
});

await t.test('registries that do not answer for a day are told of', async (t) => {
  const world = imageWorld();
  world.registry.delete('web:1');
  for (let hour = 0; hour < 24; hour++) {
    t.match(await timer(world, config), { result: 'nothing' }, `hour ${hour}`);
    world.clockMs += HOUR_MS;
  }
  const outcome = await timer(world, config);
  t.match(outcome, { result: 'held', summary: /registries have not told: web:1/ });
  t.match(outcome.remindOf, /^registries since 2026/);
});

await t.test('an hourly timer asks every hour', async (t) => {
  const world = imageWorld();
  await timer(world, config);
  const { at } = record(world, 'image-check.json') ?? {};
  world.clockMs += HOUR_MS - 8000;
  await timer(world, config);
  t.not(record(world, 'image-check.json')?.['at'], at);
});

await t.test('plan asks, and leaves the timer its look', async (t) => {
  const world = imageWorld();
  await planUpdate(fakeHost(world), config, { force: false });
  t.notOk(world.files.has('image-check.json'));
});

await t.test(
  'a rollback by hand that fails puts the newer image back, and blames nobody',
  async (t) => {
    const world = imageWorld();
    push(world, 'web:1', 'id:newer');
    await timer(world, config);
    world.sickImages.add('id:web:1');
    t.match(await rollBackByHand(fakeHost(world), config, {}), {
      result: 'rolled back',
      exitCode: 12,
    });
    t.same(runs(world), { ...before, web: 'id:newer' });
    t.notOk(world.files.has('quarantine.json'));
  },
);
