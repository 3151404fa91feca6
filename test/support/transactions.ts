import type { Entry, State, Transaction } from '../../src/core/journal.ts';
import { makePlan, type Plan } from '../../src/core/plan.ts';
import { describeStep } from '../../src/steps.ts';
import { model, planInput, type Services } from './builders.ts';

const START_MS = Date.parse('2026-01-01T12:00:00Z');

/** When something was written, so many seconds after the transaction began. */
export const after = (seconds: number): string => new Date(START_MS + seconds * 1000).toISOString();

/** An update of one kind of everything. */
export const before: Services = {
  web: { image: 'web:1', environment: { LEVEL: 'info' } },
  db: { image: 'db:1', environment: { POSTGRES_PASSWORD: 'correct-horse' } },
  old: { image: 'old:1' },
};
export const now: Services = {
  web: { image: 'web:2', environment: { LEVEL: 'info' } },
  db: { image: 'db:1', environment: { POSTGRES_PASSWORD: 'battery-staple' } },
  cache: { image: 'cache:1' },
};

export function planOf(rest: Parameters<typeof planInput>[2] = {}): Plan {
  return makePlan(planInput(model(before), model(now), rest));
}

/**
 * A transaction that came to an end: every step of the way there takes two seconds, and the way back, or the
 * verification, ten.
 */
export function transactionOf(
  end: State,
  { plan = planOf(), note = 'why' }: { readonly plan?: Plan; readonly note?: string } = {},
): Transaction {
  const applied = plan.apply.map((step, index): Entry => ({
    at: after(100 + 2 * index),
    state: 'APPLYING',
    step: describeStep(step),
  }));
  const later = 100 + 2 * plan.apply.length;
  const way: Readonly<Partial<Record<State, readonly Entry[]>>> = {
    COMMITTED: [{ at: after(later + 10), state: 'COMMITTING' }],
    ROLLED_BACK: [
      { at: after(later + 10), state: 'ROLLING_BACK', note },
      { at: after(later + 20), state: 'VERIFYING_ROLLBACK' },
    ],
    NEEDS_OPERATOR: [{ at: after(later + 10), state: 'ROLLING_BACK', note }],
  };
  const isUntouched = end === 'ABORTED';
  const entries: readonly Entry[] = [
    { at: after(0), state: 'PREPARING' },
    ...(isUntouched ? [] : [{ at: after(100), state: 'APPLYING' } as const, ...applied]),
    ...(isUntouched ? [] : [{ at: after(later), state: 'VERIFYING' } as const]),
    ...(way[end] ?? []),
    { at: after(later + 30), state: end, ...(end === 'COMMITTED' ? {} : { note }) },
  ];
  return { id: '20260101T120000Z-bbbbbbbb', plan, entries };
}
