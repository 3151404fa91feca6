import t from 'tap';
import { matches, scopeOf, type ScopeInput, type Volume } from '../../../src/core/backup-scope.ts';
import type { Container, ContainerMount } from '../../../src/core/observe.ts';
import { container } from '../../support/builders.ts';

const volume = (name: string, more: Partial<Volume> = {}): Volume => ({
  name,
  driver: 'local',
  mountpoint: `/v/${name}`,
  options: {},
  labels: {},
  ...more,
});
const mount = (name: string, isWritable = true): ContainerMount => ({
  type: 'volume',
  volume: name,
  source: `/v/${name}`,
  isWritable,
});
const bind = (source: string, isWritable = true): ContainerMount => ({
  type: 'bind',
  volume: undefined,
  source,
  isWritable,
});
const running = (service: string, mounts: ContainerMount[], more: Partial<Container> = {}) =>
  container(service, { mounts, ...more });

const scope = (change: Partial<ScopeInput>) =>
  scopeOf({
    model: { name: 'p', services: {} },
    containers: [],
    volumes: [],
    workTree: '/srv/op',
    backupsDirectory: '/srv/op/backups',
    freeze: 'pause',
    excludedVolumes: [],
    ...change,
  });

const volumesIn = (change: Partial<ScopeInput>): string[] =>
  scope(change).volumes.map(({ name }) => name);
const writersIn = (change: Partial<ScopeInput>): string[] =>
  scope(change).writers.map(({ container: { service }, by }) => `${service} ${by}`);

await t.test('volumes of the release and those that are mounted now, no others', async (t) => {
  const model = {
    name: 'p',
    services: { db: { volumes: [{ type: 'volume', source: 'data', target: '/d' }] } },
    volumes: { data: { name: 'p_data' } },
  };
  const anonymous = 'a'.repeat(64);
  const volumes = ['p_data', 'p_old', 'stranger', anonymous].map((name) => volume(name));
  const containers = [running('web', [mount('p_old', false), mount(anonymous)])];
  t.same(volumesIn({ model, volumes, containers }), ['p_data', 'p_old']);
});

await t.test('what is left out, and why', async (t) => {
  const volumes = [
    volume('said', { labels: { 'orchestrator-update.backup': 'false' } }),
    volume('cache_1'),
    volume('cluster', { driver: 'ceph' }),
    volume('share', { options: { type: 'nfs', device: ':/x', o: 'addr=h' } }),
    volume('memory', { options: { type: 'tmpfs', device: 'tmpfs' } }),
    volume('elsewhere', { options: { type: 'none', device: '/data/x', o: 'rw,bind' } }),
  ];
  const mounts = [
    ...volumes.map(({ name }) => mount(name)),
    bind('/data/y'),
    bind('/var/run/docker.sock'),
  ];
  const found = scope({
    volumes,
    containers: [running('a', mounts)],
    excludedVolumes: ['cache*'],
  });
  t.same(found.volumes, [{ name: 'elsewhere', path: '/data/x' }], 'where its data really is');
  t.same(
    found.leftOut.map(({ subject, why }) => `${subject}: ${why}`),
    [
      'volume cache_1: backup.exclude_volumes says so',
      'volume cluster: its data is kept by the volume driver ceph',
      'volume memory: it is in memory only',
      'volume said: its label orchestrator-update.backup says so',
      'volume share: its data is kept elsewhere (nfs)',
      '/data/y of service a: it is outside of the work tree',
    ],
  );
});

const label = (said: string) => ({ labels: { 'orchestrator-update.backup.freeze': said } });

await t.test('frozen is who can write to what is copied', async (t) => {
  const volumes = [volume('data')];
  const containers = [
    running('writer', [mount('data')]),
    running('reader', [mount('data', false)]),
    running('in-tree', [bind('/srv/op/autonomy/data')]),
    running('around', [bind('/srv')]),
    running('outside', [bind('/srv/opera')]),
    running('of-a-backup', [bind('/srv/op/backups/B1/autonomy')]),
    running('ended', [mount('data')], { state: 'exited' }),
    running('looping', [mount('data')], { state: 'restarting' }),
  ];
  const all = ['around pause', 'in-tree pause', 'looping stop', 'writer pause'];
  t.same(writersIn({ volumes, containers }), all);
  t.same(writersIn({ volumes, containers, freeze: 'none' }), []);
  const model = { name: 'p', services: { writer: label('stop'), around: label('none') } };
  t.same(writersIn({ volumes, containers, model }), [
    'in-tree pause',
    'looping stop',
    'writer stop',
  ]);
});

await t.test('patterns of names', async (t) => {
  t.ok(matches('a_cache_1', '*cache*'));
  t.ok(matches('a.b', 'a.b'));
  t.notOk(matches('axb', 'a.b'));
  t.notOk(matches('ab', 'a'));
});
