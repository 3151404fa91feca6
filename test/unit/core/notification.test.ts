import t from 'tap';
import {
  events,
  fileNameFor,
  isToBeTold,
  isWanted,
  notificationOf,
  urgentEvents,
  type Draft,
} from '../../../src/core/notification.ts';

const HOUR_MS = 3_600_000;
const where = { host: 'web-1.example', project: 'shop', secrets: [], toldAtMs: undefined };
const draft: Draft = {
  event: 'rolled-back',
  about: 'ended T1',
  at: '2026-01-01T00:00:00Z',
  summary: 'it was rolled back',
};

await t.test('a target is told of what it names; a test is for everybody', (t) => {
  t.ok(isWanted('updated', ['updated']));
  t.notOk(isWanted('updated', ['held', 'rolled-back']));
  for (const event of events) t.ok(isWanted(event, ['all']), event);
  t.ok(isWanted('test', ['held']));
  t.end();
});

await t.test('who names nothing is told of what may need a person, and that it is over', (t) => {
  t.same(urgentEvents.toSorted(), [
    'backup-failed',
    'engine',
    'failed',
    'needs-operator',
    'recovered',
    'rolled-back',
    'verification-failed',
    'waiting',
  ]);
  t.end();
});

await t.test('once; what waits for a person again after a day', (t) => {
  const atMs = 1_000_000_000_000;
  for (const event of events) t.ok(isToBeTold(event, undefined, atMs), event);
  for (const event of ['updated', 'held', 'available', 'rolled-back', 'recovered'] as const) {
    t.notOk(isToBeTold(event, atMs, atMs + 100 * 24 * HOUR_MS), event);
  }
  for (const event of ['waiting', 'needs-operator', 'failed', 'verification-failed'] as const) {
    t.notOk(isToBeTold(event, atMs, atMs + 23 * HOUR_MS), event);
    t.ok(isToBeTold(event, atMs, atMs + 24 * HOUR_MS), event);
    t.ok(isToBeTold(event, atMs, atMs - HOUR_MS), 'a clock that was set back');
  }
  t.end();
});

const idOf = (one: Draft, toldAtMs?: number) => notificationOf(one, { ...where, toldAtMs }).id;

await t.test(
  'the id is the same each time, another when it is told again, and safe anywhere',
  (t) => {
    t.equal(idOf(draft), idOf({ ...draft, summary: 'otherwise', at: '2027-01-01T00:00:00Z' }));
    t.not(idOf(draft), idOf(draft, 1_000_000_000_000));
    t.not(idOf(draft), idOf({ ...draft, about: 'ended T2' }));
    t.match(
      idOf({ ...draft, about: 'approval abc: x → y; /../ \n' }),
      /^web-1-example-[A-Za-z0-9-]+$/,
    );
    const long = 'approval: '.padEnd(500, 'x');
    t.not(fileNameFor(`${long}1`), fileNameFor(`${long}2`));
    t.ok(fileNameFor(long).length < 80);
    t.end();
  },
);

await t.test('secrets are masked wherever they stand, and long texts are cut', (t) => {
  const secret = 'correct-horse';
  const notification = notificationOf(
    {
      ...draft,
      summary: `FATAL: ${secret} is no password`,
      output: [`dial postgres://shop:hunter2@db/shop: ${secret}`, 'x'.repeat(5000)],
      changes: [`web (${secret})`],
      outages: [secret],
      next: `psql --password=${secret}`,
      facts: { reason: secret },
    },
    { ...where, secrets: ['correct', secret] },
  );
  const text = JSON.stringify(notification);
  t.notMatch(text, /correct|horse|hunter2/);
  t.equal(notification.summary, 'FATAL: … is no password');
  t.ok(text.length < 2000);
  t.end();
});
