import { assert, constantFrom, letrec, oneof, property, stringMatching, tuple } from 'fast-check';
import t from 'tap';
import { matcher } from '../../../src/core/tag-pattern.ts';
import {
  allowedTags,
  needsTags,
  parseTagPolicy,
  tagPolicyText,
  type TagPolicy,
} from '../../../src/core/tag-policy.ts';
import {
  comparePrecedence,
  compareVersions,
  parseVersionTag,
  type VersionTag,
} from '../../../src/core/version-tag.ts';

const newestTag = (...args: Parameters<typeof allowedTags>): string | undefined =>
  allowedTags(...args)[0];
const semver = (part: 'patch' | 'minor' | 'major'): TagPolicy => ({ kind: 'semver', part });
const regex = (pattern: string): TagPolicy => ({ kind: 'regex', pattern });

await t.test('policies are read as they are written, and nothing else is one', (t) => {
  for (const text of [
    'same-tag',
    'semver:patch',
    'semver:minor',
    'semver:major',
    'regex:^1\\.\\d+$',
  ]) {
    const policy = parseTagPolicy(text);
    t.ok(policy, text);
    t.equal(policy && tagPolicyText(policy), text);
  }
  const wrong = ['', 'same', 'semver', 'semver:', 'semver:any', 'regex:', 'regex:(', 'regex:a**'];
  for (const text of [...wrong, 'regex:(?=a)b', 'regex:(a)\\1', `regex:${'a'.repeat(201)}`]) {
    t.equal(parseTagPolicy(text), undefined, text);
  }
  t.end();
});

await t.test('semantic versions: how far, and what stays', (t) => {
  const tags = [
    '1.2.3',
    '1.2.10',
    '1.3.0',
    '2.0.0',
    '2.1',
    '3',
    'v9.9.9',
    '1.2.11-alpine',
    'latest',
  ];
  t.equal(newestTag('1.2.3', tags, semver('patch')), '1.2.10');
  t.equal(newestTag('1.2.3', tags, semver('minor')), '1.3.0');
  t.equal(newestTag('1.2.3', tags, semver('major')), '2.0.0', 'no v, and three parts');
  t.equal(newestTag('1.2.3-alpine', tags, semver('major')), '1.2.11-alpine', 'its kind');
  t.equal(newestTag('v1.0.0', tags, semver('major')), 'v9.9.9');
  t.equal(newestTag('1', tags, semver('major')), '3');
  t.equal(newestTag('1', tags, semver('minor')), '1', 'it has no minor part');
  t.equal(newestTag('1.5', tags, semver('minor')), '1.5', 'another major');
  t.equal(newestTag('2.0.1', tags, semver('major')), '2.0.1', 'never lower');
  t.equal(newestTag('latest', tags, semver('major')), 'latest');
  t.equal(newestTag('1.2.3', tags, { kind: 'same-tag' }), '1.2.3');
  t.equal(newestTag('1.2.3', [], semver('major')), '1.2.3');
  t.equal(newestTag('16', ['17', '20240131'], semver('major')), '17', 'a day is no version');
  t.equal(newestTag('20240131', ['17', '20240201'], semver('major')), '20240201');
  t.equal(newestTag('16.2-alpine3.19', ['16.3-alpine3.20'], semver('minor')), '16.2-alpine3.19');
  t.end();
});

await t.test('those below the newest, in order, and none below the current one', (t) => {
  const tags = ['1.2.9', '1.4.0', '1.2.10', '1.3.0', '1.04.0', '1.2.1', '2.0.0', 'latest', '1.2.3'];
  const below = ['1.4.0', '1.3.0', '1.2.10', '1.2.9', '1.2.3'];
  for (const order of [tags, tags.toReversed().filter((tag) => tag !== '1.04.0')]) {
    t.same(allowedTags('1.2.3', order, semver('minor')), below);
    t.same(allowedTags('1.2.3', order, regex('1\\.\\d\\.\\d+')), below);
  }
  const many = Array.from({ length: 50 }, (_, index) => `1.${index}`);
  const five = ['1.49', '1.48', '1.47', '1.46', '1.45', '1.7'];
  for (const order of [many, many.toReversed()]) {
    t.same(allowedTags('1.7', order, semver('minor')), five, 'some of many');
    t.same(allowedTags('1.7', order, regex('.*')), five);
  }
  t.same(allowedTags('latest', tags, semver('major')), ['latest']);
  t.same(allowedTags('1', tags, { kind: 'same-tag' }), ['1']);
  t.end();
});

await t.test('pre-releases: only in the place of another, and gone with the release', (t) => {
  const tags = ['2.0.0-rc.1', '2.0.0-rc.2', '2.0.0-rc.10-alpine', '1.9.0'];
  t.equal(newestTag('1.9.0', tags, semver('major')), '1.9.0');
  t.equal(newestTag('2.0.0-rc.1', tags, semver('patch')), '2.0.0-rc.2');
  t.equal(newestTag('2.0.0-rc.2', [...tags, '2.0.0'], semver('patch')), '2.0.0');
  t.equal(newestTag('2.0.0-beta.1-alpine', tags, semver('patch')), '2.0.0-rc.10-alpine');
  t.equal(newestTag('2.0.0', ['2.0.0-rc.9'], semver('major')), '2.0.0');
  t.end();
});

