import t from 'tap';
import { afterFailure, inOrder, isDue, type Delivery } from '../../../src/core/delivery.ts';

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
    const next: Delivery | undefined = afterFailure(delivery, 'HTTP 500', nowMs);
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
  const next = afterFailure(start, 'no network', 7 * DAY_MS);
  t.equal(next?.attempts, 1);
  t.equal(afterFailure({ ...start, attempts: 5 }, 'no network', 7 * DAY_MS), undefined);
  t.end();
});

const delayOf = (seconds: number) => afterFailure(start, '', 0, seconds)?.notBeforeMs;

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
