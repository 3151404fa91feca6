import { lastNote, stateOf, type Transaction } from './journal.ts';

/** Why a release was left again, in one of a few words: they are labels of a metric. */
export const rollbackReasons = [
  'unhealthy',
  'step_failed',
  'docker',
  'disk',
  'stopped',
  'cut_off',
  'by_hand',
] as const;
export type RollbackReason = (typeof rollbackReasons)[number];

/** In the order in which they are tried. */
const signs: readonly (readonly [RegExp, RollbackReason])[] = [
  [/^stopped by SIG/, 'stopped'],
  [/the run was cut off in/, 'cut_off'],
  [
    /no space left|out of disk ?space|ENOSPC|quota exceeded|EDQUOT|read-only file system|EROFS/i,
    'disk',
  ],
  [
    /Docker was restarted meanwhile|Cannot connect to the Docker daemon|Docker does not answer/,
    'docker',
  ],
  [/not healthy after/, 'unhealthy'],
];

/** Undefined for a transaction that did not go back. */
export function rollbackReason({
  plan,
  entries,
}: Pick<Transaction, 'plan' | 'entries'>): RollbackReason | undefined {
  const state = stateOf(entries);
  if (state === 'COMMITTED') return plan.kind === 'rollback' ? 'by_hand' : undefined;
  if (state !== 'ROLLED_BACK' && state !== 'NEEDS_OPERATOR') return undefined;
  const note = lastNote(entries) ?? '';
  return signs.find(([pattern]) => pattern.test(note))?.[1] ?? 'step_failed';
}
