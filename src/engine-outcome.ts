import { eventOfEngine, type EventName } from './core/events.ts';
import type { PackageChange } from './core/engine-upgrade.ts';

/** What came of a change of the engine. */
export interface EngineOutcome {
  /**
   * `done`: as asked. `taken back`: the new engine did not work; the old one runs, and was verified. `aborted`: nothing
   * was touched. `interrupted`: it is unfinished, and the next start of its unit goes on. `operator`: a person is needed.
   */
  readonly state: 'done' | 'taken back' | 'aborted' | 'interrupted' | 'operator';
  readonly summary: string;
  readonly changes: readonly PackageChange[];
  /** What was wrong, of what was taken back; what still is, where a person is needed. */
  readonly problems: readonly string[];
  /** It was broken, and works again. */
  readonly isRepaired?: boolean;
}

/** What the catalog of the journal explains of it. */
export function engineEvent(
  { state, changes, isRepaired = false }: EngineOutcome,
  verb: string | undefined,
): EventName | undefined {
  return eventOfEngine({ state, hasChanges: changes.length > 0, isRepaired }, verb);
}

/** How the reason begins for what was taken back since it was cut off. */
export const CUT_OFF = 'cut off';
