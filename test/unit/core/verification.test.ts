import t from 'tap';
import {
  alarmText,
  damagedNames,
  dueVerification,
  isInPart,
  nextPart,
  nothingVerified,
  overdue,
  parseVerifications,
  withVerification,
  type Verification,
  type VerificationRecord,
} from '../../../src/core/verification.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1000 * DAY;
const usual = { sample_days: 1, sample_percent: 15, restore_days: 0 };
const verification = (more: Partial<Verification> = {}): Verification => ({
  kind: 'sample',
  atMs: NOW,
  backup: 'B2',
  result: 'good',
  problems: [],
  ...more,
});
const after = (...all: Verification[]): VerificationRecord =>
  all.reduce((record, one) => withVerification(record, one, ['B1', 'B2', 'B3']), nothingVerified);

const dues: readonly (readonly [
  agoHours: number | undefined,
  schedule: Partial<typeof usual>,
  due: string | undefined,
  why: string,
])[] = [
  [undefined, {}, 'sample', 'never made'],
  [1, {}, undefined, 'made an hour ago'],
  [23, {}, undefined, 'not yet a day: the timer fires every hour'],
  [23.8, {}, 'sample', 'a timer that fires once a day does not fire to the second'],
  [-48, {}, 'sample', 'made in the future: the clock was wrong'],
  [Number.NaN, {}, 'sample', 'at no moment'],
  [1000, { sample_days: 0 }, undefined, 'switched off'],
  [1000, { sample_percent: 0 }, undefined, 'switched off by its size'],
  [1, { sample_days: 0.01 }, 'sample', 'every few minutes'],
  [0.1, { sample_days: 0.01 }, undefined, 'every few minutes, not yet'],
  [1, { restore_days: 7 }, 'restore', 'the other one'],
  [1000, { restore_days: 7 }, 'sample', 'one at a time'],
];
for (const [agoHours, schedule, due, why] of dues) {
  await t.test(`${agoHours} h ago, ${JSON.stringify(schedule)}: ${why}`, (t) => {
    const record =
      agoHours === undefined
        ? nothingVerified
        : after(verification({ atMs: NOW - agoHours * HOUR }));
    t.equal(dueVerification(record, { ...usual, ...schedule }, NOW), due);
    t.end();
  });
}

await t.test('a cycle has each part once, and each file is in one', (t) => {
  for (const [percent, parts] of [
    [15, 7],
    [100, 1],
    [50, 2],
    [14, 8],
  ] as const) {
    let last: Verification | undefined;
    const read = new Map<string, number>();
    const paths = Array.from({ length: 2000 }, (_, index) => `volumes/data/base/${index}`);
    const sizes: number[] = [];
    for (let day = 0; day < parts; day++) {
      const part = nextPart(last, percent);
      const found = paths.filter((path) => isInPart(path, part));
      sizes.push(found.length);
      for (const path of found) read.set(path, (read.get(path) ?? 0) + 1);
      last = verification({ part });
    }
    t.ok(paths.every((path) => read.get(path) === 1));
    t.ok(
      sizes.every((size) => Math.abs(size * parts - 2000) < 500),
      `about as much each time: ${sizes.join()}`,
    );
    t.same(nextPart(last, percent), { number: 1, of: parts }, 'and again from the first');
  }
  const other = nextPart(verification({ part: { number: 3, of: 7 } }), 50);
  t.same(other, { number: 1, of: 2 }, 'another size begins anew');
  t.end();
});

const bad = (more: Partial<Verification> = {}): Verification =>
  verification({ result: 'damaged', problems: ['x: its content differs'], ...more });
const down = verification({ kind: 'restore', result: 'not up', problems: ['it does not come up'] });

const alarms: readonly (readonly [next: Verification | undefined, stays: boolean, why: string])[] =
  [
    [undefined, true, 'nobody has looked again'],
    [verification({ backup: 'B1' }), true, 'an older one is good'],
    [verification(), true, 'another part of the same'],
    [verification({ kind: 'whole' }), false, 'all of the same, again'],
    [verification({ backup: 'B3' }), false, 'a part of a newer one'],
    [verification({ backup: 'B3', result: 'unfinished' }), true, 'not read to its end'],
    [verification({ backup: '', result: 'none' }), true, 'there was none to verify'],
  ];
