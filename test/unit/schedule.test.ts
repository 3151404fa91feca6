import t from 'tap';
import { heldBack, momentOf, type Hold, type Schedule } from '../../src/schedule.ts';

/** Local times; 2026-11-24 is a Tuesday. */
const at = (text: string): Date => new Date(`2026-11-${text}`);
const always: Schedule = { windows: [], freezes: [] };
const why = (schedule: Partial<Schedule>, now: Date, hold?: Hold, isAutomatic = true) =>
  heldBack(hold, { ...always, ...schedule }, { now, isAutomatic })?.why;

await t.test('a window, on its days', async (t) => {
  const windows = [{ days: ['tue', 'wed'] as const, from: '02:00', to: '05:00' }];
  t.equal(why({ windows }, at('24T02:00')), undefined);
  t.equal(why({ windows }, at('24T04:59')), undefined);
  t.match(why({ windows }, at('24T05:00')), 'opens Wed 2026-11-25 02:00');
  t.match(why({ windows }, at('26T03:00')), 'opens Tue 2026-12-01 02:00');
  t.equal(why({ windows }, at('26T03:00'), undefined, false), undefined, 'by hand at any time');
});

await t.test('a window over midnight belongs to the day it begins on', async (t) => {
  const windows = [{ days: ['tue'] as const, from: '23:00', to: '01:00' }];
  t.equal(why({ windows }, at('24T23:30')), undefined);
  t.equal(why({ windows }, at('25T00:59')), undefined);
  t.ok(why({ windows }, at('24T00:30')), 'Monday night is not in it');
  t.ok(why({ windows }, at('25T23:30')));
});

await t.test('a freeze counts its days whole, and wins over a window', async (t) => {
  const freezes = [{ from: '2026-11-24', to: '2026-11-25', reason: 'the fair' }];
  const windows = [{ days: [], from: '00:00', to: '23:59' }];
  t.match(why({ freezes, windows }, at('24T00:00')), /frozen from .*: the fair/);
  t.ok(why({ freezes }, at('25T23:59')));
  t.equal(why({ freezes }, at('26T00:00')), undefined);
});

await t.test('a hold keeps everybody, until its time is over', async (t) => {
  const hold = { reason: 'mending', at: at('24T10:00').toISOString() };
  const until = { ...hold, until: at('24T12:00').toISOString() };
  t.match(why({}, at('24T11:00'), hold, false), /on hold, since .*: mending/);
  t.match(why({}, at('24T11:00'), until), 'until Tue 2026-11-24 12:00');
  t.equal(why({}, at('24T12:00'), until), undefined);
});

await t.test('the moments a person means', async (t) => {
  const now = at('24T10:00');
  const told = (text: string): string | undefined => momentOf(text, now)?.toISOString();
  t.equal(told('90m'), at('24T11:30').toISOString());
  t.equal(told('3d'), at('27T10:00').toISOString());
  t.equal(told('2026-11-25'), at('25T00:00').toISOString());
  t.equal(told('2026-11-25 06:30'), at('25T06:30').toISOString());
  t.equal(told('2026-11-25T06:30Z'), '2026-11-25T06:30:00.000Z');
  for (const bad of ['', 'soon', '2026-11-23', '2026-13-01', '-3d', '3', '1h30m'])
    t.equal(told(bad), undefined, bad);
});
