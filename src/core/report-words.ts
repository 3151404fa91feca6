import { durationText } from './duration.ts';
import { shortDigest } from './moved-image.ts';
import { isFinal, type State } from './journal.ts';
import type { ReportData, ReportRun } from './report.ts';

/** How a run ended, as its colour tells, too. */
export type Tone = 'good' | 'bad' | 'alert' | 'calm';

/** How a run ended, in a word or two. */
export function outcomeOf({ state, kind }: Pick<ReportRun, 'state' | 'kind'>): {
  readonly word: string;
  readonly tone: Tone;
} {
  if (!isFinal(state)) return { word: 'under way', tone: 'calm' };
  if (state === 'ROLLED_BACK') return { word: 'rolled back', tone: 'bad' };
  if (state === 'NEEDS_OPERATOR') return { word: 'operator needed', tone: 'alert' };
  if (state !== 'COMMITTED') return { word: 'nothing changed', tone: 'calm' };
  return { word: kind === 'update' ? 'updated' : 'went back by hand', tone: 'good' };
}

/** What is to be known of a host before anything else. */
export function stateOfHost(data: ReportData): { readonly word: string; readonly tone: Tone } {
  if (data.needsOperator !== null) return { word: 'operator needed', tone: 'alert' };
  if (data.alarm !== null) return { word: 'a backup is bad', tone: 'alert' };
  if (data.holds.length > 0) return { word: 'held', tone: 'bad' };
  if (data.runs[0]?.isOver === false) return { word: 'under way', tone: 'calm' };
  return data.deployed === null
    ? { word: 'nothing deployed yet', tone: 'calm' }
    : { word: 'up and verified', tone: 'good' };
}

const phaseWords: Readonly<Partial<Record<State, string>>> = {
  PREPARING: 'prepare',
  ARMED: 'arm',
  APPLYING: 'apply',
  VERIFYING: 'verify',
  COMMITTING: 'commit',
  ROLLING_BACK: 'roll back',
  VERIFYING_ROLLBACK: 'verify the old release',
};

export function phaseWord(state: State): string {
  return phaseWords[state] ?? state.toLowerCase().replaceAll('_', ' ');
}

/** `3.4 GB`, `120 MB`, `0.4 MB`: 10^6 bytes are a MB. */
export function sizeText(bytes: number): string {
  if (bytes >= 1e12) return `${(bytes / 1e12).toFixed(1)} TB`;
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A commit as a person reads it. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 12);
}

/** What is in quarantine, as a person reads it. */
export function quarantinedText({
  commit,
  image,
}: Pick<ReportData['quarantine'][number], 'commit' | 'image'>): string {
  return image === null
    ? shortCommit(commit ?? '')
    : `${image.reference} (${shortDigest(image.digest)})`;
}

/** The longest time that a service was away, which it was, and how many others were. */
export function downtimeText({ downtime }: Pick<ReportRun, 'downtime'>): string {
  if (downtime === null) return 'not measured';
  const [longest] = downtime.toSorted((left, right) => right.seconds - left.seconds);
  if (longest === undefined) return 'none';
  const more = downtime.length > 1 ? ` and ${downtime.length - 1} more` : '';
  return `${longest.goesOn ? 'over ' : ''}${durationText(longest.seconds)} (${longest.service}${more})`;
}
