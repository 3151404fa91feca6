import t from 'tap';
import { RefusedError } from '../../src/errors.ts';
import { watchLoop, type WatchHost } from '../../src/watch-loop.ts';

type Signal = 'stop' | 'run' | 'reload';

/**
 * A machine with a clock of its own. `during` says what is asked for during which run (from 0), `waiting` what wakes
 * which wait, after how many seconds.
 */
function machine({
  codes = [],
  unfinished = 0,
  during = {},
  waiting = {},
}: {
  codes?: readonly (number | undefined)[];
  /** So many runs leave something unfinished. */
  unfinished?: number;
  during?: Readonly<Record<number, readonly Signal[]>>;
  waiting?: Readonly<Record<number, readonly [Signal, number]>>;
}) {
  const done: string[] = [];
  const asked = { stop: false, run: false, reload: false };
  const [took, counts] = [10, { runs: 0, waits: 0 }];
  let seconds = 0;
  const take = (what: 'run' | 'reload'): boolean => {
    const was = asked[what];
    asked[what] = false;
    return was;
  };
  const host: WatchHost = {
    wishes: {
      isStopping: () => asked.stop,
      takeRun: () => take('run'),
      takeReload: () => take('reload'),
    },
    isUnfinished: () => counts.runs <= unfinished,
    beforeRun: async () => {},
    reload: async () => void done.push(`reload at ${seconds}`),
    run: async () => {
      const number = counts.runs++;
      done.push(`run at ${seconds}`);
      seconds += took;
      for (const signal of during[number] ?? []) asked[signal] = true;
      return number < codes.length ? codes[number] : 0;
    },
    wait: async (length) => {
      const [signal, after] = waiting[counts.waits++] ?? ['stop', Infinity];
      seconds += Math.min(length, after);
      if (after <= length) asked[signal] = true;
      if (counts.waits > 20) asked.stop = true;
    },
    elapsedSeconds: () => seconds,
  };
  return { host, done };
}

const refuse = (): Promise<void> => Promise.reject(new RefusedError('the timer', 'stop it'));

await t.test('the first run is at once, each other after the interval', async (t) => {
  const { host, done } = machine({ waiting: { 2: ['stop', 5] } });
  t.equal(await watchLoop(host, 100), 0);
  t.same(done, ['run at 0', 'run at 110', 'run at 220']);
});

await t.test('one that is asked for comes at once, and the interval counts from it', async (t) => {
  const { host, done } = machine({ waiting: { 0: ['run', 20], 2: ['stop', 1] } });
  await watchLoop(host, 100);
  t.same(done, ['run at 0', 'run at 30', 'run at 140']);
});

await t.test('asked for during a run, however often: one more right after it', async (t) => {
  const { host, done } = machine({ during: { 0: ['run', 'run'] }, waiting: { 1: ['stop', 1] } });
  await watchLoop(host, 100);
  t.same(done, ['run at 0', 'run at 10', 'run at 120']);
});

await t.test('a reload is done between runs, and runs nothing', async (t) => {
  const { host, done } = machine({
    during: { 0: ['reload'] },
    waiting: { 0: ['reload', 30], 2: ['stop', 1] },
  });
  await watchLoop(host, 100);
  t.same(done, ['run at 0', 'reload at 10', 'reload at 40', 'run at 110']);
});

for (const code of [11, undefined]) {
  await t.test(`exit code ${code}: the next one does not wait for a long interval`, async (t) => {
    const { host, done } = machine({ codes: [code], waiting: { 1: ['stop', 1] } });
    await watchLoop(host, 3600);
    t.same(done, ['run at 0', 'run at 70']);
    const short = machine({ codes: [code], waiting: { 1: ['stop', 1] } });
    await watchLoop(short.host, 5);
    t.same(short.done, ['run at 0', 'run at 15']);
  });
}

await t.test('what is unfinished does not wait for a long interval', async (t) => {
  const { host, done } = machine({ codes: [1, 12], unfinished: 1, waiting: { 2: ['stop', 1] } });
  await watchLoop(host, 3600);
  t.same(done, ['run at 0', 'run at 70', 'run at 3680']);
});

for (const [code, expected] of [
  [0, 0],
  [130, 0],
  [10, 0],
  [1, 0],
  [12, 12],
  [13, 13],
  [undefined, 1],
] as const) {
  await t.test(`stopped during a run that ends with ${code}: ${expected}`, async (t) => {
    const { host, done } = machine({ codes: [code], during: { 0: ['stop', 'run'] } });
    t.equal(await watchLoop(host, 100), expected);
    t.same(done, ['run at 0'], 'no other is begun');
    const idle = machine({ codes: [0, code], waiting: { 1: ['stop', 5] } });
    t.equal(await watchLoop(idle.host, 100), expected, 'while it waits for the next one, too');
  });
}

await t.test('where none may be begun, it leaves', async (t) => {
  const { host, done } = machine({});
  await t.rejects(watchLoop({ ...host, beforeRun: refuse }, 100), {
    message: 'the timer',
    exitCode: 1,
  });
  t.same(done, []);
});
