import t from 'tap';
import {
  asker,
  heads,
  login,
  OTHER,
  PLATFORM,
  platforms,
  pulled,
  withImages,
} from '../support/registry-asker.ts';
import { startRegistry, user } from '../support/registry-world.ts';

t.beforeEach(() => {
  process.env['DOCKER_CONFIG'] = '/nowhere';
});

await t.test('nothing moved: a HEAD an image, a token a registry, and nothing else', async (t) => {
  const world = await startRegistry(t, 'token');
  const host = asker(t);
  login(t, world.name, user.password);
  const names = ['team/app', 'team/db', 'private/tool'];
  const references = await withImages(t, world, host, names);
  const questions = [...references, ...references].map((reference) => ({ reference }));
  const { images, registries } = await host.look(...questions);
  for (const { answer, here } of images) {
    t.match(answer, { verdict: 'same', tag: '1', note: undefined });
    t.same(here, [(answer as { digest: string }).digest]);
  }
  t.equal(images.length, 6);
  const asked = world.asked();
  t.same(
    heads(asked).toSorted(),
    names.map((name) => `HEAD /v2/${name}/manifests/1`).toSorted(),
    'one for each, not one for each question',
  );
  const scopes = names
    .toSorted()
    .map((name) => `scope=repository%3A${encodeURIComponent(name)}%3Apull`);
  t.same(
    asked.filter((one) => !one.startsWith('HEAD')),
    ['GET /v2/', `GET /token?service=lab&${scopes.join('&')}`],
  );
  t.same(registries, [{ registry: world.name, requests: 5, remaining: undefined }]);
});

await t.test('a tag moved: what pulls just that; the next look is one HEAD again', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t);
  const [reference = ''] = await withImages(t, world, host, ['team/app']);
  const now = await world.push('team/app', '1', { ...platforms, [PLATFORM]: 'newer' });
  const moved = {
    verdict: 'moved',
    tag: '1',
    digest: now.digest,
    platformDigest: now.instances[PLATFORM]?.digest,
    pinned: `${reference}@${now.digest}`,
    created: undefined,
  };
  t.same(await host.answer({ reference }), moved);
  t.notOk(
    world.asked().some((one) => one.includes('/blobs/')),
    'nothing is pulled',
  );
  t.same(await host.answer({ reference }), moved);
  t.same(world.asked(), ['GET /v2/', 'HEAD /v2/team/app/manifests/1']);
});

await t.test('another platform moved: no update, and that is remembered', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t);
  const [reference = ''] = await withImages(t, world, host, ['team/app']);
  const now = await world.push('team/app', '1', { ...platforms, [OTHER]: 'newer' });
  const same = {
    verdict: 'same',
    tag: '1',
    digest: now.digest,
    note: 'its image for another platform moved',
  };
  t.same(await host.answer({ reference }), same);
  t.same(world.asked().slice(2), [
    `GET /v2/team/app/manifests/${now.digest}`,
    `GET /v2/team/app/manifests/${now.instances[PLATFORM]?.digest}`,
  ]);
  t.same(await host.answer({ reference }), same);
  t.same(world.asked(), ['GET /v2/', 'HEAD /v2/team/app/manifests/1'], 'one HEAD again');
  const own = await world.push('team/app', '1', { ...platforms, [PLATFORM]: 'newer' });
  t.match(await host.answer({ reference }), { verdict: 'moved', digest: own.digest });
});

await t.test('the same in the store of containerd, old and new', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t);
  const before = await world.push('team/app', '1', platforms);
  const reference = `${world.name}/team/app:1`;
  const details = { ...pulled(reference, before), Id: before.digest };
  const manifest = { ID: before.instances[PLATFORM]?.digest, Kind: 'image', Available: true };
  for (const known of [{}, { Manifests: [manifest] }]) {
    host.images.set(reference, { ...details, ...known });
    const other = await world.push('team/app', '1', {
      ...platforms,
      [OTHER]: `n${Object.keys(known).length}`,
    });
    t.match(await host.answer({ reference }), { verdict: 'same', digest: other.digest });
    const mine = await world.push('team/app', '1', {
      ...platforms,
      [PLATFORM]: `n${Object.keys(known).length}`,
    });
    t.match(await host.answer({ reference }), { verdict: 'moved', digest: mine.digest });
  }
});

