import t from 'tap';
import { countTap, countText } from '../../support/tap-results.ts';

function count(...lines: readonly string[]) {
  const files: string[] = [];
  const counter = countTap((result, counted) => {
    files.push(`${result.name}: ${countText(counted)}`);
  });
  counter.write(['TAP version 14', ...lines, ''].join('\n'));
  return { ...counter.end(), files };
}

await t.test('assertions are counted, and subtests are not', async (t) => {
  const results = count(
    '# Subtest: a.test.ts',
    '    # Subtest: one',
    '        ok 1 - first',
    '        not ok 2 - second',
    '          ---',
    '          wanted: 1',
    '          ...',
    '        ok 3 - third # SKIP no root',
    '        not ok 4 - fourth # TODO later',
    '        1..4',
    '    not ok 1 - one # time=3ms',
    '    1..1',
    'not ok 1 - a.test.ts # time=5ms',
    '# Subtest: b.test.ts',
    '    ok 1 - fifth',
    '    1..1',
    'ok 2 - b.test.ts # time=5ms',
    '1..2',
  );
  t.same(results.count, { passed: 2, failed: 1, skipped: 1, todo: 1 });
  t.same(results.failures, [{ name: 'a.test.ts > one > second', details: 'wanted: 1' }]);
  t.same(results.files, [
    'a.test.ts: 1 passed, 1 failed, 1 skipped, 1 todo',
    'b.test.ts: 1 passed, 0 failed',
  ]);
});

await t.test('a file that dies after good assertions counts as one failure', async (t) => {
  const results = count(
    '# Subtest: a.test.ts',
    '    ok 1 - first',
    '    1..1',
    'not ok 1 - a.test.ts # time=5ms',
    '  ---',
    '  exitCode: 7',
    '  ...',
    '1..1',
  );
  t.same(results.count, { passed: 1, failed: 1, skipped: 0, todo: 0 });
  t.same(results.failures, [{ name: 'a.test.ts', details: 'exitCode: 7' }]);
});

await t.test('buffered subtests count the same', async (t) => {
  const results = count(
    'ok 1 - a.test.ts # time=5ms {',
    '    ok 1 - first',
    '    ok 2 - second',
    '    1..2',
    '}',
    '1..1',
  );
  t.same(results.count, { passed: 2, failed: 0, skipped: 0, todo: 0 });
});

await t.test('a file that is skipped as a whole is counted', async (t) => {
  const file = ['# Subtest: a.test.ts', '    1..0 # no root'];
  const results = count(...file, 'ok 1 - a.test.ts # SKIP no root', '1..1');
  t.same(results.count, { passed: 0, failed: 0, skipped: 1, todo: 0 });
});

await t.test('a bail out is a failure', async (t) => {
  t.match(count('ok 1 - first', 'Bail out! the lab burns').failures, [
    { name: 'bail out', details: /the lab burns/ },
  ]);
});
