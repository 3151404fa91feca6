import t from 'tap';
import {
  approves,
  configWith,
  hours,
  laterToday,
  record,
  shell,
  timer,
  untouched,
  waitingId,
  worldAt,
} from '../support/approval-world.ts';

await t.test('the policy may refuse what nobody can approve then', async (t) => {
  const world = worldAt('risky');
  const config = configWith({ policy: { dangerous: 'refuse' } });
  await t.rejects(approves(world, {}, config), /the policy of this host refuses/);
  t.notOk(world.files.has('approval.json'));
});

await t.test('what `run --force` asks for is approved, and applied, as that', async (t) => {
  const world = worldAt('risky');
  t.match(await shell(world, configWith(), true), { result: 'waiting' });
  const id = waitingId(world);
  t.match(record(world, 'awaiting.json'), { force: true, verdict: 'full' });
  t.match(await approves(world, { wanted: id }), { result: 'updated' });
  // The deployed release once more: only `--force` finds anything to do.
  const always = configWith({ mode: 'approve' });
  t.match(await shell(world, always, true), { result: 'waiting' });
  const wanted = waitingId(world);
  t.match(await approves(world, { wanted }, always), { result: 'updated', from: 'risky' });
});

await t.test('what `run --force` asked for stays what waits', async (t) => {
  const world = worldAt('risky');
  t.match(await shell(world, configWith(), true), { result: 'waiting' });
  const forced = record(world, 'awaiting.json');
  // The host is otherwise: the plan of the timer is another.
  world.registry.set('web:2', 'id:moved');
  t.match(await timer(world), { result: 'waiting', approvalId: forced?.['id'] });
  t.same(record(world, 'awaiting.json'), forced);
  t.match(await shell(world, configWith(), true), { result: 'waiting' });
  t.match(await approves(world), { result: 'updated' });
  const moved = worldAt('risky');
  await shell(moved, configWith(), true);
  moved.tip = 'riskier';
  await timer(moved);
  t.match(record(moved, 'awaiting.json'), { commit: 'riskier', force: false }, 'another move');
});

await t.test('mode approve: whatever would change anything waits', async (t) => {
  const config = configWith({ mode: 'approve' });
  const world = worldAt('safe');
  t.match(await timer(world, config), { exitCode: 10, summary: /safe: mode: approve/ });
  t.match(await shell(world, config), { exitCode: 10 }, 'in a shell, too');
  t.match(await approves(world, { wanted: waitingId(world) }, config), { result: 'updated' });
  t.match(await timer(worldAt('text'), config), { result: 'updated' }, 'no service changes');
});

await t.test('mode notify: the timer tells, a person applies', async (t) => {
  const config = configWith({ mode: 'notify' });
  for (const tip of ['safe', 'text']) {
    const world = worldAt(tip);
    const { effects } = world;
    const before = untouched(world);
    const outcome = await timer(world, config);
    t.match(outcome, {
      result: 'waiting',
      exitCode: 10,
      summary: `an update is available: old → ${tip}: `,
      next: /orchestrator-update approve [0-9a-f]{8}$/,
    });
    t.same(untouched(world), before);
    t.notOk(world.images.has('web:2'), 'nothing was pulled');
    t.ok(world.effects - effects <= 2, 'but for its own record');
    t.match(await shell(world, config), { result: 'updated' });
  }
  const world = worldAt('safe');
  await timer(world, config);
  const closed = configWith({ mode: 'notify', ...laterToday(world) });
  t.match(await approves(world, { wanted: waitingId(world) }, closed), { result: 'held' });
  world.clockMs += hours(3);
  t.match(await timer(world, closed), { result: 'updated' }, 'what is approved is applied');
});

await t.test('mode notify: what is dangerous waits for approval in a shell, too', async (t) => {
  const world = worldAt('risky');
  const config = configWith({ mode: 'notify' });
  t.match(await shell(world, config), { exitCode: 10, summary: /waits for approval/ });
  t.match(await approves(world, { wanted: waitingId(world) }, config), { result: 'updated' });
});
