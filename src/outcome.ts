import { exitCodes, type ExitCode } from './exit-codes.ts';

/** How a run ended. */
export interface Outcome {
  readonly result:
    | 'nothing'
    | 'held'
    | 'updated'
    | 'rolled back'
    | 'interrupted'
    | 'needs operator'
    | 'waiting';
  readonly exitCode: ExitCode;
  /** One sentence for the journal, `systemctl status` and a person. */
  readonly summary: string;
  /** What to type next, where there is something to do. */
  readonly next?: string;
  readonly from?: string;
  readonly to?: string;
  readonly transaction?: string;
}

export function nothingToDo(summary: string): Outcome {
  return { result: 'nothing', exitCode: exitCodes.done, summary };
}

export function held(summary: string, next: string): Outcome {
  return { result: 'held', exitCode: exitCodes.done, summary, next };
}

export function needsOperator(summary: string, next: string, transaction?: string): Outcome {
  return {
    result: 'needs operator',
    exitCode: exitCodes.operator,
    summary,
    next,
    ...(transaction === undefined ? {} : { transaction }),
  };
}

/** A commit as a person reads it. */
export function short(commit: string): string {
  return commit.slice(0, 12);
}
