import { LONGEST_REST_SECONDS, tryJson } from './registry.ts';
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

/** What is kept from one look to the next. */
export interface Memory {
  /** By `findingKey`. */
  readonly images: Readonly<Record<string, Finding>>;
  /** By registry. */
  readonly rests: Readonly<Record<string, Rest>>;
}

/** @param id the image here, empty where there is none */
export function findingKey(reference: string, id: string): string {
  return `${reference} ${id}`;
}

/** Of what nobody asked for this long nothing is kept. */
const KEPT_MS = 30 * 86_400_000;
const MOST_KEPT = 1000;

/** Reads what was kept. What is damaged is found out again: it saves requests, and nothing hangs on it. */
export function parseMemory(text: string | undefined): Memory {
  const { images, rests } = (tryJson(text ?? '') ?? {}) as { images?: unknown; rests?: unknown };
  return { images: recordOf(images, isFinding), rests: recordOf(rests, isRest) };
}

/** What is kept further: what was found out now, what is not old, and rests that are not over. */
export function keptMemory(before: Memory, fresh: Memory['images'], nowMs: number): Memory {
  const young = Object.entries(before.images).filter(
    ([key, { seen }]) => !Object.hasOwn(fresh, key) && nowMs - millisecondsOf(seen) < KEPT_MS,
  );
  const images = [...young, ...Object.entries(fresh)].slice(-MOST_KEPT);
  const due = Object.entries(before.rests).filter(([registry]) => restOf(before, registry, nowMs));
  return { images: Object.fromEntries(images), rests: Object.fromEntries(due) };
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

/** As we write it: people read it. */
function isMoment(value: unknown): boolean {
  return typeof value === 'string' && isoOf(millisecondsOf(value)) === value;
}

function isRest(value: unknown): value is Rest {
  const { until, why } = (value ?? {}) as Record<string, unknown>;
  return typeof until === 'string' && typeof why === 'string';
}
