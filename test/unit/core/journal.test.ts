import t from 'tap';
import {
  attemptsOf,
  isFinal,
  lastNote,
  MAX_ROLLBACK_ATTEMPTS,
  recoveryFor,
  stateOf,
  type Entry,
  type Observation,
  type State,
} from '../../../src/core/journal.ts';

const observations: readonly Observation[] = ['OLD', 'NEW', 'MIXED', 'NONE', 'ENGINE-DOWN'];

/** The journal of a run that came as far as the last of these states. */
function journal(...states: readonly (State | Partial<Entry>)[]): Entry[] {
  return states.map((state) => ({
    at: '2026-01-01T00:00:00Z',
    state: 'APPLYING',
    ...(typeof state === 'string' ? { state } : state),
  }));
}

const forward: readonly State[] = ['PREPARING', 'ARMED', 'APPLYING', 'VERIFYING', 'COMMITTING'];

/** What recovery does for a state that was reached once, with OLD, NEW, MIXED, NONE, ENGINE-DOWN. */
const table: Readonly<Record<State, readonly [string, string, string, string, string]>> = {
  PREPARING: ['abort', 'roll back', 'roll back', 'roll back', 'wait for the engine'],
  ARMED: ['abort', 'roll back', 'roll back', 'roll back', 'wait for the engine'],
  APPLYING: ['roll back', 'verify new', 'roll back', 'roll back', 'wait for the engine'],
  VERIFYING: ['roll back', 'verify new', 'roll back', 'roll back', 'wait for the engine'],
  COMMITTING: ['commit', 'commit', 'commit', 'commit', 'wait for the engine'],
  COMMITTED: ['none', 'none', 'none', 'none', 'none'],
  ABORTED: ['none', 'none', 'none', 'none', 'none'],
  ROLLING_BACK: ['roll back', 'roll back', 'roll back', 'roll back', 'wait for the engine'],
  VERIFYING_ROLLBACK: ['roll back', 'roll back', 'roll back', 'roll back', 'wait for the engine'],
  ROLLED_BACK: ['none', 'none', 'none', 'none', 'none'],
  NEEDS_OPERATOR: ['none', 'none', 'none', 'none', 'none'],
};

for (const [state, actions] of Object.entries(table) as [State, readonly string[]][]) {
  await t.test(`cut off in ${state}`, async (t) => {
    const before = forward.slice(0, Math.max(0, forward.indexOf(state)));
    for (const [index, observed] of observations.entries()) {
      const { action } = recoveryFor(journal(...before, state), observed);
      t.equal(action, actions[index], observed);
    }
  });
}

await t.test('a journal with nothing in it: nothing was touched, or it is lost', async (t) => {
  t.same(recoveryFor([], 'OLD'), { action: 'abort' });
  t.same(recoveryFor([], 'MIXED'), { action: 'roll back', attempt: 1 });
  t.same(recoveryFor([], 'NEW'), { action: 'roll back', attempt: 1 });
});

await t.test('the new release is verified again once, then it goes back', async (t) => {
  const once = journal('APPLYING', 'VERIFYING');
  t.same(recoveryFor(once, 'NEW'), { action: 'verify new' });
  const twice = journal('APPLYING', 'VERIFYING', 'VERIFYING');
  t.same(recoveryFor(twice, 'NEW'), { action: 'roll back', attempt: 1 });
});

await t.test('each attempt to roll back counts, and the last is not repeated', async (t) => {
  const states: (State | Partial<Entry>)[] = ['APPLYING'];
  for (let attempt = 1; attempt <= MAX_ROLLBACK_ATTEMPTS; attempt++) {
    t.same(recoveryFor(journal(...states), 'MIXED'), { action: 'roll back', attempt });
    states.push('ROLLING_BACK', { state: 'ROLLING_BACK', step: 'checkout' }, 'VERIFYING_ROLLBACK');
  }
  const note = 'service web has exited with code 1';
  const spent = journal(...states, { state: 'VERIFYING_ROLLBACK', note });
  for (const observed of observations.filter((one) => one !== 'ENGINE-DOWN')) {
    t.same(recoveryFor(spent, observed), {
      action: 'give up',
      reason: `the old release did not come back in 6 attempts: ${note}`,
    });
  }
});

await t.test('steps of a state are not attempts at it', async (t) => {
  const entries = journal('APPLYING', { step: 'sweep' }, { step: 'up' }, 'VERIFYING', 'APPLYING');
  t.equal(attemptsOf(entries, 'APPLYING'), 2);
  t.equal(attemptsOf(entries, 'VERIFYING'), 1);
  t.equal(attemptsOf(entries, 'ROLLING_BACK'), 0);
  t.equal(stateOf(entries), 'APPLYING');
});

await t.test('the last note is the reason', async (t) => {
  const entries = journal('APPLYING', { note: 'first' }, { note: 'second' }, 'ROLLED_BACK');
  t.equal(lastNote(entries), 'second');
  t.equal(lastNote(journal('APPLYING')), undefined);
});

await t.test('recovery has nothing to do exactly where a transaction is over', async (t) => {
  for (const state of Object.keys(table) as State[]) {
    t.equal(isFinal(state), recoveryFor(journal(state), 'MIXED').action === 'none', state);
  }
});
