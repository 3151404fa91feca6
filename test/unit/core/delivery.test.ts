import t from 'tap';
import {
  afterFailure,
  extraOf,
  inOrder,
  isDue,
  type Delivery,
} from '../../../src/core/delivery.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const start: Delivery = {
  target: 'slack',
  notification: { id: 'x', at: '2026-01-01T00:00:00Z' } as Delivery['notification'],
  queuedAtMs: 0,
  attempts: 0,
  notBeforeMs: 0,
};

await t.test('tried later and later: 1, 5, 15 minutes, 1 hour, then every 6, and given up', (t) => {
  const delays: number[] = [];
  let delivery: Delivery | undefined = start;
  let nowMs = 0;
  while (delivery !== undefined && delays.length < 100) {
    const next: Delivery | undefined = afterFailure(delivery, { problem: 'HTTP 500' }, nowMs);
    if (next !== undefined) {
      t.notOk(isDue(next, next.notBeforeMs - 1));
      t.ok(isDue(next, next.notBeforeMs));
      delays.push((next.notBeforeMs - nowMs) / MINUTE_MS);
      nowMs = next.notBeforeMs;
    }
    delivery = next;
  }
  t.same(delays.slice(0, 7), [1, 5, 15, 60, 360, 360, 360]);
  t.ok(nowMs > 3 * DAY_MS && nowMs < 3.5 * DAY_MS, `${nowMs / DAY_MS} days`);
  t.end();
});

await t.test('a host that was off for a week tries some times more', (t) => {
  const next = afterFailure(start, { problem: 'no network' }, 7 * DAY_MS);
  t.equal(next?.attempts, 1);
  const last = { ...start, attempts: 5 };
  t.equal(afterFailure(last, { problem: 'no network' }, 7 * DAY_MS), undefined);
  t.end();
});

await t.test('what is refused is given up at the third time, whatever failed before', (t) => {
  const refused = { problem: 'HTTP 400', isRefused: true };
  const first = afterFailure({ ...start, attempts: 4 }, refused, 0);
  t.match(first, { refusals: 1, attempts: 5, notBeforeMs: 60 * MINUTE_MS });
  const second = first && afterFailure(first, refused, 0);
  t.match(second, { refusals: 2, notBeforeMs: 360 * MINUTE_MS });
  t.equal(second && afterFailure(second, refused, 0), undefined);
  t.end();
});

const one = (severity: string, more: Partial<Delivery> = {}): Delivery => ({
  ...start,
  ...more,
  notification: { ...start.notification, severity } as Delivery['notification'],
});

await t.test('what need not wait for the one before it: what is urgent, then what is new', (t) => {
  const [fresh, urgent] = [one('info'), one('critical', { attempts: 2 })];
  const tried = one('info', { attempts: 1 });
  t.equal(extraOf([tried, fresh, urgent], 0, false), urgent);
  t.equal(extraOf([tried, fresh], 0, false), fresh);
  t.equal(extraOf([tried], 0, false), undefined);
  t.equal(extraOf([tried, fresh], 0, true), undefined, 'not worth another time-out');
  t.equal(extraOf([fresh, urgent], 0, true), urgent);
  t.equal(extraOf([one('critical', { notBeforeMs: MINUTE_MS })], 0, false), undefined);
  t.end();
});

const delayOf = (seconds: number) =>
  afterFailure(start, { problem: '', retryAfterSeconds: seconds }, 0)?.notBeforeMs;

await t.test('who asks to be left alone is, but not for ever', (t) => {
  t.equal(delayOf(10), MINUTE_MS);
  t.equal(delayOf(600), 600_000);
  t.equal(delayOf(1e9), 360 * MINUTE_MS);
  t.end();
});

await t.test('a moment that is too far away is of a clock that was set back', (t) => {
  t.ok(isDue({ ...start, notBeforeMs: 10 * DAY_MS }, 0));
  t.notOk(isDue({ ...start, notBeforeMs: 360 * MINUTE_MS }, 0));
  t.end();
});

const at = (moment: string, queuedAtMs: number): Delivery => ({
  ...start,
  queuedAtMs,
  notification: { ...start.notification, at: moment },
});

await t.test('in the order in which it happened', (t) => {
  const [late, ended, begun] = [at('c', 2), at('b', 1), at('a', 1)];
  t.same(inOrder([late, ended, begun]), [begun, ended, late]);
  t.end();
});