await t.test('precedence as semver.org has it', (t) => {
  const order = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0-rc2',
    '1.0.0-rc10',
    '1.0.0',
    '1.0.2',
    '1.0.10',
    '1.2.0',
    '10.0.0',
  ];
  for (const [index, one] of order.entries()) {
    for (const [other, two] of order.entries()) {
      const [left, right] = [parseVersionTag(one), parseVersionTag(two)] as VersionTag[];
      const found = left && right ? Math.sign(comparePrecedence(left, right)) : undefined;
      if (one !== '1.0.0-rc2' || two !== '1.0.0-rc.1')
        t.equal(found, Math.sign(index - other), `${one} ${two}`);
    }
  }
  const digits = '9'.repeat(100);
  t.equal(
    newestTag(`1.${digits}`, [`1.1${'0'.repeat(100)}`], semver('minor')),
    `1.1${'0'.repeat(100)}`,
  );
  t.end();
});

await t.test('expressions: the highest that matches as a whole, never a lower one', (t) => {
  const tags = ['1.2.9', '1.2.10', '1.3.0', 'x1.2.99', '1.2.99x', '1.2.11-rc1'];
  t.equal(newestTag('1.2.3', tags, regex('^1\\.2\\.\\d+$')), '1.2.10');
  t.equal(newestTag('1.2.3', tags, regex('1\\.2\\.\\d+')), '1.2.10', 'as a whole');
  t.equal(newestTag('1.2.3', tags, regex('^1\\.2\\..*$')), '1.2.99x');
  t.equal(newestTag('1.4.0', tags, regex('^1\\.\\d+\\.\\d+$')), '1.4.0');
  t.equal(
    newestTag('1.2.11', tags, regex('^1\\.2\\.\\d+(-rc\\d+)?$')),
    '1.2.11',
    'a pre-release comes before',
  );
  const dated = ['stable-20240131', 'stable-20240201'];
  t.equal(newestTag('stable-20231224', dated, regex('^stable-\\d{8}$')), 'stable-20240201');
  t.equal(newestTag('1', [`1.${'1'.repeat(200)}`], regex('.*')), '1', 'no tag is that long');
  t.end();
});

const sign = (left: string, right: string): number => Math.sign(compareVersions(left, right));

await t.test('the order of texts is one', (t) => {
  const tag = stringMatching(/^[a-c0-2.~-]{0,6}(rc|beta)?[0-2]{0,2}$/);
  assert(
    property(tag, tag, tag, (one, two, three) => {
      if (sign(one, two) !== -sign(two, one)) return false;
      return !(sign(one, two) <= 0 && sign(two, three) <= 0) || sign(one, three) <= 0;
    }),
    { numRuns: 3000 },
  );
  t.pass('antisymmetric and transitive');
  t.end();
});

await t.test('an expression means what it means to JavaScript', (t) => {
  const atom = constantFrom('a', 'b', '.', '\\d', '[ab]', '[^a]', '1', '\\.', '-');
  const piece = letrec<{ node: string }>((tie) => ({
    node: oneof(
      { maxDepth: 4 },
      atom,
      tuple(tie('node'), tie('node')).map(([left, right]) => left + right),
      tuple(tie('node'), tie('node')).map(([left, right]) => `(${left}|${right})`),
      tuple(tie('node'), constantFrom('?', '*', '+', '{2}', '{0,2}', '{1,}', '*?')).map(
        ([inner, sign]) => `(?:${inner})${sign}`,
      ),
    ),
  })).node;
  const text = stringMatching(/^[ab1.-]{0,8}$/);
  assert(
    property(piece, text, (pattern, tag) => {
      if (pattern.length > 200) return true;
      return matcher(pattern)?.(tag) === new RegExp(`^(?:${pattern})$`).test(tag);
    }),
    { numRuns: 5000 },
  );
  t.pass('5000 of them');
  t.end();
});

await t.test('no expression takes for ever', (t) => {
  const tag = 'a'.repeat(128);
  const startedAtMs = performance.now();
  for (const pattern of [
    '(a+)+b',
    '(a|a)*b',
    '(a*)*b',
    `${'a?'.repeat(60)}b`,
    '(.*)(.*)(.*)(.*)x',
    '((((a*)*)*)*)*b',
  ]) {
    t.equal(matcher(pattern)?.(tag), false, pattern);
  }
  for (const pattern of ['(a{100}){100}', 'a{999}', '((a{50}){50}){50}']) {
    t.equal(matcher(pattern), undefined, pattern);
  }
  const many = Array.from({ length: 5000 }, (_, index) => `${'a'.repeat(100)}${index}`);
  newestTag('a', many, regex('(a+)+b'));
  const odd = ['1'.repeat(110), 'a1.'.repeat(36), '.1'.repeat(50)].map((end) => `1.0-a.${end}_`);
  newestTag('1.0', odd, semver('major'));
  t.ok(performance.now() - startedAtMs < 10_000);
  t.end();
});

await t.test('a list of tags is asked for only where it can help', (t) => {
  t.notOk(needsTags({ kind: 'same-tag' }, '1.2.3'));
  t.notOk(needsTags(semver('major'), 'latest'));
  t.ok(needsTags(semver('major'), '1.2.3'));
  t.ok(needsTags(regex('.*'), 'latest'));
  t.end();
});