for (const [next, stays, why] of alarms) {
  await t.test(`an alarm ${stays ? 'stays' : 'ends'}: ${why}`, (t) => {
    const record = after(bad(), ...(next ? [next] : []));
    t.equal(record.alarm !== undefined, stays);
    t.same([...damagedNames(record)], next?.kind === 'whole' ? [] : ['B2'], 'what is known stays');
    t.end();
  });
}

await t.test('a cluster that does not come up needs one that does', (t) => {
  t.equal(after(down).alarm?.result, 'not up');
  t.same([...damagedNames(after(down))], [], 'its files are what they were');
  t.ok(after(down, verification({ backup: 'B3' })).alarm);
  t.notOk(after(down, verification({ kind: 'restore' })).alarm);
  t.notOk(after(down, verification({ kind: 'restore', backup: 'B3' })).alarm);
  t.end();
});

await t.test('of a backup that is gone only the alarm is remembered', (t) => {
  const good = verification({ backup: 'B1' });
  const record = withVerification(after(bad()), good, ['B1']);
  t.same(record.damaged, []);
  t.notOk(record.alarm, 'and one that is good ends that');
  t.end();
});

await t.test('what is wrong, in one line, a few of them', (t) => {
  const problems = Array.from({ length: 100 }, (_, index) => `file\n${index}${'x'.repeat(400)}`);
  const record = after(bad({ problems }));
  t.equal(record.damaged[0]?.problems.length, 10);
  t.ok(record.damaged[0]?.problems.every((line) => line.length <= 300 && !line.includes('\n')));
  t.match(alarmText(after(bad()).alarm ?? bad()), /^the backup B2 is damaged: x: its content/);
  t.match(alarmText(record.alarm ?? bad()), /\(and 9 more\)$/);
  t.end();
});

await t.test('doctor: an alarm, one that was given up, none for too long', (t) => {
  const weeks = { ...usual, restore_days: 7 };
  const at = (record: VerificationRecord, madeAgoDays: number, schedule = usual) =>
    overdue(record, schedule, NOW - madeAgoDays * DAY, NOW);
  const old = verification({ atMs: NOW - 3 * DAY });
  t.match(at(after(bad()), 0), { detail: /is damaged/, mend: /backup create/ });
  t.match(at(after(verification({ result: 'unfinished', problems: ['given up'] })), 0), {
    detail: /not verified to its end: given up/,
    mend: /backup verify --sample/,
  });
  t.match(at(nothingVerified, 3), { detail: /no backup was read for longer than 2 × 1 days/ });
  t.match(at(after(old), 9), { mend: /--sample/ });
  t.match(at(after(verification()), 15, weeks), { mend: /--restore/ });
  for (const [record, days, schedule, why] of [
    [after(old), 1, usual, 'the newest was made since'],
    [after(verification()), 99, usual, 'just verified'],
    [after(verification()), 13, weeks, 'not yet'],
    [nothingVerified, 99, { ...usual, sample_days: 0 }, 'switched off'],
    [nothingVerified, Number.NaN, usual, 'there is no backup'],
    [after(verification({ atMs: NOW + 99 * DAY })), 3, usual, 'the clock was wrong'],
  ] as const) {
    t.equal(at(record, days, schedule), undefined, why);
  }
  t.end();
});

await t.test(
  'a file that is damaged is known for it; what makes no sense in it is left out',
  (t) => {
    const record = after(verification({ part: { number: 3, of: 7 } }), bad());
    t.same(parseVerifications(JSON.stringify(record)), record);
    t.same(parseVerifications(undefined), nothingVerified, 'none yet');
    for (const text of ['', '{', 'null', '[]', '7', '{}', '{"last":null,"damaged":[]}']) {
      t.equal(parseVerifications(text), undefined, text);
    }
    const odd = {
      last: { sample: { ...record.last.sample, part: { number: -1, of: 7 } }, whole: 7, x: {} },
      damaged: [null, {}, { ...bad(), problems: 'x' }, bad()],
      alarm: 'yes',
    };
    t.same(parseVerifications(JSON.stringify(odd)), { last: {}, damaged: [bad()] });
    t.end();
  },
);
