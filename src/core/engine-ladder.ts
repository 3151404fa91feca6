import { isFull, type EngineDiagnosis } from './engine-diagnosis.ts';
import { ladder, type Rung, type RungName } from './engine-rungs.ts';

/** From here on a person is told of each one that is taken. */
export const TOLD_FROM_RUNG = 3;
/** Up to here nothing is lost that was written. */
export const UNATTENDED_RUNG = 8;
/** Up to here by a person's `engine repair`; the others are only taken where they are named. */
export const USUAL_RUNG = 13;
/** The highest. */
export const LAST_RUNG = Math.max(...ladder.map(({ number }) => number));

/**
 * The rungs that can help, the lowest first.
 *
 * @param tried those that were taken in this incident: each is taken once
 */
export function rungsFor(
  diagnosis: EngineDiagnosis,
  tried: readonly RungName[],
  highest: number,
): Rung[] {
  const isLeftAlone = isFull(diagnosis);
  return ladder
    .filter(({ name, number }) => number <= highest && !tried.includes(name))
    .filter((rung) => !(isLeftAlone && rung.isDisruptive) && rung.canHelp(diagnosis, tried))
    .map(({ number, name, what, risk, isReversible, isDisruptive }) => {
      return { number, name, what, risk, isReversible, isDisruptive };
    });
}
