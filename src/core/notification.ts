import { withoutValues } from './secret-values.ts';
import { MASK, withoutSecrets } from './secrets.ts';

/** What a person can be told of, the less urgent first. */
export const events = [
  'available',
  'waiting',
  'started',
  'updated',
  'held',
  'recovered',
  'engine',
  'failed',
  'backup-failed',
  'verification-failed',
  'rolled-back',
  'needs-operator',
] as const;
export type Event = (typeof events)[number] | 'test';

/** What somebody who sleeps wants to be told: what they may have to do something about, and that it is over. */
export const urgentEvents = events.filter(
  (event) => !['available', 'started', 'updated', 'held'].includes(event),
);

/** How loud it is. */
export type Severity = 'info' | 'warning' | 'critical';

/** What is to be told, as whoever met it knows it. */
export interface Draft {
  readonly event: Event;
  /**
   * What it is about: told once, whoever meets it how often. `hold <moment>`, `ended <transaction>`,
   * `available <commit>` …
   */
  readonly about: string;
  /** Other things that need not be told any more then. */
  readonly alsoAbout?: readonly string[];
  /** ISO 8601, UTC: when it happened. */
  readonly at: string;
  /** What happened, in a sentence. */
  readonly summary: string;
  /** What changed: names and numbers, one kind a line. */
  readonly changes?: readonly string[];
  /** Who was away, and how long. */
  readonly outages?: readonly string[];
  /** The last lines of what failed. */
  readonly output?: readonly string[];
  /** What to type. */
  readonly next?: string;
  /** For programs: commits, the transaction, the reason. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** What is sent. It has no secrets in it. */
export interface Notification extends Omit<Draft, 'about' | 'alsoAbout'> {
  /**
   * Letters, digits and dashes. The same each time it is sent again, and for every target: a receiver that has it
   * may drop it.
   */
  readonly id: string;
  readonly host: string;
  /** The compose project. */
  readonly project: string;
  readonly severity: Severity;
  readonly title: string;
}

const headlines: Readonly<Record<Event, string>> = {
  available: 'an update is available',
  waiting: 'an update waits for approval',
  started: 'an update has begun',
  updated: 'updated',
  held: 'updates are held',
  recovered: 'recovered',
  engine: 'Docker',
  failed: 'a run failed',
  'backup-failed': 'a backup failed',
  'verification-failed': 'a backup cannot be relied on',
  'rolled-back': 'rolled back',
  'needs-operator': 'an operator is needed',
  test: 'a test',
};

/** Told again once a day while it lasts: something waits for a person. */
const reminded: ReadonlySet<Event> = new Set([
  'waiting',
  'failed',
  'backup-failed',
  'verification-failed',
  'needs-operator',
]);

const DAY_MS = 86_400_000;

/**
 * Whether it is to be told now.
 *
 * @param toldAtMs when it was told last, since 1970; undefined where it never was
 */
export function isToBeTold(event: Event, toldAtMs: number | undefined, nowMs: number): boolean {
  if (toldAtMs === undefined) return true;
  if (!reminded.has(event)) return false;
  const agoMs = nowMs - toldAtMs;
  // A moment to come is of a clock that was wrong.
  return !(agoMs >= 0 && agoMs < DAY_MS);
}

/** What a target that has named events is told of. A test is for everybody. */
export function isWanted(event: Event, wanted: readonly (Event | 'all')[]): boolean {
  return event === 'test' || wanted.includes('all') || wanted.includes(event);
}

/** The name of the file in which is kept that something was told: no other thing has it. */
export function fileNameFor(about: string): string {
  const readable = about.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 60);
  return `${readable}-${hashOf(about).toString(16).padStart(8, '0')}`;
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01_00_01_93);
  }
  return hash >>> 0;
}

/**
 * Makes of a draft what is sent: the longest texts cut, secrets masked.
 *
 * @param where this host, its project, the values that are secrets here, and when this was told last
 */
export function notificationOf(
  draft: Draft,
  where: {
    readonly host: string;
    readonly project: string;
    readonly secrets: readonly string[];
    readonly toldAtMs: number | undefined;
  },
): Notification {
  const { about, alsoAbout: _, event, at, facts = {}, ...texts } = draft;
  const { host, project, toldAtMs } = where;
  // Longer ones first: one may be a part of another.
  const secrets = where.secrets.toSorted((left, right) => right.length - left.length);
  const clean = (text: string, most = LINE_CHARACTERS): string => {
    const masked = withoutValues(withoutSecrets(text), secrets);
    return masked.length > most ? `${masked.slice(0, most)}${MASK}` : masked;
  };
  const lines = (all: readonly string[] = [], most = LINES): string[] =>
    all.slice(-most).map((line) => clean(line));
  const again = toldAtMs === undefined ? '' : `-${toldAtMs.toString(36)}`;
  return {
    id: `${host.replaceAll(/[^A-Za-z0-9-]+/g, '-')}-${fileNameFor(about)}${again}`,
    event,
    severity: severityOf(event),
    at,
    host,
    project,
    title: `${project} on ${host}: ${headlines[event]}`,
    summary: clean(texts.summary, SUMMARY_CHARACTERS),
    changes: lines(texts.changes),
    outages: lines(texts.outages),
    output: lines(texts.output),
    ...(texts.next === undefined ? {} : { next: clean(texts.next, SUMMARY_CHARACTERS) }),
    facts: Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, clean(value)])),
  };
}

const LINE_CHARACTERS = 300;
const SUMMARY_CHARACTERS = 600;
const LINES = 12;

function severityOf(event: Event): Severity {
  switch (event) {
    case 'needs-operator':
    case 'rolled-back':
      return 'critical';
    case 'failed':
    case 'backup-failed':
    case 'verification-failed':
    case 'waiting':
    case 'engine':
      return 'warning';
    case 'available':
    case 'started':
    case 'updated':
    case 'held':
    case 'recovered':
    case 'test':
      return 'info';
  }
}
