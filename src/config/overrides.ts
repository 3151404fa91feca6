import { ConfigError } from '../errors.ts';
import { keyInfos } from './keys.ts';
import { nearestName } from './nearest.ts';

/** A value that replaces one of the file. */
export interface Override {
  readonly key: string;
  readonly value: unknown;
  /** What a person has to change: `ORCHESTRATOR_UPDATE_BRANCH` or `--set branch`. */
  readonly source: string;
}

export const ENVIRONMENT_PREFIX = 'ORCHESTRATOR_UPDATE_';
/** Variables with the prefix that are not keys of the configuration. */
const otherVariables = new Set(['CONFIG', 'STATE_DIR', 'CACHE_DIR', 'DEBUG']);

/** The name of the environment variable that sets a key: `health.urls` → `…_HEALTH_URLS`. */
export function variableFor(key: string): string {
  return ENVIRONMENT_PREFIX + key.replaceAll('.', '_').toUpperCase();
}

/** Whether an environment variable is meant to set a key. */
export function setsKey(name: string): boolean {
  return (
    name.startsWith(ENVIRONMENT_PREFIX) &&
    !otherVariables.has(name.slice(ENVIRONMENT_PREFIX.length))
  );
}

/**
 * Overrides of the environment, then of the flags.
 *
 * @throws {ConfigError} on a name that is no key of the configuration.
 */
export function overridesFrom(
  environment: Readonly<Record<string, string | undefined>>,
  flags: readonly string[],
): Override[] {
  return [...fromEnvironment(environment), ...flags.map(fromFlag)];
}

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Override[] {
  const named = Object.entries(environment).filter(
    ([name, value]) => value !== undefined && setsKey(name),
  );
  if (named.length === 0) return [];
  const byVariable = new Map(keyInfos().map((info) => [variableFor(info.key), info]));
  return named.map(([name, text]) => {
    const info = byVariable.get(name);
    if (!info) throw unknownName(name, [...byVariable.keys()], 'environment variable');
    return { key: info.key, value: valueOf(text ?? '', info.type), source: name };
  });
}

function fromFlag(flag: string): Override {
  const at = flag.indexOf('=');
  if (at < 1) {
    throw new ConfigError(`--set ${flag}: KEY=VALUE is expected`, 'e.g. --set branch=main');
  }
  const key = flag.slice(0, at);
  const infos = keyInfos();
  const info = infos.find((candidate) => candidate.key === key);
  if (!info)
    throw unknownName(
      key,
      infos.map((candidate) => candidate.key),
      'key',
    );
  return { key, value: valueOf(flag.slice(at + 1), info.type), source: `--set ${key}` };
}

/** Text becomes what the key holds: a number, true or false, a list (separated by commas) or the text. */
function valueOf(text: string, type: string): unknown {
  if (type.startsWith('list')) return text === '' ? [] : text.split(',').map((part) => part.trim());
  if (/^(number|integer)/.test(type)) return text.trim() === '' ? text : Number(text);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  if (type.startsWith('map')) {
    if (text === '') return {};
    return Object.fromEntries(text.split(',').map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
  }
  return text;
}

function unknownName(name: string, known: readonly string[], what: string): ConfigError {
  const close = nearestName(name, known);
  return new ConfigError(
    `unknown ${what} ${name}${close ? ` (did you mean ${close}?)` : ''}`,
    'orchestrator-update config docs',
  );
}
