import { canonicalJson, sameValue } from './canonical-json.ts';
import { isRawJSON, type Service } from './compose-model.ts';
import { own } from './own.ts';
import { isSecretName, MASK, withoutSecrets, wordsWithoutSecrets } from './secrets.ts';

/** One value that differs between two definitions of a service, fit to be shown. */
export interface FieldChange {
  /** Where it is: `image`, `environment.LEVEL`; a list is told by what came and went. */
  readonly path: string;
  /** Undefined where there is none. Secrets are masked, long values are cut. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

const MAX_CHARACTERS = 80;

/** What differs between two definitions of a service, value by value, in the order of the paths. */
export function fieldChanges(old: Service, now: Service): FieldChange[] {
  return differences('', old, now);
}

function differences(path: string, old: unknown, now: unknown): FieldChange[] {
  if (sameValue(old, now)) return [];
  if (Array.isArray(old) && Array.isArray(now)) {
    return [listDifference(path, old, now)];
  }
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

/** Masked before they are taken out of the list: the word before may tell that one is a secret. */
function onlyIn(here: readonly unknown[], there: readonly unknown[]): unknown[] {
  const others = new Set(there.map(canonicalJson));
  const masked = wordsWithoutSecrets(here);
  return masked.filter((_, index) => !others.has(canonicalJson(here[index])));
}

type Fields = Readonly<Record<string, unknown>>;

function isEmpty(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function isRecord(value: unknown): value is Fields {
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
  return isObject && !isRawJSON(value);
}

function shown(path: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (isSecretName(path)) return MASK;
  const text = typeof value === 'string' ? value : jsonOf(value);
  const masked = withoutSecrets(text);
  return masked.length > MAX_CHARACTERS ? `${masked.slice(0, MAX_CHARACTERS)}${MASK}` : masked;
}

function jsonOf(value: unknown): string {
  if (isRawJSON(value)) return JSON.stringify(value);
  return canonicalJson(Array.isArray(value) ? wordsWithoutSecrets(value) : value);
}