await t.test("in containerd's store: what was built here is asked for once", async (t) => {
  const world = await startRegistry(t, 'token');
  const host = asker(t);
  const reference = `${world.name}/team/app:1`;
  const stranger = await world.push('team/app', '1', platforms);
  const id = `sha256:${'b'.repeat(64)}`;
  const why = `${world.name} does not have it under team/app`;
  for (const name of [`${world.name}/team/app`, 'orchestrator-update/kept']) {
    host.images.set(reference, {
      ...pulled(reference, stranger),
      Id: id,
      RepoDigests: [`${name}@${id}`],
    });
    t.same(await host.answer({ reference }), { verdict: 'local', why });
  }
  const asked = ['HEAD /v2/team/app/manifests/1', `HEAD /v2/team/app/manifests/${id}`];
  t.same(heads(world.asked()), asked);
  t.same(await host.answer({ reference }), { verdict: 'local', why });
  t.same(world.asked(), [], 'remembered');
  host.nowMs += 25 * 3_600_000;
  t.same(await host.answer({ reference }), { verdict: 'local', why });
  t.same(heads(world.asked()), asked, 'asked again after a day');
  const details = { ...pulled(reference, stranger), Id: stranger.digest };
  host.images.set(reference, details);
  t.match(await host.answer({ reference }), { verdict: 'same' });
  t.same(heads(world.asked()), [asked[0]], 'what was pulled: one');
});

await t.test('what runs is compared, not what the tag means here', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t);
  const [reference = ''] = await withImages(t, world, host, ['team/app']);
  const before = host.images.get(reference) as { Id: string };
  host.images.set(before.Id, before);
  const now = await world.push('team/app', '1', { ...platforms, [PLATFORM]: 'newer' });
  host.images.set(reference, pulled(reference, now));
  t.match(await host.answer({ reference, id: before.Id }), { verdict: 'moved' });
  t.match(await host.answer({ reference }), { verdict: 'same' });
  host.images.set('built', { Id: 'sha256:1', RepoDigests: [] });
  world.asked();
  t.same(await host.answer({ reference, id: 'built' }), { verdict: 'local' });
  t.same(world.asked(), [], 'what was built here is not asked for');
  host.images.clear();
  t.match(await host.answer({ reference }), { verdict: 'moved' }, 'not here at all');
});

await t.test('tags by policy: listed once, a newer version found', async (t) => {
  const world = await startRegistry(t, 'none');
  const host = asker(t);
  const before = await world.push('team/app', '1.2.3', platforms);
  const reference = `${world.name}/team/app:1.2.3`;
  host.images.set(reference, pulled(reference, before));
  const patch = await world.push('team/app', '1.2.10', { [PLATFORM]: 'patch' });
  await world.push('team/app', '2.0.0', { [PLATFORM]: 'major' });
  await world.push('team/app', '1.2.11-rc.1', { [PLATFORM]: 'rc' });
  const tags = { kind: 'semver', part: 'minor' } as const;
  const answer = await host.answer({ reference, tags });
  t.match(answer, { verdict: 'moved', tag: '1.2.10', digest: patch.digest });
  t.equal((answer as { pinned: string }).pinned, `${world.name}/team/app:1.2.10@${patch.digest}`);
  t.same(heads(world.asked()), ['HEAD /v2/team/app/manifests/1.2.10']);
  const regex = { kind: 'regex', pattern: '^2\\.\\d+\\.\\d+$' } as const;
  t.match(await host.answer({ reference, tags: regex }), { verdict: 'moved', tag: '2.0.0' });
  // The same image under another name is no update.
  await world.push('team/app', '1.2.12', platforms);
  t.match(await host.answer({ reference, tags }), { verdict: 'same', tag: '1.2.12' });
});

await t.test(
  'an image that is too young waits, by its own date or by when it was seen',
  async (t) => {
    const world = await startRegistry(t, 'none');
    const host = asker(t);
    const [reference = '', silent = ''] = await withImages(t, world, host, [
      'team/app',
      'team/silent',
    ]);
    const madeMs = host.nowMs - 3_600_000;
    await world.push('team/app', '1', { [PLATFORM]: new Date(madeMs).toISOString() });
    await world.push('team/silent', '1', { [PLATFORM]: 'says nothing' });
    const seen = new Date(host.nowMs).toISOString();
    const young = await host.answer({ reference, minimumAgeHours: 24 });
    const until = new Date(madeMs + 24 * 3_600_000).toISOString();
    t.match(young, { verdict: 'waiting', until, created: new Date(madeMs).toISOString() });
    const unknown = await host.answer({ reference: silent, minimumAgeHours: 24 });
    t.match(unknown, { verdict: 'waiting', created: undefined });
    t.match(
      (unknown as { why: string }).why,
      `does not say when it was made; this host saw it first at ${seen}`,
    );
    world.asked();
    host.nowMs += 23.5 * 3_600_000;
    t.match(await host.answer({ reference, minimumAgeHours: 24 }), { verdict: 'moved' });
    t.match(await host.answer({ reference: silent, minimumAgeHours: 24 }), { verdict: 'waiting' });
    t.equal(
      world.asked().filter((one) => !one.startsWith('GET /v2/ ') && one.includes('/v2/team'))
        .length,
      2,
      'HEADs alone',
    );
    host.nowMs += 3_600_000;
    t.match(await host.answer({ reference: silent, minimumAgeHours: 24 }), { verdict: 'moved' });
  },
);
