import type { Downtime } from './downtime.ts';
import type { Plan } from './plan.ts';

/** The states of a transaction, in the order of the design. Each is written before it begins. */
export type State =
  | 'PREPARING'
  | 'ARMED'
  | 'APPLYING'
  | 'VERIFYING'
  | 'COMMITTING'
  | 'COMMITTED'
  | 'ABORTED'
  | 'ROLLING_BACK'
  | 'VERIFYING_ROLLBACK'
  | 'ROLLED_BACK'
  | 'NEEDS_OPERATOR';

/** One line of the journal. `step` is set while a step of a state is under way. */
export interface Entry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly state: State;
  readonly step?: string;
  /** How often this state was begun, from 1; counted before it is tried. */
  readonly attempt?: number;
  /** Why: the failure that led here, in a person's words. */
  readonly note?: string;
  /** What was measured of services that were away since the barrier; absent where it could not be. */
  readonly downtime?: readonly Downtime[];
}

/** All that is on disk about one transaction. */
export interface Transaction {
  readonly id: string;
  readonly plan: Plan;
  readonly entries: readonly Entry[];
}

/** What recovery does with a transaction that a run left unfinished. */
export type Recovery =
  | { readonly action: 'none' }
  | { readonly action: 'wait for the engine' }
  | { readonly action: 'abort' }
  | { readonly action: 'verify new' }
  | { readonly action: 'commit' }
  | { readonly action: 'roll back'; readonly attempt: number }
  | { readonly action: 'give up'; readonly reason: string };

/** What really runs, judged by configuration hash, image ID and commit of the work tree. */
export type Observation = 'OLD' | 'NEW' | 'MIXED' | 'NONE' | 'ENGINE-DOWN';

/** After this many attempts to roll back, those included that were cut off, a person is needed. */
export const MAX_ROLLBACK_ATTEMPTS = 6;
/** So many of them may fail in one run. */
export const MAX_FAILED_ROLLBACKS = 3;

/** Whether a transaction in this state is over. */
export function isFinal(state: State): boolean {
  return ['COMMITTED', 'ABORTED', 'ROLLED_BACK', 'NEEDS_OPERATOR'].includes(state);
}

/** The state a transaction is in: that of its last line. Nothing written means nothing begun. */
export function stateOf(entries: readonly Entry[]): State {
  return entries.at(-1)?.state ?? 'ABORTED';
}

/** How often a state was begun in a transaction. */
export function attemptsOf(entries: readonly Entry[], state: State): number {
  return entries.filter((entry) => entry.state === state && entry.step === undefined).length;
}

/** Why a transaction ended as it did: the last note in it. */
export function lastNote(entries: readonly Entry[]): string | undefined {
  return entries.findLast((entry) => entry.note !== undefined)?.note;
}

/** How long services were away in a transaction; undefined where that was not measured. */
export function downtimeOf(entries: readonly Entry[]): readonly Downtime[] | undefined {
  return entries.findLast((entry) => entry.downtime !== undefined)?.downtime;
}

/**
 * Decides what to do about an unfinished transaction. The journal tells what was intended and
 * how often; the observation tells what is true.
 */
export function recoveryFor(entries: readonly Entry[], observed: Observation): Recovery {
  // A run that was cut off before its first line, or a journal that is lost: what is there tells.
  if (entries.length === 0) return unfinished('PREPARING', entries, observed);
  const state = stateOf(entries);
  switch (state) {
    case 'COMMITTED':
    case 'ABORTED':
    case 'ROLLED_BACK':
    case 'NEEDS_OPERATOR':
      return { action: 'none' };
    case 'PREPARING':
    case 'ARMED':
    case 'COMMITTING':
    case 'APPLYING':
    case 'VERIFYING':
    case 'ROLLING_BACK':
    case 'VERIFYING_ROLLBACK':
      return unfinished(state, entries, observed);
  }
}

/** States whose transaction is not over. */
type Unfinished = Exclude<State, 'COMMITTED' | 'ABORTED' | 'ROLLED_BACK' | 'NEEDS_OPERATOR'>;

/**
 * What is there decides; where that is the old release, or everything had been done, what was going on
 * does. A journal may have lost its end: that something was touched is seen, whatever it says. Nothing
 * can be done to containers, nor to the names of images, without an engine.
 */
function unfinished(state: Unfinished, entries: readonly Entry[], observed: Observation): Recovery {
  switch (observed) {
    case 'ENGINE-DOWN':
      return { action: 'wait for the engine' };
    case 'NEW':
      if (state === 'COMMITTING') return { action: 'commit' };
      if (state === 'PREPARING' || state === 'ARMED') return rollBackAgain(entries);
      if (state === 'ROLLING_BACK' || state === 'VERIFYING_ROLLBACK') return rollBackAgain(entries);
      return attemptsOf(entries, 'VERIFYING') < 2
        ? { action: 'verify new' }
        : rollBackAgain(entries);
    case 'OLD':
      if (state === 'PREPARING' || state === 'ARMED') return { action: 'abort' };
      return state === 'COMMITTING' ? { action: 'commit' } : rollBackAgain(entries);
    case 'MIXED':
    case 'NONE':
      // It was verified, and said so: what happened to it later is another story.
      return state === 'COMMITTING' ? { action: 'commit' } : rollBackAgain(entries);
  }
}

function rollBackAgain(entries: readonly Entry[]): Recovery {
  const attempt = attemptsOf(entries, 'ROLLING_BACK') + 1;
  if (attempt <= MAX_ROLLBACK_ATTEMPTS) return { action: 'roll back', attempt };
  return {
    action: 'give up',
    reason: `the old release did not come back in ${MAX_ROLLBACK_ATTEMPTS} attempts: ${lastNote(entries) ?? 'no reason was recorded'}`,
  };
}
