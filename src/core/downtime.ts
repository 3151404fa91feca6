import type { Container } from './observe.ts';

/** What became of a container of the cluster, as Docker tells it. */
export interface ContainerEvent {
  /** Milliseconds since 1970, by the clock of the host. */
  readonly atMs: number;
  readonly service: string;
  /** Its ID. */
  readonly container: string;
  readonly what: 'start' | 'die' | 'healthy' | 'unhealthy';
}

/** How long a service was away: no container of it ran and was, where Docker checks that, healthy. */
export interface Downtime {
  readonly service: string;
  readonly seconds: number;
  /** It was still away when the watch ended: at least so long. */
  readonly goesOn?: true;
}

interface Seen {
  readonly service: string;
  runs: boolean;
  health: 'starting' | 'healthy' | 'unhealthy';
}

interface Absence {
  /** Undefined while it is there. */
  sinceMs: number | undefined;
  totalMs: number;
}

/**
 * Adds up the gaps in which a service was away that had been there before: the first start of a new service
 * is no downtime. Several containers of a service stand in for each other.
 *
 * @param before the containers when the watch began
 * @param endMs when it ended; a gap that is open then is told as such
 */
export function downtimesIn(
  before: readonly Container[],
  events: readonly ContainerEvent[],
  endMs: number,
): Downtime[] {
  const checked = new Set(
    events.flatMap(({ container, what }) =>
      what === 'healthy' || what === 'unhealthy' ? [container] : [],
    ),
  );
  for (const { id, health } of before) if (health !== undefined) checked.add(id);
  const seen = new Map<string, Seen>(
    before.map(({ id, service, state, health = 'starting' }) => [
      id,
      { service, runs: state === 'running', health },
    ]),
  );
  const isThere = (service: string): boolean =>
    [...seen].some(
      ([id, one]) =>
        one.service === service && one.runs && (!checked.has(id) || one.health === 'healthy'),
    );
  const absences = new Map<string, Absence>();
  for (const { service } of before) {
    if (isThere(service)) absences.set(service, { sinceMs: undefined, totalMs: 0 });
  }
  for (const event of events.toSorted((left, right) => left.atMs - right.atMs)) {
    seen.set(event.container, after(seen.get(event.container), event));
    note(absences, event, isThere(event.service));
  }
  return [...absences]
    .flatMap(([service, { sinceMs, totalMs }]): Downtime[] => {
      if (sinceMs !== undefined) {
        return [{ service, seconds: secondsOf(totalMs + endMs - sinceMs), goesOn: true }];
      }
      return totalMs > 0 ? [{ service, seconds: secondsOf(totalMs) }] : [];
    })
    .toSorted((left, right) => (left.service < right.service ? -1 : 1));
}

function after(before: Seen | undefined, { service, what }: ContainerEvent): Seen {
  switch (what) {
    case 'start':
      return { service, runs: true, health: 'starting' };
    case 'die':
      return { service, runs: false, health: 'starting' };
    case 'healthy':
    case 'unhealthy':
      return { service, runs: before?.runs ?? true, health: what };
  }
}

function note(
  absences: Map<string, Absence>,
  { service, atMs }: ContainerEvent,
  isThere: boolean,
): void {
  const absence = absences.get(service);
  if (absence === undefined) {
    if (isThere) absences.set(service, { sinceMs: undefined, totalMs: 0 });
    return;
  }
  if (!isThere) absence.sinceMs ??= atMs;
  else if (absence.sinceMs !== undefined) {
    absence.totalMs += atMs - absence.sinceMs;
    absence.sinceMs = undefined;
  }
}

function secondsOf(milliseconds: number): number {
  return Math.round(Math.max(0, milliseconds) / 10) / 100;
}
