import t from 'tap';
import { isDead, isLeftByRepair } from '../../../src/core/dead-engine.ts';

/** Clocks in microseconds, as they were seen; what is left out is 0. */
interface Clocks {
  readonly start?: number;
  readonly exit?: number;
  readonly ready?: number;
  readonly left?: number;
  readonly limit?: string;
}

function shown(state: string, result: string, clocks: Clocks = {}): string {
  const { start = 0, exit = 0, ready = 0, left = 0, limit = 'infinity' } = clocks;
  return [
    `Result=${result}`,
    `ExecMainStartTimestampMonotonic=${start}`,
    `ExecMainExitTimestampMonotonic=${exit}`,
    `ActiveState=${state}`,
    `ActiveEnterTimestampMonotonic=${ready}`,
    `ActiveExitTimestampMonotonic=${left}`,
    `TimeoutStartUSec=${limit}`,
  ].join('\n');
}

/** It was ready, then it was told to end, and its process went on for two seconds. */
const told = { start: 8_476_229, ready: 8_561_923, left: 8_581_154, exit: 10_682_520 };
/** It was ready, then its process was gone. */
const killed = { start: 9_228_318, ready: 9_262_451, exit: 9_262_575, left: 9_263_102 };
/** Nothing of it ever was ready. */
const notReady = { start: 17_944_833, exit: 17_948_531 };
/** The one before was ready; this one never was. */
const notReadyAgain = { ...killed, start: 18_944_833, exit: 18_948_531 };

const cases: readonly [what: string, shown: string, isItDead: boolean, socket?: string][] = [
  ['started too often', shown('failed', 'start-limit-hit', notReady), true],
  ['started too often after it was told to end', shown('failed', 'start-limit-hit', told), true],
  ['killed again and again', shown('failed', 'signal', killed), true],
  ['ends by itself before it is ready', shown('failed', 'exit-code', notReady), true],
  ['the same after one that was ready', shown('failed', 'exit-code', notReadyAgain), true],
  ['systemd missed its pulse, and ended it', shown('failed', 'watchdog', told), true],
  ['no memory', shown('failed', 'oom-kill', told), true],
  ['it has never run', shown('failed', 'resources'), true],
  ['stopped, and did not end in time', shown('failed', 'timeout', told), false],
  ['the same, and wanted again without a socket', shown('failed', 'timeout', told), true, 'failed'],
  ['stopped, and ended badly', shown('failed', 'exit-code', told), false],
  ['stopped, and dumped its core', shown('failed', 'core-dump', told), false],
  [
    'stopped while it hung in its start',
    shown('failed', 'timeout', { start: 22_580_180, exit: 26_682_382 }),
    false,
  ],
  [
    'the same after one that was ready',
    shown('failed', 'timeout', { ...killed, start: 22_580_180, exit: 26_682_382 }),
    false,
  ],
  [
    'a start that has a limit, and ran out of it',
    shown('failed', 'timeout', { ...notReady, limit: '1min 30s' }),
    true,
  ],
  ['stopped, and ended well', shown('inactive', 'success', told), false],
  ['stopped while it waited to be started again', shown('inactive', 'signal', killed), false],
  ['its socket could not be had', shown('inactive', 'signal', killed), true, 'failed'],
  ['the same at boot', shown('inactive', 'success'), true, 'failed'],
  ['about to be started again', shown('activating', 'exit-code', notReady), false],
  ['hangs', shown('active', 'success', { start: 1, ready: 2 }), true],
  ['no such unit', '', false],
];

for (const [what, docker, isItDead, socket = 'active'] of cases) {
  await t.test(what, async (t) =>
    t.equal(isDead(docker, `ActiveState=${socket}`, false), isItDead),
  );
}

await t.test('it answers', async (t) => {
  t.notOk(isDead(shown('active', 'success'), '', true));
  t.ok(isDead(shown('failed', 'exit-code'), '', true), 'somebody else has its number');
});

const at = (state: string, ready: string): string =>
  `ActiveState=${state}\nExecMainStartTimestamp=\nActiveEnterTimestamp=${ready}`;

await t.test('left stopped by a repair that was cut off', async (t) => {
  t.ok(isLeftByRepair(at('inactive', '@1795557180'), 1_795_557_200.5));
  t.ok(isLeftByRepair(at('failed', '@1795557180'), 1_795_557_200.5), 'it did not end in time');
  t.ok(isLeftByRepair(at('inactive', ''), 1_795_557_200), 'nor was it started since the boot');
  t.notOk(isLeftByRepair(at('inactive', '@1795557300'), 1_795_557_200), 'a person did that later');
  t.notOk(isLeftByRepair(at('inactive', '@1795557200'), 1_795_557_200.9), 'started at once');
  t.notOk(isLeftByRepair(at('active', '@1795557180'), 1_795_557_200));
});
