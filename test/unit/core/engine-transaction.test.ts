import t from 'tap';
import { refusalsOf, type EngineFactsBefore } from '../../../src/core/engine-preflight.ts';
import {
  differencesOf,
  dockerdIn,
  isContainerdStepBack,
  oldestApiOf,
  reversed,
  shutOut,
  type EngineView,
} from '../../../src/core/engine-transaction.ts';
import { heldIn, isVersion, sameChanges } from '../../../src/core/engine-upgrade.ts';

const changes = [
  { name: 'docker.io', from: '26.1.5+dfsg1-9', to: '28.5.2+dfsg4-5' },
  { name: 'containerd', from: '1.7.24~ds1-6', to: '2.1.9+ds1-5' },
  { name: 'tini', from: '0.19.0-3', to: undefined },
  { name: 'tini-static', from: undefined, to: '0.19.0-6' },
];

const before: EngineView = {
  version: '26.1.5+dfsg1',
  oldestApi: '1.24',
  storageDriver: 'overlay2',
  imageStore: 'docker',
  liveRestore: true,
  isSwarm: false,
  containers: [
    {
      id: 'a',
      name: 'db',
      pid: 10,
      startedAt: '2026-01-01T00:00:00Z',
      health: 'healthy',
      isDone: false,
    },
    { id: 'b', name: 'job', pid: 0, startedAt: '', health: 'none', isDone: true },
  ],
  networks: ['bridge', 'shop_default'],
  volumes: ['shop_data'],
};

await t.test('the versions that changes bring', async (t) => {
  t.equal(dockerdIn(changes, 'to'), '28.5.2');
  t.equal(
    dockerdIn([{ name: 'docker-ce', from: undefined, to: '5:29.3.1-1~debian.13' }], 'to'),
    '29.3.1',
  );
  t.equal(dockerdIn([{ name: 'runc', from: '1', to: '2' }], 'to'), undefined);
  t.equal(isContainerdStepBack(changes), false);
  t.equal(isContainerdStepBack(reversed(changes)), true);
  const within = [{ name: 'containerd.io', from: '2.2.0-1', to: '2.1.5-1' }];
  t.equal(isContainerdStepBack(within), false);
  t.same(heldIn(changes, 'to'), ['docker.io', 'containerd']);
  t.ok(sameChanges(changes, changes.toReversed()));
  t.notOk(sameChanges(changes, changes.slice(1)));
  t.notOk(sameChanges(changes, reversed(changes)));
});

await t.test('a version that a person names', async (t) => {
  t.ok(isVersion('28.5.2+dfsg4-5', '28.5.2'));
  t.ok(isVersion('5:28.5.2-1~debian.13~trixie', '28.5.2'));
  t.ok(isVersion('28.5.2+dfsg4-5', '28.5.2+dfsg4-5'));
  t.ok(isVersion('5:28.5.2-1', '5:28.5.2-1'));
  t.notOk(isVersion('28.5.21-1', '28.5.2'));
  t.notOk(isVersion('28.5.2-1', '28.5'), 'not by two numbers');
  t.notOk(isVersion('28.5.2-1', '8.5.2'));
});

await t.test('what is not as it was', async (t) => {
  const strict = { mayRestart: false };
  t.same(differencesOf(before, before, strict), []);
  const [db, job] = before.containers;
  const other = (more: object): EngineView => ({ ...before, ...more });
  t.match(differencesOf(before, other({ storageDriver: 'vfs' }), strict), [
    /is vfs instead of overlay2/,
  ]);
  t.match(differencesOf(before, other({ imageStore: 'containerd' }), strict), [
    /by containerd instead/,
  ]);
  t.match(differencesOf(before, other({ networks: ['bridge'] }), strict), [
    /network shop_default is not/,
  ]);
  t.match(differencesOf(before, other({ volumes: [] }), strict), [/volume shop_data is not/]);
  t.match(differencesOf(before, other({ containers: [job] }), strict), [
    /container db is not there/,
  ]);
  const restarted = other({ containers: [{ ...db, pid: 11 }, job] });
  t.same(differencesOf(before, restarted, strict), ['db was restarted']);
  t.same(differencesOf(before, restarted, { mayRestart: true }), []);
  const sick = other({ containers: [{ ...db, health: 'unhealthy' }, job] });
  t.same(differencesOf(before, sick, strict), ['db was healthy, and is not any more']);
  const down = other({ containers: [{ ...db, pid: 0 }, job] });
  t.same(differencesOf(before, down, { mayRestart: true }), ['db does not run any more']);
  const done = other({ containers: [{ ...db, pid: 0, isDone: true }] });
  t.same(
    differencesOf(before, done, strict),
    [],
    'a job that ended well, and one that was removed',
  );
  const bare = other({ networks: [], volumes: [] });
  t.same(differencesOf(before, bare, { mayRestart: true, onlyContainers: true }), []);
});

