import { events } from './cases.ts';
import type { Played } from './torture.ts';

/** What came of one event. */
export interface Row {
  readonly event: string;
  readonly rounds: number;
  /** Came while the update was under way. */
  readonly met: number;
  readonly restedAtOld: number;
  readonly restedAtNew: number;
  readonly broken: number;
  readonly longestRecoverySeconds: number;
}

function row(event: string, some: readonly Played[]): Row {
  return {
    event,
    rounds: some.length,
    met: some.filter(({ result }) => result.met).length,
    restedAtOld: some.filter(({ result }) => result.restedAt === 'old').length,
    restedAtNew: some.filter(({ result }) => result.restedAt === 'new').length,
    broken: some.filter(({ result }) => result.problems.length > 0).length,
    longestRecoverySeconds:
      Math.round(Math.max(0, ...some.map(({ result }) => result.recoveryMs)) / 100) / 10,
  };
}

/** A row for each event, and one for all. */
export function summarize(played: readonly Played[]): Row[] {
  return [
    ...events.map((event) =>
      row(
        event,
        played.filter((one) => one.case.event === event),
      ),
    ),
    row('all', played),
  ];
}

export function tableOf(rows: readonly Row[]): string {
  const head =
    '| event | rounds | in the middle | at rest: old | new | broken | longest recovery |';
  return [
    head,
    '|---|---|---|---|---|---|---|',
    ...rows.map(
      (one) =>
        `| ${one.event} | ${one.rounds} | ${one.met} | ${one.restedAtOld} | ${one.restedAtNew} | ${one.broken} | ${one.longestRecoverySeconds} s |`,
    ),
  ].join('\n');
}
