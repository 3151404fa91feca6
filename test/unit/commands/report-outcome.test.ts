import t from 'tap';
import type { Invocation } from '../../../src/command-table.ts';
import { reportOutcome } from '../../../src/commands/report-outcome.ts';
import { eventOfEngine, journalEvents, type EventName } from '../../../src/core/events.ts';
import { exitCodes } from '../../../src/exit-codes.ts';
import { createQuickLog } from '../../../src/host/log.ts';
import type { Notifier } from '../../../src/host/notifier.ts';
import {
  held,
  heldByQuarantine,
  needsOperator,
  nothingToDo,
  type Outcome,
} from '../../../src/outcome.ts';

/** What systemd was told. */
const acts: string[] = [];
const notifier: Notifier = {
  status: () => void acts.push('status'),
  extend: (seconds: number) => void acts.push(`extend ${seconds}`),
  ready: async () => void acts.push('ready'),
} as unknown as Notifier;

/** The entries of the journal that an outcome makes. */
async function entriesOf(stateDirectory: string, outcome: Outcome) {
  const entries: Record<string, string | number>[] = [];
  const journal = (entry: Record<string, string | number>) => entries.push(entry) > 0;
  const log = createQuickLog({ stream: 'journal', debug: false, journal });
  const invocation = { settings: { stateDirectory }, environment: {}, flags: {}, json: false };
  await reportOutcome(outcome, invocation as unknown as Invocation, {
    log,
    notifier,
    isUntold: true,
  });
  return entries;
}

const moved = { from: 'a'.repeat(40), to: 'b'.repeat(40), transaction: 't1', summary: 's' };
const outcomes: readonly (readonly [Outcome, EventName | undefined])[] = [
  [{ result: 'updated', exitCode: exitCodes.done, ...moved }, 'updated'],
  [{ result: 'rolled back', exitCode: exitCodes.rolledBack, ...moved }, 'rolled back'],
  [{ result: 'rolled back', exitCode: exitCodes.done, ...moved }, 'recovered'],
  [{ result: 'interrupted', exitCode: exitCodes.interrupted, ...moved }, 'interrupted'],
  [needsOperator('s', 'n'), 'needs operator'],
  [{ result: 'waiting', exitCode: exitCodes.waiting, ...moved, approvalId: '3f9c01ab' }, 'waiting'],
  [held('s', 'n'), 'held'],
  [heldByQuarantine('main', moved.to, 'it fails'), 'quarantined'],
  [{ result: 'bad backup', exitCode: exitCodes.failed, summary: 's' }, 'bad backup'],
  [nothingToDo('s'), undefined],
];

for (const [outcome, name] of outcomes) {
  await t.test(`${outcome.result}, ${outcome.exitCode}: ${name ?? 'no event'}`, async (t) => {
    acts.length = 0;
    const [entry, ...others] = await entriesOf(t.testdir({}), outcome);
    const isGood = outcome.exitCode === exitCodes.done || outcome.exitCode === exitCodes.waiting;
    // Of a bad one systemd knows when the process has ended, and people are told before that.
    t.same(acts, isGood ? ['ready'] : ['status', 'extend 30']);
    t.equal(entry?.['MESSAGE_ID'], name === undefined ? undefined : journalEvents[name].id);
    for (const field of name === undefined ? [] : journalEvents[name].sends) {
      t.ok(entry?.[`ORCHESTRATOR_UPDATE_${field.toUpperCase()}`], field);
    }
    for (const other of others) t.notOk('MESSAGE_ID' in other, 'it is explained once');
  });
}

await t.test('the event of a change of the engine', async (t) => {
  const end = { hasChanges: true, isRepaired: false };
  t.equal(eventOfEngine({ ...end, state: 'done' }, 'upgrade'), 'engine upgraded');
  t.equal(eventOfEngine({ ...end, state: 'done' }, 'rollback'), 'engine taken back');
  t.equal(eventOfEngine({ ...end, state: 'taken back' }, 'upgrade'), 'engine taken back');
  t.equal(eventOfEngine({ ...end, state: 'operator' }, 'repair'), 'needs operator');
  t.equal(eventOfEngine({ ...end, state: 'aborted' }, 'upgrade'), undefined);
  const same = { ...end, hasChanges: false };
  t.equal(eventOfEngine({ ...same, state: 'done' }, 'upgrade'), undefined, 'nothing newer');
  t.equal(eventOfEngine({ ...same, state: 'done', isRepaired: true }, 'repair'), 'engine repaired');
});
