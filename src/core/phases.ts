import { isFinal, type Entry, type State } from './journal.ts';
import { millisecondsOf } from './moment.ts';

/** A stretch of a transaction in one state, as its journal has it. */
export interface Phase {
  readonly state: State;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Until the next one began; of the last one until its last line. */
  readonly seconds: number;
  /** Which attempt it is, where there is more than one. */
  readonly attempt?: number;
  readonly steps: readonly PhaseStep[];
}

export interface PhaseStep {
  readonly text: string;
  readonly seconds: number;
}

/** The phases of a transaction in their order. A state that ends one is none. */
export function phasesOf(entries: readonly Entry[]): Phase[] {
  const endMs = timeOf(entries.at(-1));
  const begins = entries.flatMap((_, index) => (isBegin(entries, index) ? [index] : []));
  return begins.flatMap((begin, position): Phase[] => {
    const first = entries[begin];
    if (first === undefined || isFinal(first.state)) return [];
    const next = begins[position + 1] ?? entries.length;
    const untilMs = next < entries.length ? timeOf(entries[next]) : endMs;
    const lines = entries.slice(begin, next);
    return [
      {
        state: first.state,
        at: first.at,
        seconds: secondsBetween(timeOf(first), untilMs),
        ...((first.attempt ?? 1) > 1 ? { attempt: first.attempt ?? 1 } : {}),
        steps: lines.flatMap(({ step, at }, index) =>
          step === undefined
            ? []
            : [
                {
                  text: step,
                  seconds: secondsBetween(millisecondsOf(at), timeOf(lines[index + 1], untilMs)),
                },
              ],
        ),
      },
    ];
  });
}

/** Its first line to its last. */
export function secondsOf(entries: readonly Entry[]): number {
  return secondsBetween(timeOf(entries[0]), timeOf(entries.at(-1)));
}

/** A line that begins a phase: another state, or the same once more. */
function isBegin(entries: readonly Entry[], index: number): boolean {
  const [before, entry] = [entries[index - 1], entries[index]];
  return before?.state !== entry?.state || entry?.step === undefined;
}

function timeOf(entry: Entry | undefined, otherwise = Number.NaN): number {
  return entry === undefined ? otherwise : millisecondsOf(entry.at);
}

/** To a tenth; a clock that was set back makes no negative time, and what is no moment makes none. */
function secondsBetween(fromMs: number, toMs: number): number {
  const seconds = Math.round((toMs - fromMs) / 100) / 10;
  return seconds > 0 ? seconds : 0;
}
