import t from 'tap';
import {
  imageKeepers,
  labelledWithout,
  towersOver,
  withoutContainer,
} from '../../../src/core/image-keepers.ts';
import { watchtowerFindings, type WatchtowerFacts } from '../../../src/core/watchtower-findings.ts';
import type { HostContainer } from '../../../src/core/watchtower.ts';
import { model } from '../../support/builders.ts';
import { fakeTower } from '../../support/fake-towers.ts';

const label = 'com.centurylinklabs.watchtower';
const ours = { [`${label}.enable`]: 'true', [`${label}.scope`]: 'autonomy-cluster' };
const seedArgs = ['--label-enable', '--scope', 'autonomy-cluster'];

const shop = model({
  web: { image: 'web:1', labels: ours },
  db: { image: 'db:1' },
  built: { image: 'own:1', build: { context: '.' }, labels: ours },
  pinned: { image: `pinned@sha256:${'a'.repeat(64)}`, labels: ours },
});

function container(service: string, rest: Partial<HostContainer> = {}): HostContainer {
  const compose = 'com.docker.compose';
  const labels = { [`${compose}.project`]: 'shop', [`${compose}.service`]: service };
  return {
    id: service,
    name: `shop-${service}-1`,
    image: `${service}:1`,
    state: 'running',
    command: [],
    environment: [],
    ...rest,
    labels: { ...labels, ...rest.labels },
  };
}

const keepers = (
  mode: 'watchtower' | 'builtin' | 'off',
  containers: readonly HostContainer[],
  release = shop,
) => {
  const images = { mode, services: 'all', minimum_age_hours: 0, tags: 'same-tag' } as const;
  return imageKeepers(release, { project: 'shop', images, containers });
};

await t.test('in mode watchtower, what one watches is left to it', async (t) => {
  const found = keepers('watchtower', [fakeTower(seedArgs), container('web')]);
  t.match(found['web'], {
    by: 'watchtower',
    why: 'watchtower follows it: label enable, scope autonomy-cluster',
    warning: undefined,
  });
  t.match(found['db'], { by: 'nobody', why: 'no Watchtower watches it', warning: undefined });
  t.match(found['built'], { by: 'nobody', why: /built on this host/ });
  t.match(found['pinned'], { by: 'nobody', why: /names the digest/ });
});

await t.test('labelled, and none there: nobody does, and that is worth a warning', async (t) => {
  t.match(keepers('watchtower', [])['web'], { by: 'nobody', warning: /, and none runs$/ });
  const other = fakeTower(['--scope', 'other']);
  t.match(keepers('watchtower', [other])['web'], { warning: /none that runs watches it/ });
  t.equal(keepers('watchtower', [])['db']?.warning, undefined);
  const tells = keepers('watchtower', [fakeTower(['--monitor-only'])]);
  t.match(tells['db'], { by: 'nobody', why: /only tells/ });
});

await t.test('in the other modes no service has two', async (t) => {
  const towers = [fakeTower(seedArgs)];
  const builtin = keepers('builtin', towers);
  t.match(builtin['web'], { by: 'watchtower', warning: /mode is builtin, and watchtower acts/ });
  t.match(builtin['db'], { by: 'us' });
  t.match(builtin['pinned'], { by: 'nobody' });
  const off = keepers('off', towers);
  t.match(off['web'], { by: 'watchtower', warning: /mode is off/ });
  t.match(off['db'], { by: 'nobody' });
  t.match(keepers('builtin', [])['web'], { by: 'us' });
  t.match(
    keepers('builtin', [fakeTower(['-m'])])['web'],
    { by: 'us' },
    'who only tells is no other',
  );
});

await t.test('labels of a container count where the model says nothing', async (t) => {
  const running = container('db', { labels: ours });
  t.match(keepers('watchtower', [fakeTower(seedArgs), running])['db'], { by: 'watchtower' });
  const off = model({ db: { image: 'db:1', labels: { [`${label}.enable`]: 'false' } } });
  t.match(keepers('watchtower', [fakeTower(seedArgs), running], off)['db'], { by: 'nobody' });
});

