import t from 'tap';
import type { ComposeModel, Service } from '../../../src/core/compose-model.ts';
import { databaseDanger } from '../../../src/core/database-image.ts';
import { judge, type Policy } from '../../../src/core/policy.ts';
import { removalRisks, riskOf, serviceRisks, volumeRisks } from '../../../src/core/risk.ts';
import { model } from '../../support/builders.ts';

const volumes = { data: { name: 'shop_data' }, other: { name: 'shop_other' } };
const mount = (source: string, target: string, type = 'volume') => ({ type, source, target });

/** The risks of one service that becomes another, as `risk: why`. */
function risks(
  old: Service | undefined,
  now: Service,
  rest: { before?: Partial<ComposeModel>; after?: Partial<ComposeModel> } = {},
): string[] {
  const before = model(old ? { db: old } : {}, { volumes, ...rest.before });
  const after = model({ db: now }, { volumes, ...rest.after });
  return serviceRisks(before, after, old, now).map(({ risk, why }) => `${risk}: ${why}`);
}

await t.test('nothing risky', async (t) => {
  const db = { image: 'app:1', volumes: [mount('data', '/data')], privileged: true };
  t.same(risks(db, { ...db, image: 'app:2', environment: { A: '1' } }), []);
  t.equal(riskOf([]), 'safe');
});

await t.test('a named volume', async (t) => {
  const old = { volumes: [mount('data', '/data')] };
  t.same(risks(old, {}), [
    'dangerous: volume shop_data is no longer mounted at /data; its data stays',
  ]);
  t.same(risks(old, { volumes: [mount('data', '/d')] }), [
    'dangerous: volume shop_data moves from /data to /d',
  ]);
  t.same(risks(old, { volumes: [mount('other', '/data')] }), [
    'dangerous: /data moves from volume shop_data to shop_other',
  ]);
  t.same(risks(old, { volumes: [mount('/srv', '/data', 'bind')] }), [
    'dangerous: /data moves from volume shop_data to /srv',
  ]);
  const renamed = { after: { volumes: { data: { name: 'shop_new' } } } };
  t.match(risks(old, old, renamed), [/^dangerous: \/data moves from volume shop_data to shop_new/]);
  const key = { volumes: [mount('files', '/data')] };
  t.same(risks(old, key, { after: { volumes: { files: { name: 'shop_data' } } } }), []);
});

await t.test('a bind', async (t) => {
  const old = { volumes: [mount('/srv/a', '/x', 'bind')] };
  t.same(risks(old, { volumes: [mount('/srv/b', '/x', 'bind')] }), [
    'dangerous: /x moves from /srv/a to /srv/b',
  ]);
  t.same(risks(old, {}), ['look: /srv/a is no longer mounted at /x']);
});

await t.test('power over the host, gained and not had before', async (t) => {
  const cases: [Service, string][] = [
    [{ privileged: true }, 'becomes privileged'],
    [{ network_mode: 'host' }, 'network_mode: host'],
    [{ pid: 'host' }, 'pid: host'],
    [{ cap_add: ['SYS_ADMIN'] }, 'gains the capability SYS_ADMIN'],
    [
      { volumes: [mount('/var/run/docker.sock', '/s', 'bind')] },
      'mounts /var/run/docker.sock of the host',
    ],
    [{ volumes: [mount('/', '/host', 'bind')] }, 'mounts / of the host'],
    [{ security_opt: ['seccomp=unconfined'] }, 'security_opt: seccomp=unconfined'],
  ];
  for (const [now, why] of cases) {
    t.same(risks({}, now), [`dangerous: ${why}`]);
    t.same(risks(undefined, now), [`dangerous: ${why}`], 'a new service too');
    t.same(risks(now, { ...now, image: 'x:2' }), [], 'not when it had it');
  }
});

await t.test('where a database has its data', async (t) => {
  const old = { environment: { PGDATA: '/a' } };
  t.same(risks(old, { environment: { PGDATA: '/b' } }), ['dangerous: PGDATA moves from /a to /b']);
  t.same(risks(old, {}), ['dangerous: PGDATA moves from /a to its default']);
});

const images: [string, string, RegExp | undefined][] = [
  ['postgres:15.4', 'postgres:15.9', undefined],
  ['postgres:15', 'postgres:16', /major version of postgres changes: 15 → 16/],
  ['postgres:9.5', 'postgres:9.6', /major/],
  ['postgres:16', 'postgres:16-alpine', undefined],
  ['postgres:16', 'postgis/postgis:16-3.4', undefined],
  ['pgvector/pgvector:pg16', 'postgres:17', /16 → 17/],
  ['mysql:8.4', 'mysql:8.0', /goes back/],
  ['mysql:8', 'mariadb:11', /from mysql to mariadb/],
  ['redis:7', 'valkey/valkey:8', /from redis to valkey/],
  ['mongo:latest', 'mongo:7', /not known/],
  ['registry:5000/team/mongo:6@sha256:aa', 'registry:5000/team/mongo:7', /6 → 7/],
  ['mongo:7', 'app:1', /becomes app:1/],
  ['app:1', 'app:2', undefined],
  ['app:1', 'postgres:16', undefined],
];
for (const [from, to, expected] of images) {
  await t.test(`${from} → ${to}`, async (t) => {
    if (expected) t.match(databaseDanger(from, to), expected);
    else t.equal(databaseDanger(from, to), undefined);
  });
}

await t.test('a service that goes: its volumes, unless another mounts them', async (t) => {
  const old = { volumes: [mount('data', '/data')] };
  const before = model({ db: old }, { volumes });
  t.match(removalRisks(before, model({}), old), [
    { risk: 'look' },
    { risk: 'look', why: 'volume shop_data is no longer mounted; its data stays' },
  ]);
  t.match(removalRisks(before, model({ other: old }, { volumes }), old), [{ risk: 'look' }]);
  t.equal(removalRisks(before, model({ other: old }, { volumes }), old).length, 1);
});

await t.test('the driver of a volume', async (t) => {
  const before = model(
    {},
    { volumes: { a: { driver: 'local' }, b: null, c: { driver_opts: { o: '1' } } } },
  );
  const after = model(
    {},
    { volumes: { a: null, b: { driver: 'nfs' }, c: { driver_opts: { o: '2' } } } },
  );
  t.match(volumeRisks(before, after), [
    { risk: 'dangerous', why: 'driver of volume b changes: local → nfs' },
    { risk: 'dangerous', why: 'driver options of volume c change' },
  ]);
  t.same(volumeRisks(before, before), []);
});

await t.test('the strictest word of the policy counts', async (t) => {
  const policy: Policy = { safe: 'apply', look: 'apply', dangerous: 'approve' };
  const found = [
    { subject: 'service db', risk: 'look', why: 'ports' },
    { subject: 'service db', risk: 'dangerous', why: 'privileged' },
  ] as const;
  t.same(judge(policy, 'safe', []), { action: 'apply', because: [] });
  t.same(judge(policy, 'look', found.slice(0, 1)), { action: 'apply', because: [] });
  t.same(judge(policy, 'dangerous', found), {
    action: 'approve',
    because: ['service db: privileged'],
  });
  t.same(judge({ ...policy, look: 'refuse' }, 'dangerous', found), {
    action: 'refuse',
    because: ['service db: ports'],
  });
  t.same(judge({ ...policy, safe: 'approve' }, 'safe', []), {
    action: 'approve',
    because: ['policy.safe: approve'],
  });
});
