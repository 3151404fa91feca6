import t from 'tap';
import { approvalStatus, awaitingText } from '../../../src/commands/approval-status.ts';
import { readReport } from '../../../src/read-report.ts';
import {
  approves,
  configWith,
  laterToday,
  timer,
  waitingId,
  worldAt,
} from '../../support/approval-world.ts';
import { fakeHost } from '../../support/fake-host.ts';
import type { World } from '../../support/fake-world.ts';

const statusOf = (world: World, from = 'old') =>
  approvalStatus(fakeHost(world).state, { from, to: world.tip });

await t.test('what waits: its ID, since when, why, and what to type', async (t) => {
  const world = worldAt('risky');
  t.equal(await statusOf(world), null, 'before anybody has looked');
  await timer(world);
  world.clockMs += 1000;
  await timer(world);
  const status = await statusOf(world);
  t.match(status, {
    id: /^[0-9a-f]{8}$/,
    hash: /^[0-9a-f]{64}$/,
    commit: 'risky',
    since: '2026-01-01T00:00:00.000Z',
    because: ['service web: becomes privileged'],
    approved: null,
  });
  t.equal(
    awaitingText(status!),
    `risky waits for approval: service web: becomes privileged (since 2026-01-01T00:00:00.000Z): orchestrator-update plan    # look; then: orchestrator-update approve ${status?.id}`,
  );
});

await t.test('what is approved and waits for its window: by whom', async (t) => {
  for (const isTold of [true, false]) {
    const world = worldAt('risky');
    await timer(world);
    const wanted = waitingId(world);
    // As after `plan`, which tells of nothing.
    if (!isTold) world.files.delete('awaiting.json');
    world.clockMs += 1000;
    await approves(world, { wanted }, configWith(laterToday(world)));
    const status = await statusOf(world);
    t.match(status, { approved: { by: 'geo', at: '2026-01-01T00:00:01.000Z' }, next: /--now$/ });
  }
});

await t.test('what waited for another move than the one to be made now is not told', async (t) => {
  const world = worldAt('risky');
  await timer(world);
  t.equal(await statusOf(world, 'other'), null, 'the host went to another release');
  world.tip = 'riskier';
  t.equal(await statusOf(world), null, 'the branch moved');
});

await t.test('asked again after an approval: that is what waits', async (t) => {
  const world = worldAt('risky');
  await timer(world);
  await approves(world, {}, configWith(laterToday(world)));
  world.tip = 'riskier';
  const { approvalId } = await timer(world);
  t.match(await statusOf(world), { id: approvalId, commit: 'riskier', approved: null });
});

await t.test('the report tells what waits, and not what is approved', async (t) => {
  const world = worldAt('risky');
  const config = configWith(laterToday(world));
  const holds = async (): Promise<readonly string[]> => {
    const { state } = fakeHost(world);
    const source = { state, config, socket: '/nonexistent', now: new Date(world.clockMs) };
    return (await readReport(source, 1)).holds;
  };
  await timer(world);
  t.same(await holds(), ['risky waits for approval: service web: becomes privileged']);
  await approves(world, {}, config);
  t.same(await holds(), []);
});

await t.test('records of an earlier version tell nothing', async (t) => {
  const world = worldAt('risky');
  const earlier = { commit: 'risky', because: ['x'], at: '2025-12-31T00:00:00Z' };
  world.files.set('awaiting.json', JSON.stringify(earlier));
  world.files.set('approval.json', JSON.stringify(earlier));
  t.equal(await statusOf(world), null);
});
