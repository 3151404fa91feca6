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
import type { RefusedError } from '../../src/errors.ts';
import { fakeHost } from '../support/fake-host.ts';
import { runningRelease, type World } from '../support/fake-world.ts';

/** A host where a person is waited for. */
async function waitingAt(tip: string, config = configWith()): Promise<World> {
  const world = worldAt(tip);
  await timer(world, config);
  return world;
}

/** A registry that is away when an image is pulled. */
const pullsNothing = (): Promise<void> => Promise.reject(new Error('the registry is away'));

await t.test('a dangerous plan waits: nothing is touched, and what to type is said', async (t) => {
  const world = worldAt('risky');
  const before = untouched(world);
  const outcome = await timer(world);
  const id = waitingId(world);
  t.match(id, /^[0-9a-f]{8}$/);
  t.match(outcome, {
    result: 'waiting',
    exitCode: 10,
    summary: /waits for approval: old → risky: service web: becomes privileged/,
    next: `orchestrator-update plan    # look; then: orchestrator-update approve ${id}`,
    approvalId: id,
  });
  t.same(untouched(world), before);
  t.notOk(world.images.has('web:2'), 'nothing was pulled');
  t.match(record(world, 'awaiting.json'), {
    id,
    hash: new RegExp(`^${id}[0-9a-f]{56}$`),
    commit: 'risky',
    digests: { 'web:2': 'sha256:id:web:2' },
    because: ['service web: becomes privileged'],
    at: '2026-01-01T00:00:00.000Z',
  });
  world.clockMs += hours(1);
  const again = await timer(world);
  t.equal(again.remindOf, outcome.remindOf, 'the same is no news');
  t.match(record(world, 'awaiting.json'), { id, at: '2026-01-01T00:00:00.000Z' }, 'since then');
});

for (const [how, wanted] of [
  ['its ID', (world: World) => waitingId(world)],
  ['its whole hash', (world: World) => String(record(world, 'awaiting.json')?.['hash'])],
  ['its commit', () => 'facade'],
  ['the beginning of its commit', () => 'faca'],
  ['nothing: what waits', () => undefined],
] as const) {
  await t.test(`approved by ${how}, it is applied at once, and used up`, async (t) => {
    const world = await waitingAt('facade');
    const id = waitingId(world);
    t.match(await approves(world, { wanted: wanted(world) }), { result: 'updated', exitCode: 0 });
    t.equal(runningRelease(world), 'facade');
    t.match(world.said.join('\n'), new RegExp(`geo approves ${id}: old → facade: .*privileged`));
    t.notOk(world.files.has('approval.json'));
    t.notOk(world.files.has('awaiting.json'));
    t.match(await timer(world), { result: 'nothing' });
  });
}

await t.test('what nobody was told of yet is approved by its name alone', async (t) => {
  t.match(await approves(worldAt('facade'), { wanted: 'facade' }), { result: 'updated' });
  for (const tip of ['risky', 'safe']) {
    const world = worldAt(tip);
    const before = untouched(world);
    const refused = {
      message: `nobody was told yet of what waits now, which is [0-9a-f]{8}, old → ${tip}; nothing was approved`,
      next: /^orchestrator-update plan    # look; then: orchestrator-update approve [0-9a-f]{8}$/,
      exitCode: 1,
    };
    const error = await approves(world).catch((why: unknown) => why as RefusedError);
    t.match(error, { ...refused, message: new RegExp(refused.message) });
    t.same(untouched(world), before);
    t.notOk(world.files.has('approval.json'));
    // What would be applied anyway does not wait.
    t.equal(world.files.has('awaiting.json'), tip === 'risky');
    const wanted = /[0-9a-f]{8}$/.exec((error as RefusedError).next)?.[0];
    t.match(await approves(world, { wanted }), { result: 'updated' });
  }
});

