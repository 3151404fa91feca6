import t from 'tap';
import { readArguments } from '../../../src/core/watchtower-flags.ts';
import {
  mayBeWatchtower,
  watchesEverything,
  watchOf,
  watchtowersIn,
  type HostContainer,
  type Watched,
} from '../../../src/core/watchtower.ts';
import { fakeTower } from '../../support/fake-towers.ts';

const enable = 'com.centurylinklabs.watchtower.enable';
const scope = 'com.centurylinklabs.watchtower.scope';
const monitor = 'com.centurylinklabs.watchtower.monitor-only';

const makers = (rest: Partial<HostContainer>) =>
  watchtowersIn([fakeTower([], rest)]).map(({ maker }) => maker);

await t.test('a Watchtower is known by its image or its label', async (t) => {
  for (const [image, expected] of [
    ['containrrr/watchtower', ['containrrr']],
    ['docker.io/containrrr/watchtower:latest', ['containrrr']],
    ['registry.lab:5000/mirror/containrrr/watchtower:1.7.1', ['containrrr']],
    [`containrrr/watchtower@sha256:${'a'.repeat(64)}`, ['containrrr']],
    ['nickfedor/watchtower:1.21.0', ['nicholas-fedor']],
    ['ghcr.io/nicholas-fedor/watchtower', ['nicholas-fedor']],
    ['ghcr.io/openserbia/watchtower:1', ['openserbia']],
    ['containrrr/watchtower-docs', []],
    ['mycontainrrr/watchtower2', []],
    ['xcontainrrr/watchtower', []],
  ] as const) {
    t.same(makers({ image }), expected, image);
  }
  const image = 'own/updater:3';
  t.same(makers({ image }), []);
  t.same(makers({ image, labels: { 'com.centurylinklabs.watchtower': 'true' } }), ['stranger']);
  t.same(makers({ image, labels: { [enable]: 'true' } }), [], 'what it watches is none itself');
  t.same(makers({ state: 'exited' }), [], 'one that has ended acts on nothing');
  t.same(makers({ state: 'paused' }), ['nicholas-fedor']);
  t.ok(mayBeWatchtower({ image: `sha256:${'b'.repeat(64)}`, labels: {} }), 'its name has moved on');
  t.notOk(mayBeWatchtower({ image: 'postgres:17', labels: {} }));
});

const read = (...words: string[]) => {
  const { flags, names } = readArguments(words);
  return { ...Object.fromEntries(flags), names };
};

await t.test('its arguments are read as it reads them', async (t) => {
  t.same(read('--label-enable', '--scope', 'a', 'web', 'db'), {
    'label-enable': ['true'],
    scope: ['a'],
    names: ['web', 'db'],
  });
  t.same(read('--scope=a', '--label-enable=false'), {
    scope: ['a'],
    'label-enable': ['false'],
    names: [],
  });
  t.same(read('-ce', '-i', '30', '-s0 0 4 * * *', '-x', 'a', '-x=b'), {
    cleanup: ['true'],
    'label-enable': ['true'],
    interval: ['30'],
    schedule: ['0 0 4 * * *'],
    'disable-containers': ['a', 'b'],
    names: [],
  });
  t.same(read('--run-once', '--', '--web'), { 'run-once': ['true'], names: ['--web'] });
  t.same(
    read('--something-new', 'x', '--another', '--scope', 'a'),
    { 'something-new': ['x'], another: ['true'], scope: ['a'], names: [] },
    'what nobody knows here takes no name for one of a container',
  );
});

const web = (labels: Record<string, string> = {}, rest: Partial<Watched> = {}): Watched => ({
  name: 'shop-web-1',
  image: 'shop/web:1',
  labels,
  ...rest,
});

/** What a Watchtower that is told this does with a container. */
function does(
  args: readonly string[],
  container: Watched,
  rest: Partial<HostContainer> = {},
): 'acts' | 'tells' | undefined {
  const [tower] = watchtowersIn([fakeTower(args, rest)]);
  return tower && watchOf(tower, container)?.does;
}

