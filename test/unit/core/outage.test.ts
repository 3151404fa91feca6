import t from 'tap';
import { outagesOf, outageTexts } from '../../../src/core/outage.ts';
import { planOf, transactionOf } from '../../support/transactions.ts';

const textsOf = (end: Parameters<typeof transactionOf>[0], plan = planOf()) => {
  const { entries } = transactionOf(end, { plan });
  return outageTexts(outagesOf(plan, entries));
};

await t.test('each service is away while its own step is under way', (t) => {
  t.same(textsOf('COMMITTED'), ['db: away for 2 s at most', 'web: away for 2 s at most']);
  t.end();
});

await t.test('on the way back, from then on until the old release is verified', (t) => {
  const plan = planOf();
  const { entries } = transactionOf('ROLLED_BACK', { plan });
  const backAt = Date.parse(entries.find(({ state }) => state === 'VERIFYING_ROLLBACK')?.at ?? '');
  for (const { service, since, seconds } of outagesOf(plan, entries)) {
    t.equal(seconds, (backAt - Date.parse(since)) / 1000, service);
    t.ok((seconds ?? 0) > 20, service);
  }
  t.end();
});

await t.test('where neither came up, nobody knows', (t) => {
  t.match(textsOf('NEEDS_OPERATOR'), [/^db: away since 2026-01-01T12:01:4\dZ, not known/, /^web/]);
  t.end();
});

await t.test('a rebuild takes everybody away, but who is new or gone', (t) => {
  const texts = textsOf('COMMITTED', planOf({ strategy: 'rebuild' }));
  t.same(texts, ['db: away for 6 s at most', 'web: away for 6 s at most']);
  t.end();
});

await t.test(
  'what was given up before it began took nobody away; nor does a day change count',
  (t) => {
    t.same(textsOf('ABORTED'), []);
    const plan = planOf();
    const { entries } = transactionOf('COMMITTED', { plan });
    const over = entries.map((one) => ({
      ...one,
      at: one.at.startsWith('2026-01-01T12:01:4')
        ? one.at.replace('2026-01-01T12:01:4', '2024-02-29T23:59:5')
        : '2024-03-01T00:00:03.500Z',
    }));
    t.ok(
      outagesOf(plan, over).every(({ seconds = 0 }) => seconds < 14),
      JSON.stringify(over),
    );
    t.end();
  },
);
