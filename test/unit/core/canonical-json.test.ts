import t from 'tap';
import { canonicalJson, sameValue } from '../../../src/core/canonical-json.ts';
import { randomFrom, randomJson, reordered } from '../../support/random.ts';

await t.test('keys are in order at every depth, lists keep theirs', async (t) => {
  t.equal(canonicalJson({ b: [{ d: 1, c: 2 }, 1], a: null }), '{"a":null,"b":[{"c":2,"d":1},1]}');
  t.not(canonicalJson([1, 2]), canonicalJson([2, 1]));
});

await t.test('the order of keys never makes two values differ', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomFrom(seed);
    const value = randomJson(random);
    if (!sameValue(value, reordered(random, value))) t.fail(`seed ${seed}`, { value });
    if (canonicalJson(JSON.parse(canonicalJson(value))) !== canonicalJson(value)) {
      t.fail(`not stable: seed ${seed}`, { value });
    }
  }
});

await t.test('different values differ', async (t) => {
  t.notOk(sameValue({ a: 1 }, { a: '1' }));
  t.notOk(sameValue({ a: undefined, b: 1 }, { b: 2 }));
  t.notOk(sameValue([], {}));
  t.notOk(sameValue(null, undefined));
  t.ok(sameValue(undefined, undefined));
});
