import t from 'tap';
import { atLeast } from '../../../src/core/version.ts';

const cases: readonly (readonly [have: string, want: string, expected: boolean])[] = [
  ['2.37.0', '2.37.0', true],
  ['2.40.3', '2.37.0', true],
  ['2.26.1-4', '2.37.0', false],
  ['v2.40.3', '2.37.0', true],
  ['2.9.0', '2.10.0', false],
  ['2.37', '2.37.0', true],
  ['3', '2.37.0', true],
  ['2.37.0-rc1', '2.37.0', true],
  ['5.0.1+ds1-0ubuntu1', '2.37.0', true],
  ['5:1.7.28-1', '2.0.0', false],
  ['Docker Compose version v2.36.2', '2.37.0', false],
  ['unknown', '2.37.0', false],
  ['', '2.37.0', false],
];

for (const [have, want, expected] of cases) {
  await t.test(`${have || '(empty)'} is ${expected ? '' : 'not '}at least ${want}`, async (t) => {
    t.equal(atLeast(have, want), expected);
  });
}
