import t from 'tap';
import { isReminderDue } from '../../../src/core/reminder.ts';

const hour = 60 * 60 * 1000;
const last = { about: 'quarantine 1234', atMs: 1000 * hour };

const cases: readonly (readonly [about: string, nowMs: number, expected: boolean])[] = [
  ['quarantine 1234', 1000 * hour + 1, false],
  ['quarantine 1234', 1023 * hour, false],
  ['quarantine 1234', 1024 * hour, true],
  ['quarantine 5678', 1000 * hour + 1, true],
  // The clock was set back.
  ['quarantine 1234', 999 * hour, true],
  ['quarantine 1234', Number.NaN, true],
];

for (const [about, nowMs, expected] of cases) {
  await t.test(`${about} ${(nowMs - last.atMs) / hour} hours later`, (t) => {
    t.equal(isReminderDue(last, about, nowMs), expected);
    t.end();
  });
}

await t.test('what nobody was told is due', (t) => {
  t.equal(isReminderDue(undefined, 'hold 1', 0), true);
  t.end();
});
