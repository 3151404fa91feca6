import { randomFrom, type Random } from '../support/random.ts';

/** What is done to a host in the middle of an update. */
export const events = [
  'kill the updater',
  'kill docker compose',
  'kill dockerd',
  'kill containerd',
  'systemctl stop',
  'power cut',
  'power cut, unsynced writes lost',
  'disk full, until the run is over',
  'disk turned read-only, then a reboot',
] as const;
export type Event = (typeof events)[number];

/** The release that is being applied meanwhile. */
export const releaseKinds = ['good', 'unhealthy', 'crash-looping'] as const;
export type ReleaseKind = (typeof releaseKinds)[number];

/** When it is done: as soon as the journal has this many lines, or after a part of the usual time. */
export type Moment =
  | { readonly at: 'line'; readonly line: number }
  | { readonly at: 'time'; readonly fraction: number };

/** One round of torture. */
export interface Case {
  readonly event: Event;
  readonly release: ReleaseKind;
  readonly moment: Moment;
}

/** How an undisturbed update of each kind goes: lines of its journal, and how long it takes. */
export type Cycle = { readonly lines: number; readonly milliseconds: number };
export type Cycles = Readonly<Record<ReleaseKind, Cycle>>;

/** A little after the end is a moment, too. */
const LATEST = 1.1;

/** Every event at every line that the journal of every release has, in an order of the seed. */
export function boundaryCases(
  cycles: Cycles,
  seed: number,
  wanted: readonly Event[] = events,
): Case[] {
  const all = releaseKinds.flatMap((release) =>
    wanted.flatMap((event) =>
      Array.from({ length: cycles[release].lines }, (_, index): Case => {
        return { event, release, moment: { at: 'line', line: index + 1 } };
      }),
    ),
  );
  return randomFrom(seed).shuffle(all);
}

/** Random events at random moments; the same for the same seed, and every event as often as the others. */
export function randomCases(
  rounds: number,
  seed: number,
  wanted: readonly Event[] = events,
): Case[] {
  const random = randomFrom(seed);
  return Array.from({ length: rounds }, (_, index): Case => {
    const event = wanted[index % wanted.length] ?? 'power cut';
    return { event, release: pickRelease(random), moment: { at: 'time', fraction: part(random) } };
  });
}

function pickRelease(random: Random): ReleaseKind {
  return random.pick(releaseKinds);
}

function part(random: Random): number {
  return (random.below(10_000) / 10_000) * LATEST;
}

export function describeCase({ event, release, moment }: Case): string {
  const when =
    moment.at === 'line'
      ? `at line ${moment.line} of the journal`
      : `after ${Math.round(moment.fraction * 100)} % of the time`;
  return `${release} release, ${event}, ${when}`;
}
