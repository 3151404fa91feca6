import type { ComposeModel, Service } from './compose-model.ts';
import { isSecretName, MASK, withoutSecrets } from './secrets.ts';

/** What is shorter stands in many a text by chance. */
const FEWEST_CHARACTERS = 5;

/**
 * The values in a release that nobody should read: those of settings with the name of a secret, and texts of secrets.
 * Compose writes a dollar sign as two; the container has, and prints, one.
 */
export function secretValues(...models: readonly ComposeModel[]): string[] {
  const found = models.flatMap((model) => [
    ...Object.values(model.services).flatMap(valuesOfService),
    ...[model.secrets, model.configs].flatMap((section) =>
      Object.values(section ?? {}).flatMap((one) => textsIn(record(one)['content'])),
    ),
  ]);
  return maskable(found.flatMap((value) => [value, value.replaceAll('$$', () => '$')]));
}

/** The same of `NAME=value` lines, as Docker has the environment of a container. */
export function secretsOfEnvironment(lines: readonly string[]): string[] {
  return maskable(lines.flatMap((line) => settingsIn([line])));
}

/** A text without these values, and without the end of one where something before it is left out. */
export function withoutValues(text: string, values: readonly string[]): string {
  const [first = '', ...parts] = text.split(MASK);
  const whole = [first, ...parts.map((part) => withoutEndOf(values, part))].join(MASK);
  return values.reduce((rest, value) => rest.replaceAll(value, MASK), whole);
}

/** A text without what can be told to be a secret: these values, and what stands behind words such as `password`. */
export function masked(text: string, values: readonly string[]): string {
  // First: a pattern may take a value for shorter than it is.
  return withoutSecrets(withoutValues(text, values));
}

/** A text without the longest end of a value that it begins with. */
function withoutEndOf(values: readonly string[], text: string): string {
  const longest = Math.max(0, ...values.map((value) => sharedLength(value, text)));
  return text.slice(longest);
}

/** How much of the end of a value a text begins with; 0 where it is so little that it may be chance. */
function sharedLength(value: string, text: string): number {
  for (let length = value.length; length >= FEWEST_CHARACTERS; length -= 1) {
    if (text.startsWith(value.slice(-length))) return length;
  }
  return 0;
}

function valuesOfService(service: Service): string[] {
  const build = record(service['build']);
  return [service['environment'], service['labels'], build['args']].flatMap(settingsIn);
}

/** Of a record of settings, or a list of `NAME=value`. */
function settingsIn(settings: unknown): string[] {
  const pairs: [string, unknown][] = Array.isArray(settings)
    ? settings.map((line) => [
        String(line).split('=')[0] ?? '',
        String(line).replace(/^[^=]*=?/, ''),
      ])
    : Object.entries(record(settings));
  return pairs.flatMap(([name, value]) =>
    isSecretName(name) ? textsIn(value) : passwordsIn(value),
  );
}

function textsIn(value: unknown): string[] {
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
}

/** Passwords within URLs: `postgres://user:password@host`. */
function passwordsIn(value: unknown): string[] {
  if (typeof value !== 'string') return [];
  return [...value.matchAll(/\/\/[^\s/:@]*:([^\s@]+)@/g)].flatMap(([, password = '']) => [
    password,
  ]);
}

/** The longest first: one may be a part of another. A key of many lines may be shown line by line. */
function maskable(values: readonly string[]): string[] {
  const lines = values.flatMap((value) => [value, ...value.split('\n')]).map((one) => one.trim());
  return [...new Set(lines)]
    .filter((one) => one.length >= FEWEST_CHARACTERS && !/^(true|false|\/.*)$/.test(one))
    .toSorted((left, right) => right.length - left.length);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}