await t.test('clients and the API', async (t) => {
  t.equal(oldestApiOf('28.5.2'), '1.24');
  t.equal(oldestApiOf('29.0.0'), '1.44');
  t.equal(oldestApiOf('29.2.1'), '1.44');
  t.equal(oldestApiOf('29.3.0'), '1.40');
  const clients = ['1.25', '1.9', '1.44', undefined].map((apiVersion) => ({
    who: 'x',
    apiVersion,
  }));
  t.equal(shutOut(clients, '1.44').length, 2);
  t.equal(shutOut(clients, '1.24').length, 1, '1.9 is older than 1.24');
});

await t.test('what speaks against an upgrade', async (t) => {
  const good: EngineFactsBefore = {
    parts: { family: 'docker.io', packageManager: 'apt', why: undefined, parts: [] },
    upgrade: { changes, refusals: [] },
    probes: [{ name: 'api', state: 'ok', detail: '', seconds: 0 }],
    clients: [],
    isSwarm: false,
    unfinishedPackages: undefined,
    isInstalling: false,
    freeBytes: [2e9, 2e9],
    backup: { name: 'b', ageHours: 1 },
    hindrance: undefined,
  };
  const limits = { backupHours: 24 };
  t.same(refusalsOf(good, limits), []);
  const bad: readonly [Partial<EngineFactsBefore>, RegExp][] = [
    [{ parts: { ...good.parts, why: 'it is a snap' } }, /snap/],
    [{ upgrade: { changes, refusals: ['it would remove nginx'] } }, /remove nginx/],
    [{ probes: [{ name: 'ports', state: 'failed', detail: '8200', seconds: 0 }] }, /ports: 8200/],
    [{ isSwarm: true }, /swarm/],
    [{ unfinishedPackages: 'half-configured: x' }, /unfinished: half-configured/],
    [{ isInstalling: true }, /somebody installs/],
    [{ freeBytes: [2e9, 9e8] }, /less than 1000 MB/],
    [{ backup: undefined }, /no good backup/],
    [{ backup: { name: 'b', ageHours: 25 } }, /25 h old/],
    [{ hindrance: 'an update is unfinished' }, /an update is unfinished/],
  ];
  for (const [facts, why] of bad) {
    const found = refusalsOf({ ...good, ...facts }, limits);
    t.equal(found.length, 1);
    t.match(found[0]?.why, why);
    t.ok(found[0]?.next);
  }
  for (const [packageManager, next] of [
    ['apt', /dpkg --configure -a/],
    ['dnf', /engine repair; rpm --verify/],
  ] as const) {
    const parts = { ...good.parts, packageManager };
    const found = refusalsOf({ ...good, parts, unfinishedPackages: 'x' }, limits);
    t.match(found[0]?.next, next);
  }
  const to29 = {
    changes: [{ name: 'docker-ce', from: '5:28.5.2-1', to: '5:29.0.1-1' }],
    refusals: [],
  };
  const clients = [{ who: 'container watchtower', apiVersion: '1.25' }];
  t.match(
    refusalsOf({ ...good, upgrade: to29, clients }, limits)[0]?.why,
    /watchtower speaks API 1\.25/,
  );
});