await t.test('no other name of git stands for the commit that waits', async (t) => {
  for (const wanted of ['risky', 'origin/embody-alpha', 'HEAD', 'FACADE']) {
    const world = await waitingAt(wanted === 'FACADE' ? 'facade' : 'risky');
    await t.rejects(approves(world, { wanted }), /is not what waits now/, wanted);
    t.equal(runningRelease(world), 'old');
  }
});

await t.test('the branch moved meanwhile: refused, what differs, and the new ID', async (t) => {
  for (const by of ['ID', 'nothing', 'commit'] as const) {
    const world = await waitingAt('facade');
    const id = waitingId(world);
    world.tip = 'decade';
    const before = untouched(world);
    const wanted = { ID: id, nothing: undefined, commit: 'facade' }[by];
    await t.rejects(
      approves(world, { wanted }),
      {
        message:
          /is not what waits now, which is [0-9a-f]{8}, old → decade: the branch moved: facade → decade.*NET_ADMIN/,
        next: /approve [0-9a-f]{8}$/,
        exitCode: 1,
      },
      by,
    );
    t.same(untouched(world), before);
    t.notOk(world.files.has('approval.json'));
    const now = waitingId(world);
    t.not(now, id);
    t.match(await approves(world, { wanted: now }), { result: 'updated', to: 'decade' });
  }
});

await t.test('the branch moves while it is applied: only what was approved is', async (t) => {
  const world = await waitingAt('safe', configWith({ mode: 'notify' }));
  const host = fakeHost(world);
  const pull = async (reference: string): Promise<void> => {
    world.tip = 'safer';
    await host.engine.pull(reference);
  };
  const moving = { ...host, engine: { ...host.engine, pull } };
  const outcome = await approves(world, {}, configWith(), moving);
  t.match(outcome, { result: 'updated', to: 'safe' });
  t.equal(runningRelease(world), 'safe');
  t.match(await timer(world, configWith({ mode: 'notify' })), { result: 'waiting', to: 'safer' });
});

await t.test('no such plan: what waits is said, or that nothing does', async (t) => {
  const world = await waitingAt('risky');
  const id = waitingId(world);
  for (const wanted of ['00000000', id.slice(0, 7), 'old']) {
    await t.rejects(approves(world, { wanted }), { message: `${wanted} is not what waits now` });
  }
  await approves(world);
  await t.rejects(approves(world, { wanted: id }), { message: /nothing does, autonomy is at/ });
  t.match(await approves(world), { result: 'nothing', exitCode: 0, summary: /nothing waits/ });
});

await t.test('outside of the window it is approved, and the timer applies it later', async (t) => {
  const world = await waitingAt('risky');
  const config = configWith(laterToday(world));
  const id = waitingId(world);
  t.match(await approves(world, { wanted: id }, config), {
    result: 'held',
    exitCode: 0,
    summary: /risky is approved \([0-9a-f]{8}\).*outside of the maintenance window, which opens/,
    next: `orchestrator-update approve ${id} --now    # applies it at once`,
  });
  t.match(record(world, 'approval.json'), { id, commit: 'risky', by: 'geo' });
  t.match(await timer(world, config), { result: 'held', summary: /maintenance window/ });
  t.equal(runningRelease(world), 'old');
  world.clockMs += hours(3);
  t.match(await timer(world, config), { result: 'updated' });
  t.match(world.said.join('\n'), /approved at .* by geo: service web: becomes privileged/);
  t.notOk(world.files.has('approval.json'));
});

await t.test(
  'approved, and not the same any more when the window opens: asked again',
  async (t) => {
    const changes: Readonly<Record<string, (world: World) => void>> = {
      'image web:2': (world) => world.registry.set('web:2', 'id:moved'),
      'the branch moved': (world) => void (world.tip = 'riskier'),
      'service web': (world) => {
        world.containers = world.containers.map((one) => ({ ...one, configHash: 'by hand' }));
      },
    };
    for (const [what, change] of Object.entries(changes)) {
      const world = await waitingAt('risky');
      const config = configWith(laterToday(world));
      await approves(world, {}, config);
      change(world);
      world.clockMs += hours(3);
      const before = untouched(world);
      const outcome = await timer(world, config);
      t.match(outcome, { exitCode: 10, summary: new RegExp(`not as it was approved: .*${what}`) });
      t.same(untouched(world), before, what);
      t.match(await approves(world, { wanted: outcome.approvalId }, config), { result: 'updated' });
    }
  },
);

