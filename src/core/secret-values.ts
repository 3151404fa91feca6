import type { ComposeModel, Service } from './compose-model.ts';
import { isSecretName, MASK } from './secrets.ts';

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

/** A text without these values. */
export function withoutValues(text: string, values: readonly string[]): string {
  return values.reduce((masked, value) => masked.replaceAll(value, MASK), text);
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
