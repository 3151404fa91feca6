import { isFinal, stateOf, type Transaction } from './journal.ts';
import { rollbackReason, rollbackReasons, type RollbackReason } from './rollback-reason.ts';

/** What is counted over the whole life of a host: the transactions themselves are forgotten after a while. */
export interface RunCounts {
  /** Releases that were brought and verified. */
  readonly updates: number;
  /** Runs that were given up before anything was touched. */
  readonly aborted: number;
  readonly rollbacks: Readonly<Partial<Record<RollbackReason, number>>>;
  /** Those of the remembered transactions that are counted already. */
  readonly counted: readonly string[];
}

export const nothingCounted: RunCounts = { updates: 0, aborted: 0, rollbacks: {}, counted: [] };

/**
 * Adds what has ended since. Each transaction counts once, whatever the clock did.
 *
 * @param remembered the names of all transactions that are still there
 * @param transactions those of them that are not counted yet, at least
 */
export function countRuns(
  before: RunCounts,
  remembered: readonly string[],
  transactions: readonly Transaction[],
): RunCounts {
  const known = new Set(before.counted);
  const over = transactions.filter(
    ({ id, entries }) => !known.has(id) && isFinal(stateOf(entries)),
  );
  let { updates, aborted } = before;
  const rollbacks = { ...before.rollbacks };
  for (const transaction of over) {
    known.add(transaction.id);
    const reason = rollbackReason(transaction);
    if (reason !== undefined) rollbacks[reason] = (rollbacks[reason] ?? 0) + 1;
    else if (stateOf(transaction.entries) === 'COMMITTED') updates += 1;
    else aborted += 1;
  }
  return { updates, aborted, rollbacks, counted: remembered.filter((id) => known.has(id)) };
}

/** The counts in a file; as if nothing had been counted where it is damaged. */
export function parseCounts(text: string | undefined): RunCounts {
  try {
    const { updates, aborted, rollbacks, counted } = JSON.parse(text ?? '') as Partial<RunCounts>;
    if (!isCount(updates) || !isCount(aborted) || !Array.isArray(counted)) return nothingCounted;
    const known = rollbackReasons.flatMap((reason) => {
      const count = rollbacks?.[reason];
      return isCount(count) ? [[reason, count] as const] : [];
    });
    return { updates, aborted, rollbacks: Object.fromEntries(known), counted };
  } catch {
    return nothingCounted;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