await t.test('one that runs is named before one that a person has paused', async (t) => {
  const paused = fakeTower([], { name: 'asleep', state: 'paused' });
  const found = keepers('watchtower', [paused, fakeTower(seedArgs)]);
  t.match(found['web'], { why: /^watchtower follows/ });
  t.match(found['db'], { why: /^asleep follows/ });
});

const over = (args: string[], containers: HostContainer[] = []) =>
  towersOver([shop], { project: 'shop', containers: [fakeTower(args), ...containers] }).map(
    ({ services }) => services.join(' '),
  );

await t.test('which of them are kept out of a transaction', async (t) => {
  t.same(over(seedArgs), ['built pinned web']);
  t.same(over([]), ['built db pinned web']);
  t.same(over(['--monitor-only', 'shop-db-1']), ['db'], 'it pulls');
  t.same(over(['--scope', 'other']), []);
  const old = container('gone', { labels: { [`${label}.scope`]: 'other' } });
  t.same(over(['--scope', 'other'], [old]), ['gone'], 'what the models do not have any more');
  const stranger = { ...old, labels: { ...old.labels, 'com.docker.compose.project': 'else' } };
  t.same(over(['--scope', 'other'], [stranger]), [], 'another project is none of ours');
});

await t.test('who has no container, and who is labelled for nobody', async (t) => {
  const containers = [container('web', { labels: ours }), container('db', { state: 'created' })];
  const seen = { project: 'shop', containers };
  t.same(withoutContainer(['web', 'db', 'gone'], seen), ['db', 'gone']);
  t.same(labelledWithout(seen), ['web']);
  t.same(labelledWithout({ ...seen, containers: [...containers, fakeTower(seedArgs)] }), []);
});

const say = (rest: Partial<WatchtowerFacts>) =>
  watchtowerFindings({
    project: 'shop',
    mode: 'watchtower',
    containers: [],
    oldestApi: '1.24',
    held: [],
    ...rest,
  });

const text = (rest: Partial<WatchtowerFacts>): string =>
  say(rest)
    .map(({ isWell, detail, mend = '' }) => `${isWell ? 'well' : 'WARN'} ${detail} → ${mend}`)
    .join('\n');

await t.test('what doctor says', async (t) => {
  const web = container('web', { labels: ours });
  t.match(text({}), /^well no Watchtower watches the cluster; images.mode is watchtower/);
  t.match(text({ containers: [fakeTower(seedArgs), web] }), /^well watchtower watches web → $/);
  t.match(text({ containers: [web] }), /^WARN labelled for Watchtower: web, and none runs: nobody/);
  const elsewhere = fakeTower(['--scope', 'other']);
  t.match(text({ containers: [elsewhere, web] }), /web, and watchtower does not watch them/);
  t.match(text({ containers: [web], mode: 'builtin' }), /^well /);

  const image = 'containrrr/watchtower:1.7.1';
  const old = [fakeTower(seedArgs, { image }), web];
  t.match(text({ containers: old }), /archived since 2025-12-17.* → image: nickfedor\/watchtower/);
  t.match(
    text({ containers: old }),
    /speaks API 1.25: Docker 29.0 to 29.2 \(1.44 or newer\) and later/,
  );
  t.match(
    text({ containers: old, oldestApi: '1.44' }),
    /this engine only 1.44 or newer: it does nothing/,
  );
  const told = fakeTower(seedArgs, { image, environment: ['DOCKER_API_VERSION=1.44'] });
  t.notMatch(text({ containers: [told, web], oldestApi: '1.44' }), /speaks API/);

  t.match(
    text({ containers: [fakeTower(), web] }),
    /acts on every container of this host.*\(web\)/,
  );
  t.notMatch(text({ containers: [fakeTower(['-m']), web] }), /WARN/);
  const beside = text({ containers: [fakeTower(seedArgs), web], mode: 'builtin' });
  t.match(beside, /images.mode is builtin, and watchtower acts on web: they are left to it/);

  const paused = [fakeTower(seedArgs, { state: 'paused' }), web];
  t.match(text({ containers: paused }), /is paused, by somebody else.*docker unpause watchtower/);
  t.match(text({ containers: paused, held: ['watchtower'] }), /is paused by us/);
});
