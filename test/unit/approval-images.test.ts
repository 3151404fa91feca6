import t from 'tap';
import type { Host } from '../../src/host/host.ts';
import {
  approves,
  configWith,
  hours,
  laterToday,
  record,
  timer,
  untouched,
  waitingId,
  worldAt,
} from '../support/approval-world.ts';
import { fakeHost } from '../support/fake-host.ts';
import { runningRelease, type World } from '../support/fake-world.ts';

/** A host where a person is waited for. */
async function waitingAt(tip: string, config = configWith()): Promise<World> {
  const world = worldAt(tip);
  await timer(world, config);
  return world;
}

await t.test('a tag moved to another digest: refused, also by the commit', async (t) => {
  for (const by of ['ID', 'nothing', 'commit'] as const) {
    const world = await waitingAt('facade');
    const wanted = { ID: waitingId(world), nothing: undefined, commit: 'facade' }[by];
    world.registry.set('web:2', 'id:moved');
    await t.rejects(approves(world, { wanted }), {
      message: /image web:2: sha256:id:web:2 → sha256:id:moved; nothing was approved/,
    });
    t.equal(runningRelease(world), 'old');
    t.match(await approves(world), { result: 'updated' });
    t.equal(world.containers[0]?.imageId, 'id:moved');
  }
});

/** A host whose registry moves a tag in the moment before it is pulled. */
function movingAtPull(world: World, id: string): Host {
  const host = fakeHost(world);
  const pull = async (reference: string): Promise<void> => {
    world.registry.set(reference, id);
    await host.engine.pull(reference);
  };
  return { ...host, engine: { ...host.engine, pull } };
}

await t.test('a tag that moves before the pull: asked again, nothing stopped', async (t) => {
  // What needs no approval is bound by one all the same.
  for (const tip of ['risky', 'safe']) {
    const world = await waitingAt(tip, configWith({ mode: 'approve' }));
    const [id, before] = [waitingId(world), untouched(world)];
    const moving = movingAtPull(world, 'id:moved');
    const outcome = await approves(world, { wanted: id }, configWith(), moving);
    t.match(outcome, {
      result: 'waiting',
      exitCode: 10,
      summary: /not as it was approved: image web:2: sha256:id:web:2 → sha256:id:moved/,
    });
    t.not(outcome.approvalId, id);
    t.same(untouched(world), before);
    t.notOk(world.files.has('active'), 'the transaction is over');
    if (tip === 'risky') {
      t.match(await timer(world), { result: 'waiting', approvalId: outcome.approvalId });
    }
    t.match(await approves(world, { wanted: outcome.approvalId }), { result: 'updated' });
    t.equal(world.containers[0]?.imageId, 'id:moved');
  }
});

/** A host whose new image keeps its data elsewhere, which shows once it is there. */
function movingData(world: World): Host {
  const host = fakeHost(world);
  const imageVolumes = async (image: string): Promise<string[] | undefined> => {
    const id = world.images.get(image) ?? image;
    if (id === 'id:web:1') return ['/data'];
    return world.images.has(image) ? ['/elsewhere'] : undefined;
  };
  return { ...host, engine: { ...host.engine, imageVolumes } };
}

await t.test('a risk that shows after the pull: a new ID, which can be approved', async (t) => {
  for (const [tip, mode] of [
    ['safe', 'auto'],
    ['risky', 'auto'],
    ['safe', 'approve'],
  ] as const) {
    const world = worldAt(tip);
    const config = configWith({ mode });
    let first: string | undefined;
    if (tip === 'risky' || mode === 'approve') {
      first = (await timer(world, config, movingData(world))).approvalId;
      t.match(await approves(world, { wanted: first }, config, movingData(world)), {
        result: 'waiting',
        summary: /keeps data in \/elsewhere.*; not as it was approved: it is new that service web/,
      });
    } else {
      t.match(await timer(world, config, movingData(world)), { summary: /keeps data in/ });
    }
    const wanted = waitingId(world);
    t.not(wanted, first);
    t.match(await timer(world, config, movingData(world)), { approvalId: wanted });
    t.equal(runningRelease(world), 'old');
    const applied = await approves(world, { wanted }, config, movingData(world));
    t.match(applied, { result: 'updated' }, `${tip}, ${mode}`);
  }
});

/** A host whose registries do not tell digests. */
function silent(world: World): Host {
  const host = fakeHost(world);
  const nothing = { status: 'unknown', detail: '', platforms: [], layers: {} } as const;
  return { ...host, engine: { ...host.engine, remoteImage: async () => nothing } };
}

await t.test(
  'a registry that is silent when it is applied: the pull shows the digest',
  async (t) => {
    for (const moved of [false, true]) {
      const world = await waitingAt('risky');
      const config = configWith(laterToday(world));
      await approves(world, {}, config);
      world.clockMs += hours(3);
      if (moved) world.registry.set('web:2', 'id:moved');
      const outcome = await timer(world, config, silent(world));
      t.equal(outcome.result, moved ? 'waiting' : 'updated');
      t.equal(runningRelease(world), moved ? 'old' : 'risky');
    }
  },
);

await t.test('a registry that never tells: asked again with what was pulled, once', async (t) => {
  const world = worldAt('risky');
  const first = await timer(world, configWith(), silent(world));
  const again = await approves(world, { wanted: first.approvalId }, configWith(), silent(world));
  t.match(again, { result: 'waiting', summary: /image web:2: not known → sha256:id:web:2/ });
  const wanted = again.approvalId;
  t.match(await timer(world, configWith(), silent(world)), { approvalId: wanted });
  const last = await approves(world, { wanted }, configWith(), silent(world));
  t.match(last, { result: 'updated' });
});

await t.test('an image that is here and not pulled is part of what is approved', async (t) => {
  const world = worldAt('risky');
  const config = configWith(laterToday(world));
  const host = fakeHost(world);
  const model = { services: { web: { image: 'web:1', privileged: true } } };
  Object.assign(world, { releases: { ...world.releases, risky: { parent: 'old', model } } });
  await timer(world);
  await approves(world, {}, config, host);
  t.match(record(world, 'approval.json'), { digests: { 'web:1': 'sha256:id:web:1' } });
  world.images.set('web:1', 'id:pulled by hand');
  world.clockMs += hours(3);
  t.match(await timer(world, config), { result: 'waiting', summary: /image web:1: / });
});