await t.test('what it watches, by labels and scope', async (t) => {
  const on = { [enable]: 'true' };
  const off = { [enable]: 'false' };
  const ours = { [scope]: 'autonomy-cluster' };
  const seed = ['--label-enable', '--scope', 'autonomy-cluster'];
  for (const [args, labels, expected] of [
    [[], {}, 'acts'],
    [[], off, undefined],
    [[], ours, 'acts'],
    [['--label-enable'], {}, undefined],
    [['--label-enable'], on, 'acts'],
    [['--label-enable'], { [enable]: '1' }, 'acts'],
    [['--label-enable'], { [enable]: 'yes' }, undefined],
    [['--label-enable=false'], {}, 'acts'],
    [['--scope', 'autonomy-cluster'], {}, undefined],
    [['--scope', 'autonomy-cluster'], ours, 'acts'],
    [['--scope', 'none'], ours, undefined],
    [['--scope', 'none'], {}, 'acts'],
    [['--scope', 'none'], { [scope]: '' }, 'acts'],
    [seed, { ...on, ...ours }, 'acts'],
    [seed, on, undefined],
    [seed, ours, undefined],
    [seed, { ...on, [scope]: 'other' }, undefined],
    [['--monitor-only'], {}, 'tells'],
    [['-m'], {}, 'tells'],
    [['--no-restart'], {}, 'tells'],
    [[], { [monitor]: 'true' }, 'tells'],
    [['--monitor-only'], { [monitor]: 'false' }, 'tells'],
    [['--monitor-only', '--label-take-precedence'], { [monitor]: 'false' }, 'acts'],
  ] as const) {
    t.equal(does(args, web(labels)), expected, JSON.stringify([args, labels]));
  }
});

await t.test('what it watches, by name and image', async (t) => {
  for (const [args, expected] of [
    [['shop-web-1'], 'acts'],
    [['/shop-web-1'], 'acts'],
    [['shop-db-1'], undefined],
    [['shop-.*'], 'acts'],
    [['web'], undefined],
    [['(?i:shop-web-1'], 'acts'],
    [['--disable-containers', 'shop-db-1,shop-web-1'], undefined],
    [['-x', 'shop-.*'], undefined],
    [['--monitor-image-names', 'shop/.*'], 'acts'],
    [['--monitor-image-names', 'other/.*'], undefined],
    [['--skip-image-names', 'shop/web:1'], undefined],
    [['--enable-containers-by-label', 'tier=front'], 'acts'],
    [['--enable-containers-by-label', 'tier=back'], undefined],
    [['--disable-containers-by-label', 'tier='], undefined],
  ] as const) {
    t.equal(does(args, web({ tier: 'front' })), expected, JSON.stringify(args));
  }
  const archived = { image: 'containrrr/watchtower' };
  t.equal(does(['-x', 'shop-.*'], web(), archived), 'acts', 'it knows no patterns there');
});

await t.test('its environment says the same; arguments come first', async (t) => {
  const environment = [
    'WATCHTOWER_LABEL_ENABLE=true',
    'WATCHTOWER_SCOPE=a',
    'WATCHTOWER_DISABLE_CONTAINERS=x shop-db-1',
    'PATH=/',
  ];
  const ours = { [enable]: 'true', [scope]: 'a' };
  t.equal(does([], web(ours), { environment }), 'acts');
  t.equal(does([], web({ [enable]: 'true' }), { environment }), undefined);
  t.equal(does([], web(ours, { name: 'shop-db-1' }), { environment }), undefined);
  t.equal(does(['--scope', 'b'], web(ours), { environment }), undefined);
});

await t.test('also where a shell starts it, and where nobody can read how', async (t) => {
  const command = ['/bin/sh', '-c', 'exec "$0" "$@"', '/usr/bin/watchtower', '--scope', 'a'];
  t.equal(does([], web({ [scope]: 'a' }), { command }), 'acts');
  t.equal(does([], web(), { command }), undefined);
  const hidden = ['/bin/sh', '-c', '/start.sh'];
  t.equal(does([], web(), { command: hidden }), 'acts', 'it may watch everything');
});

const spoken = (rest: Partial<HostContainer>) =>
  watchtowersIn([fakeTower([], rest)]).map(({ apiVersion }) => apiVersion);

await t.test('the API that it speaks', async (t) => {
  const image = 'containrrr/watchtower';
  t.same(spoken({ image }), ['1.25']);
  t.same(spoken({ image, environment: ['DOCKER_API_VERSION=1.44'] }), ['1.44']);
  t.same(spoken({ image, command: ['/watchtower', '-a', '1.41'] }), ['1.41']);
  t.same(spoken({}), [undefined], 'a fork asks the engine');
});

const all = (...args: string[]) => watchtowersIn([fakeTower(args)]).some(watchesEverything);

await t.test('one that was told nothing watches everything', async (t) => {
  t.ok(all());
  t.ok(all('--cleanup', '--interval', '30'));
  t.notOk(all('--label-enable'));
  t.notOk(all('--scope', 'a'));
  t.notOk(all('shop-web-1'));
});
