import { readFile } from 'node:fs/promises';
import { isMap, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import type { z } from 'zod';
import { ConfigError } from '../errors.ts';
import { keyPaths, sectionPaths } from './keys.ts';
import { nearestName } from './nearest.ts';
import { mistakesIn, type Mistake } from './rules.ts';
import { configSchema, modeFor, settleConfig, type Config } from './schema.ts';
import { overridesFrom, type Override } from './overrides.ts';

/** Where a configuration comes from. Later ones win: defaults, file, environment, flags. */
export interface ConfigSources {
  readonly file: string;
  /** Whether the file was named by a person, so that a missing one is an error. */
  readonly fileRequired: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `key=value` pairs of `--set`. */
  readonly flags: readonly string[];
}

/**
 * Reads the configuration.
 *
 * @throws {ConfigError} naming file, line and key of every mistake; nothing is guessed.
 */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const { document, lines } = await readDocument(sources);
  const fromFile: unknown = document.toJS() ?? {};
  const overrides = overridesFrom(sources.environment, sources.flags);
  const origin = new Map(overrides.map(({ key, source }) => [key, source]));
  const merged = mergeOverrides(asRecord(fromFile, sources.file), overrides);
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) {
    const where = (path: readonly PropertyKey[]): string =>
      originOf(path, origin) ?? position(document, lines, sources.file, path);
    throw configError(parsed.error.issues.flatMap((issue) => describeIssue(issue, where)));
  }
  const config = settleConfig(parsed.data);
  const mistakes = [...contradictionsIn(merged), ...mistakesIn(config)];
  if (mistakes.length > 0) {
    throw configError(
      mistakes.map(
        ({ key, problem }) =>
          `${origin.get(key) ?? position(document, lines, sources.file, key.split('.'))}: ${key} ${problem}`,
      ),
    );
  }
  return config;
}

/** Of two words for the same thing in one place, which would be in force is not guessed. */
function contradictionsIn({ mode, auto_update: isAutomatic }: Record<string, unknown>): Mistake[] {
  if (typeof isAutomatic !== 'boolean' || typeof mode !== 'string') return [];
  if (mode === modeFor(isAutomatic)) return [];
  const problem = `is ${isAutomatic}, and \`mode\` is ${mode}: keep one of them`;
  return [{ key: 'auto_update', problem }];
}

async function readDocument(
  sources: ConfigSources,
): Promise<{ document: Document; lines: LineCounter }> {
  const lines = new LineCounter();
  const text = await readFile(sources.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && !sources.fileRequired) return '';
    const why = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new ConfigError(
      `the configuration ${sources.file} cannot be read: ${why}`,
      error.code === 'EACCES'
        ? 'it is readable by root only: sudo orchestrator-update …'
        : 'sudo ./install/install_update_service.sh writes one; --config FILE names another',
    );
  });
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [mistake] = document.errors;
  if (mistake) {
    const { line, col } = lines.linePos(mistake.pos[0]);
    throw configError([`${sources.file}:${line}:${col}: not valid YAML: ${mistake.message}`]);
  }
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document)) return;
      const { line, col } = lines.linePos(alias.range?.[0] ?? 0);
      throw configError([
        `${sources.file}:${line}:${col}: *${alias.source} is a YAML alias, and nothing has that name; a text that begins with * needs quotes`,
      ]);
    },
  });
  return { document, lines };
}

function asRecord(value: unknown, file: string): Record<string, unknown> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw configError([`${file}:1: a mapping of keys to values is expected (\`branch: main\`)`]);
}

/** Keys that say the same. */
const OTHER_WORD: Readonly<Record<string, string>> = { mode: 'auto_update', auto_update: 'mode' };

const placeOf = (source: string): string => (source.startsWith('--') ? 'flags' : 'environment');

function mergeOverrides(
  base: Record<string, unknown>,
  overrides: readonly Override[],
): Record<string, unknown> {
  const merged = structuredClone(base);
  const places = new Map<string, string>();
  for (const { key, value, source } of overrides) {
    const path = key.split('.');
    const last = path.pop() ?? key;
    let at: unknown = merged;
    for (const part of path) {
      if (!isObject(at)) break;
      at = at[part] ??= {};
    }
    // What the file has in the place of a section is a mistake, and is reported as one.
    if (isObject(at)) at[last] = value;
    // Said in a later place, in another word.
    const other = OTHER_WORD[key];
    places.set(key, placeOf(source));
    if (other !== undefined && places.get(other) !== placeOf(source)) delete merged[other];
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object';
}

/** The override that a path, or a value around it, comes from. */
function originOf(
  path: readonly PropertyKey[],
  origin: ReadonlyMap<string, string>,
): string | undefined {
  const prefixes = path.map((_, index) => path.slice(0, path.length - index).join('.'));
  return prefixes.map((prefix) => origin.get(prefix)).find((source) => source !== undefined);
}

function describeIssue(
  issue: z.core.$ZodIssue,
  where: (path: readonly PropertyKey[]) => string,
): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const close = nearestName(path.join('.'), [...sectionPaths(), ...keyPaths()]);
      return `${where(path)}: unknown key ${path.join('.')}${close ? ` (did you mean ${close}?)` : ''}`;
    });
  }
  const key = issue.path.join('.') || 'the file';
  return [`${where(issue.path)}: ${key}: ${issue.message}`];
}

/** `file:line` of a key, or of the nearest mapping around it that the file has. */
function position(
  document: Document,
  lines: LineCounter,
  file: string,
  path: readonly PropertyKey[],
): string {
  for (let length = path.length; length > 0; length--) {
    const start = startOf(document, path.slice(0, length));
    if (start !== undefined) return `${file}:${lines.linePos(start).line}`;
  }
  return file;
}

/** Where a key stands, or a value of a list; the value of a key may begin some lines below it. */
function startOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  const around: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1));
  const pair = isMap(around)
    ? around.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)))
    : undefined;
  const node: unknown = pair ? pair.key : document.getIn(path, true);
  return (node as { range?: [number, number, number] | null } | undefined)?.range?.[0];
}

function configError(problems: readonly string[]): ConfigError {
  const many = problems.length === 1 ? '' : `${problems.length} mistakes in the configuration:\n  `;
  return new ConfigError(
    many + problems.join('\n  '),
    'mend it and try `orchestrator-update config check`; `config docs` explains every key',
  );
}
