import { assert, boolean, func, integer, property, string, uniqueArray } from 'fast-check';
import t from 'tap';
import { expendable } from '../../../src/core/retention.ts';

const cases: readonly (readonly [
  backups: string,
  keep: number,
  damaged: string,
  goes: string,
  why: string,
])[] = [
  ['EDCBA', 2, '', 'CBA', 'the newest stay'],
  ['EDCBA', 9, '', '', 'there are fewer'],
  ['EDCBA', 2, 'E', 'BA', 'a damaged one does not count'],
  ['EDCBA', 2, 'EDCB', 'CB', 'the last good one stays, whatever came after it'],
  ['EDCBA', 1, 'A', 'DCBA', 'an old damaged one goes'],
  ['EDCBA', 3, 'EDCBA', 'BA', 'all are damaged: no more are kept for that'],
  ['', 3, '', '', 'none'],
];
for (const [backups, keep, damaged, goes, why] of cases) {
  await t.test(`${backups}, ${keep} kept, damaged: ${damaged || 'none'}: ${why}`, (t) => {
    t.equal(expendable(backups.split(''), keep, new Set(damaged)).join(''), goes);
    t.end();
  });
}

await t.test('whatever is damaged, the newest good ones stay, and no pile grows', (t) => {
  const names = uniqueArray(string({ minLength: 1 }), { maxLength: 20 });
  assert(
    property(names, integer({ min: 1, max: 6 }), func(boolean()), (all, keep, isBad) => {
      const damaged = new Set(all.filter((name) => isBad(name)));
      const gone = new Set(expendable(all, keep, damaged));
      const good = all.filter((name) => !damaged.has(name));
      const goodLeft = good.filter((name) => !gone.has(name));
      return goodLeft.join() === good.slice(0, keep).join() && all.length - gone.size <= 2 * keep;
    }),
  );
  t.end();
});
