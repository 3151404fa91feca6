import t from 'tap';
import { reject } from '../../src/reject.ts';
import { rollBackByHand } from '../../src/roll-back-by-hand.ts';
import { planUpdate } from '../../src/propose-update.ts';
import { approves, record, shell, timer, waitingId } from '../support/approval-world.ts';
import { fakeHost } from '../support/fake-host.ts';
import type { World } from '../support/fake-world.ts';
import { before, builtin, imageWorld, IMAGES, push, runs } from '../support/image-world.ts';

const HOUR_MS = 3_600_000;
const config = builtin();

await t.test('nothing moved: nothing is done', async (t) => {
  const world = imageWorld();
  t.match(await timer(world, config), { result: 'nothing', exitCode: 0 });
  t.same(runs(world), before);
  t.equal(world.backups.size, 0);
  t.same(record(world, 'image-check.json')?.['failed'], []);
});

await t.test('an image that moved is a release: backup, apply, verify, commit', async (t) => {
  const world = imageWorld();
  push(world, 'web:1', 'id:newer');
  t.match(await timer(world, config), {
    result: 'updated',
    exitCode: 0,
    summary:
      /^updated the image web:1 at old and verified: service web has a newer image: web:1 \(/,
  });
  t.same(runs(world), { ...before, web: 'id:newer' });
  t.equal(world.images.get('web:1'), 'id:newer', 'its name means it here, too');
  t.equal(world.backups.size, 1);
  t.match(record(world, 'deployed.json'), { commit: 'old' });
  t.notOk(world.files.has('active'));
});

await t.test('modes that are not builtin ask nobody', async (t) => {
  for (const mode of ['watchtower', 'off']) {
    const world = imageWorld();
    push(world, 'web:1', 'id:newer');
    t.match(await timer(world, builtin({ mode })), { result: 'nothing' });
    t.same(runs(world), before);
    t.notOk(world.files.has('image-check.json'));
  }
});

await t.test('the timer asks now and then, a person at once', async (t) => {
  const world = imageWorld();
  await timer(world, config);
  push(world, 'web:1', 'id:newer');
  world.clockMs += HOUR_MS / 2;
  t.match(await timer(world, config), { result: 'nothing' });
  t.same(runs(world), before);
  t.match(await shell(world, config), { result: 'updated' });
  push(world, 'web:1', 'id:newest');
  world.clockMs += HOUR_MS + 1000;
  t.match(await timer(world, config), { result: 'updated' });
  t.equal(runs(world)['web'], 'id:newest');
});

await t.test('two services that share what moved are brought together', async (t) => {
  const world = imageWorld();
  push(world, 'db:1', 'id:newer');
  t.match(await timer(world, config), { result: 'updated' });
  t.same(runs(world), { ...before, db: 'id:newer', twin: 'id:newer' });
});

/** A host where a newer image was taken back. */
async function afterBadImage(): Promise<World> {
  const world = imageWorld();
  push(world, 'web:1', 'id:bad');
  world.sickImages.add('id:bad');
  await timer(world, config);
  return world;
}

await t.test('a bad image on the same name is taken back, and not tried again', async (t) => {
  const world = imageWorld();
  push(world, 'web:1', 'id:bad');
  world.sickImages.add('id:bad');
  t.match(await timer(world, config), {
    result: 'rolled back',
    exitCode: 12,
    summary: /^the image web:1 of before, at old, is back and healthy: .*not healthy/,
    next: /^mend it and push: what moved of the image web:1 is quarantined/,
  });
  t.same(runs(world), before);
  t.equal(world.images.get('web:1'), 'id:web:1', 'its name means what runs');
  t.notOk(world.files.has('quarantine.json'), 'the commit is not to blame');

  const { effects } = world;
  world.clockMs += 2 * HOUR_MS;
  t.match(await timer(world, config), {
    result: 'held',
    exitCode: 0,
    summary: /held: a newer image is quarantined: web:1 \(sha256:id:bad\): .*not healthy/,
  });
  t.ok(world.effects - effects < 10, 'nothing was tried');
  t.same(runs(world), before);
});

await t.test('it is tried again when it moves, or when a person says so', async (t) => {
  const moved = await afterBadImage();
  push(moved, 'web:1', 'id:mended');
  moved.clockMs += 2 * HOUR_MS;
  t.match(await timer(moved, config), { result: 'updated' });
  t.equal(runs(moved)['web'], 'id:mended');
  t.match(record(moved, 'image-quarantine.json'), [{ digest: 'sha256:id:bad', isPast: true }]);

  const forced = await afterBadImage();
  forced.sickImages.clear();
  t.match(await shell(forced, config, true), { result: 'updated' });
  t.equal(runs(forced)['web'], 'id:bad');
});

await t.test('another image is brought while one is quarantined', async (t) => {
  const world = await afterBadImage();
  push(world, 'db:1', 'id:newer');
  world.clockMs += 2 * HOUR_MS;
  t.match(await timer(world, config), { result: 'updated' });
  t.same(runs(world), { web: 'id:web:1', db: 'id:newer', twin: 'id:newer' });
});

await t.test('a release that is pushed meanwhile comes first; then its images', async (t) => {
  const world = imageWorld();
  world.tip = 'next';
  push(world, 'db:1', 'id:newer');
  t.match(await timer(world, config), { result: 'updated', summary: /the image db:1 at next/ });
  t.same(runs(world), { web: 'id:web:2', db: 'id:newer', twin: 'id:newer' });
  t.match(record(world, 'deployed.json'), { commit: 'next' });
});

await t.test('labels: not followed, only watched', async (t) => {
  const off = imageWorld({ [`${IMAGES}enable`]: 'false' });
  push(off, 'web:1', 'id:newer');
  t.match(await timer(off, config), { result: 'nothing' });
  t.same(runs(off), before);

  const watched = imageWorld({ [`${IMAGES}monitor-only`]: 'true' });
  push(watched, 'web:1', 'id:newer');
  t.match(await timer(watched, config), {
    result: 'held',
    exitCode: 0,
    summary: /there is a newer one of the image web:1, and web is only watched/,
    tells: { event: 'available' },
  });
  t.same(runs(watched), before);
});

await t.test('a name that somebody else keeps is not given to another image', async (t) => {
  const world = imageWorld({}, { [`${IMAGES}enable`]: 'false' });
  push(world, 'db:1', 'id:newer');
  t.match(await timer(world, config), { result: 'nothing' });
  t.same(runs(world), before);
  t.match(world.said.join('\n'), /a newer image waits: db:1: twin has it, too, and keeps its own/);
});

await t.test('a registry that does not answer is not up to date', async (t) => {
  const world = imageWorld();
  world.registry.delete('web:1');
  t.match(await timer(world, config), {
    result: 'nothing',
    exitCode: 0,
    summary:
      /^autonomy is at old, .*it is not known whether an image moved: web:1: web:1 is not there/,
  });
  push(world, 'web:1', 'id:newer');
  world.clockMs += HOUR_MS / 4;
  t.match(await timer(world, config), { result: 'updated' }, 'it is asked again soon');
});

await t.test('a hold and a window keep images back', async (t) => {
  const world = imageWorld();
  push(world, 'web:1', 'id:newer');
  const hold = { reason: 'fair', at: new Date(world.clockMs).toISOString() };
  world.files.set('hold.json', JSON.stringify(hold));
  t.match(await timer(world, config), { result: 'nothing' });
  t.same(runs(world), before);
});

await t.test('mode approve: what is approved is that digest', async (t) => {
  const careful = builtin({}, { mode: 'approve' });
  const world = imageWorld();
  push(world, 'web:1', 'id:newer');
  t.match(await timer(world, careful), {
    result: 'waiting',
    exitCode: 10,
    summary: /an update waits for approval: the image web:1 at old: mode: approve/,
  });
  t.match(await timer(world, careful), { result: 'waiting' }, 'it goes on waiting');
  t.same(runs(world), before);
  const wanted = waitingId(world);
  push(world, 'web:1', 'id:newest');
  await t.rejects(approves(world, { wanted }, careful), {
    message: /image web:1: sha256:id:newer → sha256:id:newest; .*nothing was approved/,
  });
  t.match(await approves(world, { wanted: waitingId(world) }, careful), { result: 'updated' });
  t.equal(runs(world)['web'], 'id:newest');
  await t.rejects(approves(world, { wanted }, careful), { message: /nothing does/ });
});

await t.test('rejected: that digest is quarantined, and the commit is not', async (t) => {
  const careful = builtin({}, { mode: 'approve' });
  const world = imageWorld();
  push(world, 'web:1', 'id:newer');
  await timer(world, careful);
  const rejecting = { wanted: waitingId(world), reason: 'too new', by: 'geo' };
  const rejection = await reject(fakeHost(world), careful, rejecting);
  t.match(rejection, { isQuarantined: true, what: 'the image web:1' });
  world.clockMs += 2 * HOUR_MS;
  t.match(await timer(world, careful), { result: 'held', summary: /rejected by geo .*too new/ });
  t.notOk(world.files.has('quarantine.json'));
});

await t.test('plan shows what moved', async (t) => {
  const world = imageWorld();
  push(world, 'web:1', 'id:newer');
  const { plan } = await planUpdate(fakeHost(world), config, { force: false });
  t.match(plan, {
    verdict: 'images',
    moved: [{ reference: 'web:1', digest: 'sha256:id:newer', services: ['web'] }],
    changes: [{ kind: 'moved', service: 'web' }],
  });
  const web = plan.services.find(({ service }) => service === 'web');
  t.match(web, { action: 'recreate', reasons: [/newer image/] });
  t.match(
    plan.prepare.find((step) => step.do === 'pull'),
    { images: ['web:1'], digests: { 'web:1': 'sha256:id:newer' } },
  );
});

await t.test('a person goes back to the images of before', async (t) => {
  const world = imageWorld();
  push(world, 'web:1', 'id:newer');
  await timer(world, config);
  const outcome = await rollBackByHand(fakeHost(world), config, {});
  t.match(outcome, {
    result: 'updated',
    summary: /rolled back by hand: the image web:1 of before/,
  });
  t.same(runs(world), before);
  world.clockMs += 2 * HOUR_MS;
  t.match(await timer(world, config), { result: 'held', summary: /a person went back from it/ });
  t.same(runs(world), before);
  await t.rejects(rollBackByHand(fakeHost(world), config, {}), {
    message: /no release before old is known/,
  });
});

await t.test('replaced images go, but for the last', async (t) => {
  const world = imageWorld();
  for (const id of ['id:b', 'id:c', 'id:d']) {
    push(world, 'web:1', id);
    world.clockMs += 2 * HOUR_MS;
    t.match(await timer(world, config), { result: 'updated' }, id);
  }
  const kept = new Set(
    [...world.images].flatMap(([name, id]) => (name.startsWith('web') ? [id] : [])),
  );
  t.same([...kept].toSorted(), ['id:c', 'id:d']);
});
