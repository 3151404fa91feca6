import t from 'tap';
import { reject } from '../../src/reject.ts';
import {
  approves,
  configWith,
  laterToday,
  record,
  shell,
  timer,
  waitingId,
  worldAt,
} from '../support/approval-world.ts';
import { fakeHost } from '../support/fake-host.ts';
import { runningRelease, type World } from '../support/fake-world.ts';

const rejects = (world: World, wanted: string, reason = 'not before the fair') =>
  reject(fakeHost(world), configWith(), { wanted, reason, by: 'geo' });

for (const by of ['ID', 'commit'] as const) {
  await t.test(
    `rejected by its ${by}: who, when and why; not tried, nor asked again`,
    async (t) => {
      const world = worldAt('risky');
      await timer(world);
      await rejects(world, by === 'ID' ? waitingId(world) : 'risky');
      const why =
        /risky is quarantined: rejected by geo on \w{3} 20\d\d-\d\d-\d\d \d\d:\d\d: not before the fair$/;
      const outcome = await timer(world);
      t.match(outcome, { result: 'held', exitCode: 0, summary: why, next: /run --force/ });
      t.match(record(world, 'quarantine.json'), [{ commit: 'risky', at: /^2026-01-01T/ }]);
      t.notOk(world.files.has('awaiting.json'), 'nothing waits any more');
      const { effects } = world;
      t.equal((await timer(world)).remindOf, outcome.remindOf);
      t.equal(world.effects, effects, 'a held run changes nothing');
      await t.rejects(approves(world), { message: why });
      await t.rejects(approves(world, { wanted: 'risky' }), { message: why });
      t.equal(runningRelease(world), 'old');
    },
  );
}

await t.test(
  'a commit that does something else ends it; one that does the same does not',
  async (t) => {
    const world = worldAt('risky');
    await timer(world);
    await rejects(world, waitingId(world));
    world.tip = 'riskyText';
    t.match(await timer(world), {
      result: 'held',
      summary: /does the same as risky: rejected by geo/,
    });
    await t.rejects(approves(world), {
      message: /does the same as risky: rejected by geo|quarantined/,
    });
    world.tip = 'riskier';
    t.match(await timer(world), { result: 'waiting' });
    t.match(await approves(world), { result: 'updated' });
  },
);

await t.test('`run --force` ends it: it is asked for again', async (t) => {
  const world = worldAt('risky');
  await timer(world);
  await rejects(world, waitingId(world));
  t.match(await shell(world, configWith(), true), { result: 'waiting' });
  t.match(await approves(world), { result: 'updated' });
});

await t.test(
  'the deployed release, which waited to be applied again, is only forgotten',
  async (t) => {
    const world = worldAt('old');
    const config = configWith({ mode: 'approve' });
    await timer(world, config);
    t.match(await shell(world, config, true), { result: 'waiting' });
    const id = waitingId(world);
    t.match(await rejects(world, id), { rejected: { commit: 'old' }, isQuarantined: false });
    t.notOk(world.files.has('quarantine.json'));
    t.notOk(world.files.has('awaiting.json'));
    t.match(await timer(world, config), { result: 'nothing' });
  },
);

await t.test('what was approved, and waits for its window, can be rejected', async (t) => {
  const world = worldAt('risky');
  const config = configWith(laterToday(world));
  await timer(world);
  await approves(world, {}, config);
  await rejects(world, waitingId(world));
  t.notOk(world.files.has('approval.json'));
  t.match(await timer(world), { result: 'held', summary: /rejected by geo/ });
});

await t.test('what `plan` showed before anybody was told of it', async (t) => {
  const world = worldAt('safe');
  await rejects(world, 'safe', '');
  t.match(await timer(world), { result: 'held', summary: /rejected by geo on [^:]*:\d\d$/ });
});

await t.test('what does not wait is not rejected', async (t) => {
  const world = worldAt('risky');
  await timer(world);
  await t.rejects(rejects(world, '00000000'), {
    message:
      /00000000 is not what waits now, which is [0-9a-f]{8}, old → risky; nothing was rejected/,
    next: /reject [0-9a-f]{8}$/,
    exitCode: 1,
  });
  const idle = worldAt('old');
  await t.rejects(rejects(idle, 'old'), { message: /nothing does, autonomy is at old/ });
  t.notOk(idle.files.has('quarantine.json'));
});
