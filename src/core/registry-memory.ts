import { own } from './own.ts';
import { LONGEST_REST_SECONDS, tryJson, type Repository } from './registry.ts';
import { isoOf, millisecondsOf } from './moment.ts';

/** What was found out about a digest, compared with an image here: it stays true. */
export interface Finding {
  /** What the tag means in its registry. */
  readonly digest: string;
  /** That of this platform's instance. */
  readonly platformDigest: string;
  /** Whether that is another than the one here. */
  readonly isOther: boolean;
  /** When it was made, ISO 8601; null where it does not say, absent where it was not asked. */
  readonly created?: string | null;
  /** When this host saw it first, ISO 8601. */
  readonly seen: string;
}

/** When a registry may be asked again. */
export interface Rest {
  /** ISO 8601. */
  readonly until: string;
  readonly why: string;
}

/** Whether a repository has an image that is here. */
export interface Origin {
  readonly isKnown: boolean;
  /** When it said so, ISO 8601. */
  readonly seen: string;
}

/** What is kept from one look to the next. */
export interface Memory {
  /** By `findingKey`. */
  readonly images: Readonly<Record<string, Finding>>;
  /** By `originKey`. */
  readonly origins: Readonly<Record<string, Origin>>;
  /** By registry. */
  readonly rests: Readonly<Record<string, Rest>>;
}

/** @param id the image here, empty where there is none */
export function findingKey(reference: string, id: string): string {
  return `${reference} ${id}`;
}

/** @param id the image here */
export function originKey({ host, path }: Repository, id: string): string {
  return `${host}/${path}@${id}`;
}

/** Of what nobody asked for this long nothing is kept. */
const KEPT_MS = 30 * 86_400_000;
const MOST_KEPT = 1000;
/** What a repository does not have somebody may push there. */
const UNKNOWN_MS = 86_400_000;

/** Reads what was kept. What is damaged is found out again: it saves requests, and nothing hangs on it. */
export function parseMemory(text: string | undefined): Memory {
  const { images, origins, rests } = (tryJson(text ?? '') ?? {}) as Readonly<
    Record<keyof Memory, unknown>
  >;
  return {
    images: recordOf(images, isFinding),
    origins: recordOf(origins, isOrigin),
    rests: recordOf(rests, isRest),
  };
}

/** What is kept further: what was found out now, what is not old, and rests that are not over. */
export function keptMemory(
  before: Memory,
  fresh: Pick<Memory, 'images' | 'origins'>,
  nowMs: number,
): Memory {
  const due = Object.entries(before.rests).filter(([registry]) => restOf(before, registry, nowMs));
  return {
    images: joined(before.images, fresh.images, nowMs),
    origins: joined(before.origins, fresh.origins, nowMs),
    rests: Object.fromEntries(due),
  };
}

function joined<Value extends { readonly seen: string }>(
  before: Readonly<Record<string, Value>>,
  fresh: Readonly<Record<string, Value>>,
  nowMs: number,
): Record<string, Value> {
  const young = Object.entries(before).filter(
    ([key, { seen }]) => !Object.hasOwn(fresh, key) && nowMs - millisecondsOf(seen) < KEPT_MS,
  );
  return Object.fromEntries([...young, ...Object.entries(fresh)].slice(-MOST_KEPT));
}

/** What a repository said of an image, while that counts. */
export function originIn(
  origins: Memory['origins'],
  key: string,
  nowMs: number,
): Origin | undefined {
  const origin = own(origins, key);
  if (origin === undefined) return undefined;
  const ageMs = nowMs - millisecondsOf(origin.seen);
  return ageMs < (origin.isKnown ? KEPT_MS : UNKNOWN_MS) ? origin : undefined;
}

/** The rest a registry asked for, while it lasts. One that ends beyond the longest was written under another clock. */
export function restOf({ rests }: Memory, registry: string, nowMs: number): Rest | undefined {
  const rest = Object.hasOwn(rests, registry) ? rests[registry] : undefined;
  const leftMs = millisecondsOf(rest?.until ?? '') - nowMs;
  return leftMs > 0 && leftMs <= LONGEST_REST_SECONDS * 1000 ? rest : undefined;
}

function recordOf<Value>(
  value: unknown,
  fits: (inner: unknown) => inner is Value,
): Record<string, Value> {
  const entries = value !== null && typeof value === 'object' ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((one): one is [string, Value] => fits(one[1])));
}

function isFinding(value: unknown): value is Finding {
  const { digest, platformDigest, isOther, created, seen } = (value ?? {}) as Record<
    string,
    unknown
  >;
  const isWhole = [digest, platformDigest, seen].every((one) => typeof one === 'string');
  const isCreated = created === undefined || created === null || isMoment(created);
  return isWhole && isCreated && typeof isOther === 'boolean';
}

function isOrigin(value: unknown): value is Origin {
  const { isKnown, seen } = (value ?? {}) as Record<string, unknown>;
  return typeof isKnown === 'boolean' && typeof seen === 'string';
}

/** As we write it: people read it. */
function isMoment(value: unknown): boolean {
  return typeof value === 'string' && isoOf(millisecondsOf(value)) === value;
}

function isRest(value: unknown): value is Rest {
  const { until, why } = (value ?? {}) as Record<string, unknown>;
  return typeof until === 'string' && typeof why === 'string';
}
