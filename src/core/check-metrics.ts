import { exposition } from './exposition.ts';

/** How the last run ended. */
export const checkStates = [
  'nothing',
  'held',
  'waiting',
  'updated',
  'rolled back',
  'interrupted',
  'failed',
  'bad backup',
  'needs operator',
] as const;
export type CheckState = (typeof checkStates)[number];

/** What every run has news of, whatever it did. Times in milliseconds since 1970. */
export interface Check {
  readonly atMs: number;
  readonly state: CheckState;
  /** When the last run was that ended well; undefined where none is known. */
  readonly successAtMs: number | undefined;
}

/** Whether a run has left the cluster at the tip of its branch, or on purpose where it is. */
export function isSuccess(state: CheckState): boolean {
  return ['nothing', 'held', 'waiting', 'updated'].includes(state);
}

/** The metrics that even a run with nothing to do writes. */
export function checkMetrics({ atMs, state, successAtMs }: Check): string {
  return exposition([
    {
      name: 'state',
      help: 'How the last run ended: 1 for the state it is in, 0 for the others.',
      type: 'gauge',
      samples: checkStates.map((one) => ({
        labels: { state: one.replaceAll(' ', '_') },
        value: one === state ? 1 : 0,
      })),
    },
    {
      name: 'held',
      help: 'Whether an update is held back: by a person, a window, a quarantine or for approval.',
      type: 'gauge',
      samples: [{ value: state === 'held' || state === 'waiting' ? 1 : 0 }],
    },
    {
      name: 'last_check_timestamp_seconds',
      help: 'When the last run ended, whatever came of it.',
      type: 'gauge',
      samples: [{ value: atMs / 1000 }],
    },
    {
      name: 'last_success_timestamp_seconds',
      help: 'When the last run ended that found nothing to do, held on purpose, or updated and verified.',
      type: 'gauge',
      samples: successAtMs === undefined ? [] : [{ value: successAtMs / 1000 }],
    },
  ]);
}