await t.test('--now: also outside of windows and in a freeze', async (t) => {
  const world = await waitingAt('risky');
  const freeze = { from: '2025-12-01', to: '2026-02-01', reason: 'holidays' };
  const config = configWith({ schedule: { freezes: [freeze] } });
  t.match(await approves(world, {}, config), { result: 'held', summary: /frozen .*holidays/ });
  t.match(await approves(world, { isNow: true }, config), { result: 'updated' });
  const other = await waitingAt('risky');
  t.match(await approves(other, { isNow: true }, configWith(laterToday(other))), {
    result: 'updated',
  });
});

await t.test('a hold keeps it, also with --now; then the timer applies it', async (t) => {
  const world = await waitingAt('risky');
  world.files.set('hold.json', JSON.stringify({ reason: 'the fair', at: '2025-12-31T00:00:00Z' }));
  for (const isNow of [false, true]) {
    t.match(await approves(world, { isNow }), {
      result: 'held',
      exitCode: 0,
      summary: /is approved .*on hold.*the fair/,
      next: 'orchestrator-update resume',
    });
  }
  t.match(await timer(world), { result: 'held' });
  world.files.delete('hold.json');
  t.match(await timer(world), { result: 'updated' });
});

await t.test('approvals of an earlier version, or damaged, approve nothing', async (t) => {
  const because = ['service web: becomes privileged'];
  const earlier = JSON.stringify({ commit: 'risky', because, at: '2025-12-31T00:00:00Z' });
  for (const text of [
    earlier,
    '',
    'null',
    '{',
    '[]',
    '{"id":7}',
    `{"hash":"x",${earlier.slice(1)}`,
  ]) {
    const world = worldAt('risky');
    world.files.set('approval.json', text);
    world.files.set('awaiting.json', text);
    await t.rejects(approves(world), /nobody was told yet/, text);
    t.equal(runningRelease(world), 'old');
    t.match(await timer(world), { result: 'waiting', exitCode: 10 }, text);
    t.match(await approves(world, { wanted: waitingId(world) }), { result: 'updated' });
  }
});

await t.test('an approval whose record was changed by hand approves nothing', async (t) => {
  const world = await waitingAt('risky');
  const config = configWith(laterToday(world));
  await approves(world, {}, config);
  const approval = record(world, 'approval.json');
  world.tip = 'riskier';
  world.files.set('approval.json', JSON.stringify({ ...approval, commit: 'riskier' }));
  world.clockMs += hours(3);
  t.match(await timer(world, config), { result: 'waiting' });
});

await t.test('an approval is used up by a release that is rolled back', async (t) => {
  const world = await waitingAt('sick');
  t.match(await approves(world), { result: 'rolled back', exitCode: 12 });
  t.notOk(world.files.has('approval.json'));
  await t.rejects(approves(world), { message: /is quarantined/, next: /run --force/ });
  t.match(await shell(world, configWith(), true), { result: 'waiting' }, 'it is asked for again');
});

await t.test('a pull that fails leaves the approval: the timer tries it again', async (t) => {
  const world = await waitingAt('risky');
  const host = fakeHost(world);
  const away = { ...host, engine: { ...host.engine, pull: pullsNothing } };
  await t.rejects(approves(world, {}, configWith(), away), /registry is away/);
  t.ok(world.files.has('approval.json'));
  world.clockMs += hours(1);
  t.match(await timer(world), { result: 'updated' });
});
