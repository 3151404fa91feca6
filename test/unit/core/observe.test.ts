import t from 'tap';
import { classify, fingerprintOf, sweepFor, type Container } from '../../../src/core/observe.ts';
import { container } from '../../support/builders.ts';

const oldWeb = container('web', { configHash: 'h1', imageId: 'i1' });
const newWeb = container('web', { configHash: 'h2', imageId: 'i2' });
const db = container('db');
const old = { commit: 'A', fingerprint: fingerprintOf([oldWeb, db]) };
const now = { commit: 'B', fingerprint: fingerprintOf([newWeb, db]) };

const observations: readonly (readonly [
  what: string,
  containers: readonly Container[],
  head: string,
  expected: string,
])[] = [
  ['everything of the old release', [oldWeb, db], 'A', 'OLD'],
  ['everything of the new release', [newWeb, db], 'B', 'NEW'],
  ['old containers, new tree', [oldWeb, db], 'B', 'MIXED'],
  ['new containers, old tree', [newWeb, db], 'A', 'MIXED'],
  ['a tree at neither commit', [oldWeb, db], 'C', 'MIXED'],
  ['nothing runs', [], 'A', 'NONE'],
  ['a service is missing', [newWeb], 'B', 'MIXED'],
  ['a service too many', [newWeb, db, container('extra')], 'B', 'MIXED'],
  ['one container of each release', [oldWeb, newWeb, db], 'B', 'MIXED'],
  ['the right configuration, another image', [{ ...newWeb, imageId: 'i3' }, db], 'B', 'MIXED'],
  ['a leftover that never started', [{ ...newWeb, state: 'created' }, db], 'B', 'MIXED'],
  ['a container that has exited still belongs', [{ ...newWeb, state: 'exited' }, db], 'B', 'NEW'],
  ['two replicas of one service', [newWeb, { ...newWeb, id: 'id-web-2' }, db], 'B', 'NEW'],
];
for (const [what, containers, head, expected] of observations) {
  await t.test(`${what}: ${expected}`, async (t) => {
    t.equal(classify(containers, head, old, now), expected);
  });
}

await t.test('a text-only release: only the commit tells old from new', async (t) => {
  const same = { commit: 'B', fingerprint: old.fingerprint };
  t.equal(classify([oldWeb, db], 'B', old, same), 'NEW');
  t.equal(classify([oldWeb, db], 'A', old, same), 'OLD');
});

await t.test('an image that is not known beforehand is not asked for', async (t) => {
  const built = { commit: 'B', fingerprint: { web: { hash: 'h2', imageId: '' } } };
  t.equal(classify([newWeb], 'B', old, built), 'NEW');
});

await t.test('what never started goes first, what runs then gets its name back', async (t) => {
  const created = container('web', { name: 'shop-web-1', state: 'created' });
  const renamed = container('web', { id: 'r', name: '0123456789ab_shop-web-1' });
  const sweeps = sweepFor([renamed, created, db]);
  t.same(
    sweeps.map((sweep) => [sweep.do, sweep.container.name, 'to' in sweep ? sweep.to : undefined]),
    [
      ['remove', 'shop-web-1', undefined],
      ['rename', '0123456789ab_shop-web-1', 'shop-web-1'],
    ],
  );
});

await t.test('a temporary name whose place is taken goes', async (t) => {
  const renamed = container('web', { id: 'r', name: '0123456789ab_shop-web-1' });
  t.same(
    sweepFor([container('web'), renamed]).map((sweep) => [sweep.do, sweep.container.id]),
    [['remove', 'r']],
  );
});

await t.test('the only container of a service stays, though it never started', async (t) => {
  const only = container('web', { name: '0123456789ab_shop-web-1', state: 'created' });
  t.same(
    sweepFor([only, db]).map((sweep) => [sweep.do, sweep.container.name]),
    [['rename', '0123456789ab_shop-web-1']],
    'it alone holds the anonymous volumes of the one it was to replace',
  );
  t.same(sweepFor([container('web', { state: 'created' }), db]), []);
});

await t.test('two temporary names for one place: one gets it, the other goes', async (t) => {
  const first = container('web', { id: 'r1', name: '0123456789ab_shop-web-1' });
  const second = container('web', { id: 'r2', name: 'ffffffffffff_shop-web-1' });
  t.same(
    sweepFor([first, second]).map((sweep) => [sweep.do, sweep.container.id]),
    [
      ['remove', 'r2'],
      ['rename', 'r1'],
    ],
  );
});

await t.test('names that only look temporary stay', async (t) => {
  const names = ['0123456789_shop', '0123456789AB_shop', 'my_0123456789ab_shop', '0123456789ab_'];
  t.same(sweepFor(names.map((name) => container('web', { name }))), []);
});
