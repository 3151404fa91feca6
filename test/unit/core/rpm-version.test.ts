import t from 'tap';
import { compareRpmVersions } from '../../../src/core/rpm-version.ts';

await t.test('versions in the order of rpm', async (t) => {
  // What `rpm --eval '%{lua: print(rpm.vercmp(LEFT, RIGHT))}'` of rpm 4.18 says of each.
  const known: readonly [string, string, number][] = [
    ['1.0', '1.0a', -1],
    ['1.0~rc1', '1.0', -1],
    ['1.0^x', '1.0', 1],
    ['1.0^x', '1.0.1', -1],
    ['1.0~rc1^x', '1.0~rc1', 1],
    ['28.5.10-1', '28.5.9-1', 1],
    ['1.el9', '1.el9_1', -1],
    ['a', '1', -1],
    ['010', '10', 0],
    ['1.1.', '1.1', 0],
    ['2.1.5-1.el9', '2.1.5-1.fc41', -1],
    ['3:28.5.2-1.el9', '29.3.0-1.el9', 1],
    ['0:2.1.5-1.el9', '2.1.5-1.el9', 0],
    ['3:28.5.2-1.el9', '3:28.5.2-2.el9', -1],
    ['Z', 'a', -1],
  ];
  for (const [left, right, order] of known) {
    t.equal(Math.sign(compareRpmVersions(left, right)), order, `${left} and ${right}`);
    t.equal(Math.sign(compareRpmVersions(right, left)), order === 0 ? 0 : -order);
  }
});
