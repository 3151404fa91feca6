import t from 'tap';
import { notifySchema } from '../../src/config/notify-schema.ts';
import type { Event } from '../../src/core/notification.ts';
import type { StateHost } from '../../src/host/host.ts';
import type { Log } from '../../src/host/log.ts';
import { SendError } from '../../src/host/send-error.ts';
import { raise, type Notice } from '../../src/notices.ts';
import { deliver } from '../../src/deliver.ts';
import { queueNotices, readDeliveries, type Outbox } from '../../src/outbox.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const targets = [{ type: 'command', command: ['/bin/true'], name: 'ops', events: ['all'] }];

/** The files of the state directory that telling works with, in memory. */
function memory() {
  const contents = new Map<string, string>();
  const state = {
    read: async (name: string) => contents.get(name),
    write: async (name: string, text: string) => void contents.set(name, text),
    remove: async (name: string) => void contents.delete(name),
    list: async (directory: string) =>
      [...contents.keys()]
        .filter((name) => name.startsWith(`${directory}/`))
        .map((name) => name.slice(directory.length + 1))
        .toSorted(),
  } as unknown as StateHost;
  return { contents, state };
}

const draftOf = (summary: string, event: Event = 'updated', at = ''): Notice => ({
  kind: 'draft',
  draft: { event, about: summary, at, summary },
});

function world(answer: (about: string) => Error | undefined = () => undefined) {
  const { contents, state } = memory();
  const clock = { nowMs: Date.parse('2026-01-01T00:00:00Z') };
  const said: string[] = [];
  const tried: string[] = [];
  const say = (text: string) => void said.push(text);
  const log = { info: () => {}, warn: say, error: say } as unknown as Log;
  const outbox: Outbox = {
    state,
    log,
    targets: notifySchema.parse({ targets }).targets,
    host: 'web-1',
    project: 'shop',
    nowMs: () => clock.nowMs,
    send: async (_target, { notification: { summary } }) => {
      tried.push(summary);
      const error = answer(summary);
      if (error) throw error;
    },
  };
  return {
    outbox,
    contents,
    clock,
    said,
    /** The summaries that were tried since the last time. */
    tried: () => tried.splice(0),
    tell: (event: Event, summary: string) =>
      raise(state, draftOf(summary, event, new Date(clock.nowMs).toISOString())),
    run: async () => {
      await queueNotices(outbox);
      await deliver(outbox, 10_000, false);
    },
    waiting: () => readDeliveries(state),
  };
}

await t.test(
  'a target that is dead for 60 days keeps some days of them, and no more',
  async (t) => {
    const { tell, run, clock, waiting, tried, said } = world(() => new SendError('HTTP 500'));
    let [most, oldestMs, mostTried] = [0, 0, 0];
    for (let hour = 0; hour < 60 * 24; hour++) {
      if (hour % 4 === 0) await tell('updated', `update ${hour}`);
      if (hour % 24 === 1) await tell('rolled-back', `urgent ${hour}`);
      await run();
      mostTried = Math.max(mostTried, tried().length);
      const left = await waiting();
      most = Math.max(most, left.length);
      oldestMs = Math.max(oldestMs, clock.nowMs - (left[0]?.queuedAtMs ?? clock.nowMs));
      clock.nowMs += HOUR_MS;
    }
    t.ok(most < 5 * 7, `${most} were waiting`);
    t.ok(oldestMs < 3.6 * DAY_MS, `one was ${oldestMs / DAY_MS} days old`);
    t.ok(mostTried <= 2, `${mostTried} time-outs in a run`);
    t.match(said.join('\n'), /ops: \d+ more that are as old are given up with it/);
  },
);

await t.test('what is urgent, and what is new, does not wait for one that fails', async (t) => {
  const { tell, run, clock, tried } = world((about) =>
    about === 'first' ? new SendError('HTTP 500') : undefined,
  );
  await tell('updated', 'first');
  for (let round = 0; round < 5; round++) {
    await run();
    clock.nowMs += HOUR_MS;
  }
  tried();
  await run();
  t.same(tried(), [], 'it is not due');
  await tell('updated', 'second');
  await tell('rolled-back', 'urgent');
  await run();
  t.same(tried(), ['urgent'], 'one in a run');
  await run();
  t.same(tried(), ['second']);
  clock.nowMs += 6 * HOUR_MS;
  await tell('updated', 'third');
  await tell('needs-operator', 'urgent again');
  await run();
  t.same(tried(), ['first', 'urgent again'], 'it fails once more: only what is urgent');
});

