import t from 'tap';
import { watchStart, type StartSeen } from '../../src/watch-start.ts';

/** A machine whose start goes like this, and what was done. */
function machine(
  starts: readonly StartSeen['how'][],
  mends: readonly boolean[],
  restarts = (_look: number) => 0,
) {
  const done: string[] = [];
  let looks = 0;
  let tries = 0;
  const host = {
    start: async () => ({ restarts: restarts(looks), how: starts[looks++] ?? ('over' as const) }),
    mend: async () => {
      done.push('mend');
      return mends[tries++] ?? true;
    },
    pause: async () => void done.push('pause'),
  };
  return { host, done };
}

await t.test('a start that ends by itself is left alone', async (t) => {
  const { host, done } = machine(['waiting', 'waiting', 'over'], []);
  t.equal(await watchStart(host), 'over');
  t.same(done, ['pause', 'pause']);
});

await t.test('one that hangs is seen to, and what is started by that is watched', async (t) => {
  const { host, done } = machine(['waiting', 'hangs', 'waiting', 'over'], [true]);
  t.equal(await watchStart(host), 'over');
  t.same(done, ['pause', 'mend', 'pause', 'pause']);
});

await t.test('what hangs again and again ends with a person', async (t) => {
  const { host, done } = machine(['hangs', 'waiting', 'hangs', 'hangs'], [true, false]);
  t.equal(await watchStart(host), 'left to a person');
  t.same(done, ['mend', 'pause', 'pause', 'mend']);
});

await t.test('one that fails again and again, never too soon for systemd', async (t) => {
  const starts = Array.from({ length: 12 }, () => 'waiting' as const);
  const { host, done } = machine(starts, [true, false], (look) => 40 + look);
  t.equal(await watchStart(host), 'left to a person');
  t.equal(done.filter((one) => one === 'mend').length, 2);
  t.equal(done.length, 12, 'five restarts each');
});
