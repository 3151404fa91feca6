import type { ContainerEvent } from '../core/downtime.ts';
import type { EngineStream } from './engine-api.ts';
import type { ContainerWatch } from './host.ts';

/** Longer than any run takes: the watch is ended by whoever began it. */
const SECONDS_AT_MOST = 7 * 86_400;

const words = {
  start: 'start',
  die: 'die',
  'health_status: healthy': 'healthy',
  'health_status: unhealthy': 'unhealthy',
} as const;

/** Listens to the events of a compose project. Docker keeps only its last 256, so they are not asked for later. */
export function watchContainers(stream: EngineStream, project: string): ContainerWatch {
  const events: ContainerEvent[] = [];
  const stop = new AbortController();
  const filters = JSON.stringify({
    type: ['container'],
    label: [`com.docker.compose.project=${project}`],
    event: ['start', 'die', 'health_status'],
  });
  // It also tells what happens before it has got round to answering.
  const since = (Date.now() / 1000).toFixed(3);
  let isOver = false;
  const ended = stream({
    method: 'GET',
    path: `/events?since=${since}&filters=${encodeURIComponent(filters)}`,
    headers: {},
    timeoutSeconds: SECONDS_AT_MOST,
    idleSeconds: SECONDS_AT_MOST,
    signal: stop.signal,
    onLine: (line) => {
      const event = eventIn(line);
      if (event) events.push(event);
    },
  })
    .catch(() => {})
    .then(() => void (isOver = true));
  return {
    stop: async () => {
      // Docker was restarted, or has refused: what happened since is not known.
      if (isOver) return undefined;
      stop.abort();
      await ended;
      return events;
    },
  };
}

/** The part of an event that is read. */
interface EventDetails {
  readonly Action?: string;
  readonly timeNano?: number;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
}

function eventIn(line: string): ContainerEvent | undefined {
  let event: EventDetails;
  try {
    event = JSON.parse(line) as EventDetails;
  } catch {
    return undefined;
  }
  const { Action: action = '', timeNano, Actor: actor } = event;
  const labels = actor?.Attributes ?? {};
  const service = labels['com.docker.compose.service'];
  const isOneOff = labels['com.docker.compose.oneoff'] === 'True';
  if (service === undefined || isOneOff || timeNano === undefined) return undefined;
  if (!Object.hasOwn(words, action)) return undefined;
  const what = words[action as keyof typeof words];
  return { atMs: Math.round(timeNano / 1e6), service, container: actor?.ID ?? '', what };
}