await t.test('one that is refused keeps back nobody, and is given up soon', async (t) => {
  const refused = new SendError('HTTP 400', { isRefused: true });
  const { outbox, tell, run, clock, tried, waiting, said } = world((about) =>
    about === 'odd' ? refused : undefined,
  );
  for (const summary of ['odd', 'second', 'third']) {
    await tell('updated', summary);
    clock.nowMs += 1;
    await queueNotices(outbox);
  }
  await run();
  t.same(tried(), ['odd', 'second', 'third']);
  await tell('updated', 'next');
  await run();
  t.same(tried(), ['next'], 'while it waits for its time, too');
  for (let hour = 0; hour < 8; hour++) {
    clock.nowMs += HOUR_MS;
    await run();
  }
  t.same(tried(), ['odd', 'odd']);
  t.same(await waiting(), []);
  t.match(said.at(-1), /was not told, and it is given up/);
});

await t.test('a target that is back gets all of it, in order', async (t) => {
  let isAway = true;
  const { tell, run, clock, tried, waiting } = world(() =>
    isAway ? new Error('away') : undefined,
  );
  for (let hour = 0; hour < 10; hour++) {
    await tell('updated', `update ${hour}`);
    await run();
    clock.nowMs += HOUR_MS;
  }
  tried();
  isAway = false;
  clock.nowMs += 6 * HOUR_MS - 1;
  await run();
  t.same(
    tried(),
    [...Array.from({ length: 10 }).keys()].map((hour) => `update ${hour}`),
  );
  t.same(await waiting(), []);
});

await t.test('a file that is no notice keeps nobody from being told', async (t) => {
  for (const [text, why] of [
    ['{"kind":"draft","draft":{}}', /Invalid/],
    ['{"kind":"draft"}', /Invalid/],
    ['{"kind":"transaction","id":"../../deployed","atMs":1}', /Invalid/],
    ['{"kind":"engine","verb":"repair","atMs":1e300}', /big/],
    ['{"kind":"of another version"}', /Invalid/],
    ['null', /Invalid/],
    ['{', /JSON/],
  ] as const) {
    const { outbox, contents, tell, run, tried, said } = world();
    await tell('rolled-back', 'it was rolled back');
    await outbox.state.write('untold/a.json', text);
    await run();
    t.same(tried(), ['it was rolled back'], text);
    t.notOk(contents.has('untold/a.json'));
    t.match(said, [/^notify: untold\/a\.json cannot be used, and is removed: /]);
    t.match(said, [why]);
  }
});

await t.test('one that cannot be told now keeps back no other, and is kept', async (t) => {
  const { outbox, contents, tell, run, tried } = world();
  await outbox.state.write('untold/engine.json', '{"kind":"engine","verb":"repair","atMs":1}');
  // No outcome: it has no summary.
  await outbox.state.write('engine-outcome.json', '{}');
  await tell('rolled-back', 'it was rolled back');
  await run();
  t.same(tried(), ['it was rolled back']);
  t.notOk(contents.has('untold/engine.json'));
  const { write } = outbox.state;
  outbox.state.write = (name, ...rest) =>
    name.includes('first')
      ? Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' }))
      : write(name, ...rest);
  await raise({ ...outbox.state, write }, draftOf('first'));
  await tell('updated', 'second');
  await run();
  t.same(tried(), ['second']);
  outbox.state.write = write;
  await run();
  t.same(tried(), ['first']);
});

await t.test('what is damaged in the outbox is not looked at again and again', async (t) => {
  const { outbox, contents, run, said } = world();
  await outbox.state.write('outbox/x.ops.json', '{"target":"ops"');
  await run();
  t.same([...contents.keys()], []);
  t.same(said, ['notify: outbox/x.ops.json is damaged, and is removed']);
});

await t.test('without targets nothing is kept', async (t) => {
  const { outbox, contents, tell } = world();
  await tell('engine', 'Docker is mended');
  await queueNotices({ ...outbox, targets: [] });
  t.same([...contents.keys()], []);
});

await t.test('who may only be missing is waited for', async (t) => {
  const { outbox, contents, tell } = world();
  await tell('updated', 'first');
  await queueNotices(outbox);
  await tell('updated', 'second');
  const partial = { ...outbox, targets: [], isPartial: true };
  await queueNotices(partial);
  await deliver(partial, 10_000, true);
  const kept = [...contents.keys()].filter((name) => !name.startsWith('told/'));
  t.match(kept, [/^outbox\/.*\.ops\.json$/, /^untold\//]);
});
