import { canonicalJson, sameValue } from './canonical-json.ts';
import type { Service } from './compose-model.ts';
import { own } from './own.ts';

/** One value that differs between two definitions of a service, fit to be shown. */
export interface FieldChange {
  /** Where it is: `image`, `environment.LEVEL`; a list is told by what came and went. */
  readonly path: string;
  /** Undefined where there is none. Secrets are masked, long values are cut. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

const MASK = '…';
const MAX_CHARACTERS = 80;
/** Names of settings whose values nobody should read over a shoulder, in a log or a chat. */
const SECRET_NAME = /pass|secret|token|credential|private|salt|dsn|auth|key(?!board)/i;
/** The same within a value, as in `--password=x` and `TOKEN: x`. */
const SECRET_WITHIN =
  /((?:pass|secret|token|credential|api[_-]?key)[\w-]*\\?["']?\s*[=:,]\s*\\?["']?)[^\s"',&\\]+/gi;
const URL_CREDENTIALS = /\/\/[^/@\s]+@/g;

/** What differs between two definitions of a service, value by value, in the order of the paths. */
export function fieldChanges(old: Service, now: Service): FieldChange[] {
  return differences('', old, now);
}

function differences(path: string, old: unknown, now: unknown): FieldChange[] {
  if (sameValue(old, now)) return [];
  if (Array.isArray(old) && Array.isArray(now)) return [listDifference(path, old, now)];
  // A record that comes or goes is told key by key, so that each is judged by its own name.
  const isTold = [old, now].every((value) => value === undefined || isRecord(value));
  const isAllThereIs = (old === undefined && isEmpty(now)) || (now === undefined && isEmpty(old));
  if (!isTold || isAllThereIs) {
    return [{ path, from: shown(path, old), to: shown(path, now) }];
  }
  const [was, is] = [(old ?? {}) as Fields, (now ?? {}) as Fields];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .toSorted()
    .flatMap((key) =>
      differences(path === '' ? key : `${path}.${key}`, own(was, key), own(is, key)),
    );
}

/** Of two lists what only one of them has; both whole where they differ in their order alone. */
function listDifference(path: string, old: unknown[], now: unknown[]): FieldChange {
  const [gone, come] = [onlyIn(old, now), onlyIn(now, old)];
  if (gone.length + come.length === 0) {
    return { path, from: shown(path, old), to: shown(path, now) };
  }
  const text = (values: unknown[]): string | undefined =>
    shown(path, values.length > 0 ? values : undefined);
  return { path, from: text(gone), to: text(come) };
}

function onlyIn(here: readonly unknown[], there: readonly unknown[]): unknown[] {
  const others = new Set(there.map(canonicalJson));
  return here.filter((value) => !others.has(canonicalJson(value)));
}

type Fields = Readonly<Record<string, unknown>>;

function isEmpty(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function isRecord(value: unknown): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function shown(path: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (SECRET_NAME.test(path)) return MASK;
  const text = typeof value === 'string' ? value : canonicalJson(value);
  const masked = text
    .replaceAll(SECRET_WITHIN, `$1${MASK}`)
    .replaceAll(URL_CREDENTIALS, `//${MASK}@`);
  return masked.length > MAX_CHARACTERS ? `${masked.slice(0, MAX_CHARACTERS)}${MASK}` : masked;
}
