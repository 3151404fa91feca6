import t from 'tap';
import { historyEntry } from '../../../src/commands/history.ts';
import { historyText } from '../../../src/commands/history-text.ts';
import type { Screen } from '../../../src/commands/screen.ts';
import { statusText } from '../../../src/commands/status-text.ts';
import type { Status } from '../../../src/commands/status.ts';
import { displayWidth, wrapped } from '../../../src/core/display-width.ts';
import { agoText, durationText, momentText } from '../../../src/core/duration.ts';
import { busyReport } from '../../support/sample-report.ts';

const now = new Date('2026-11-23T09:07:13Z');
const pipe: Screen = { isTerminal: false, columns: 80, now, paint: (_, text) => text };
const terminal = (columns: number): Screen => ({
  isTerminal: true,
  columns,
  now,
  paint: (colour, text) => (colour === 'dim' ? text : `\u001B[33m${text}\u001B[39m`),
});
const entries = busyReport.transactions.map((one) => historyEntry(one, [], []));

await t.test('history on a terminal: nothing is wider than it, nothing is lost', async (t) => {
  for (const columns of [80, 120, 200]) {
    const text = historyText(entries, terminal(columns));
    for (const line of text.split('\n')) {
      t.ok(displayWidth(line) <= columns, `${columns}: ${line}`);
    }
    t.match(text, /2026-11-22 19:07 {2}14 h ago {2}.*rolled back.* {2}2 min 14 s/);
    t.match(text, /\n {4}not healthy after 42 s/);
    t.match(text, /\n {4}downtime 1 min 3 s \(orchestrator\)\n/);
    t.match(text, /\n {4}and 36 more\n/, 'of 40 reasons the first few');
    t.match(text, /operator needed/);
  }
  t.match(historyText(entries, terminal(120)), /[0-9a-f]{12} → [0-9a-f]{12}/);
  t.match(historyText(entries, terminal(80)), / [0-9a-f]{7} → [0-9a-f]{7}\n/);
});

await t.test('history in a pipe: a line a run, tabs, no colours', async (t) => {
  const lines = historyText(entries, pipe).split('\n');
  t.equal(lines.length, entries.length + 1);
  for (const line of lines) t.equal(line.split('\t').length, 8);
  t.match(
    lines[2],
    /^2026-11-22T19:07:13Z\tupdate\t.*\tROLLED_BACK\t133\.8 s\t-\t1 min 3 s \(orch/,
  );
  t.equal(historyText([], pipe), 'no update or rollback yet');
});

await t.test('history --json has the downtime and the reason of a rollback', async (t) => {
  t.match(entries[1], {
    rollbackReason: 'unhealthy',
    downtime: [{ service: 'orchestrator', seconds: 63.48 }],
  });
  t.match(entries[0], { rollbackReason: null });
});

const status: Status = {
  project: 'autonomy',
  branch: 'embody-alpha',
  deployed: { commit: 'a'.repeat(40), at: '2026-11-23T06:07:13.000Z' },
  waiting: null,
  approved: false,
  awaiting: null,
  remoteError: null,
  last: entries[1] ?? null,
  backup: null,
  backupsKept: 0,
  verification: { last: [], damaged: [], alarm: null },
  underWay: null,
  nextTimerRun: null,
  holds: ['an operator is needed: it is broken', 'on hold, since yesterday: the fair'],
  engine: { isUnfinished: false, available: null },
};

await t.test('status: wrapped on a terminal, a line a value in a pipe', async (t) => {
  const text = statusText(status, pipe);
  t.match(text, /^deployed\taaaaaaaaaaaa since 2026-11-23T06:07:13Z \(3 h ago\)$/m);
  t.match(
    text,
    /^last run\t2026-11-22T19:07:13Z \(14 h ago\) update to .*: ROLLED_BACK after 2 min/m,
  );
  t.match(text, /^downtime\t1 min 3 s \(orchestrator\)$/m);
  t.match(text, /^held\ton hold, since yesterday: the fair$/m);
  for (const columns of [80, 120]) {
    const shown = statusText(status, terminal(columns));
    for (const line of shown.split('\n')) t.ok(displayWidth(line) <= columns, line);
    t.match(shown, /^held {5}.* {2}an operator is needed/m);
    t.match(shown, /^deployed {3}aaaaaaaaaaaa since/m, 'the values stand below each other');
  }
});

await t.test('status: what is approved, and by whom', async (t) => {
  const awaiting = {
    id: '3f9c01ab',
    hash: '3f9c01ab',
    commit: 'b'.repeat(40),
    since: '2026-11-23T06:07:13.000Z',
    because: [],
    approved: { by: 'geo', at: '2026-11-23T07:00:00.000Z' },
    next: '',
  };
  const waits = { ...status, waiting: 'b'.repeat(40), approved: true, awaiting };
  t.match(
    statusText(waits, pipe),
    /^waiting\tbbbbbbbbbbbb, approved \(3f9c01ab, by geo at 2026-11-23T07:.*\): the next run applies it$/m,
  );
  const asked = { ...waits, awaiting: { ...awaiting, approved: null } };
  t.match(statusText(asked, pipe), /^waiting\tbbbbbbbbbbbb$/m);
});

await t.test('words for times', async (t) => {
  const cases = [
    [0.04, '0 s'],
    [0.44, '0.4 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [125, '2 min 5 s'],
    [3600, '1 h'],
    [7300, '2 h 1 min'],
    [90_000, '1 d 1 h'],
    [Number.NaN, '?'],
  ] as const;
  for (const [seconds, text] of cases) t.equal(durationText(seconds), text);
  t.equal(agoText(0, 30_000), 'just now');
  t.equal(agoText(0, 3_599_000), '59 min ago');
  t.equal(agoText(0, 47 * 3_600_000), '47 h ago');
  t.equal(agoText(7_200_000, 0), 'in 2 h');
  t.equal(agoText(Number.NaN, 0), '?');
  t.equal(momentText('2026-11-24T02:00:05.123Z'), '2026-11-24 02:00');
  t.equal(momentText('soon'), 'soon');
});

await t.test('how wide a text is, and where it is broken', async (t) => {
  t.equal(displayWidth('über 起動 e\u0301 \u001B[31mred\u001B[39m'), 15);
  t.same(wrapped('one two three', 7), ['one two', 'three']);
  t.same(wrapped('a verylongword b', 6), ['a', 'verylo', 'ngword', 'b']);
  t.same(wrapped('起動に', 4), ['起動', 'に']);
  t.same(wrapped('', 4), ['']);
});
