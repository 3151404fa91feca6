import { ConfigError } from '../errors.ts';

const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;

/**
 * Reads `KEY=VALUE` lines. Blank lines and lines that begin with `#` are left out. A value may stand in
 * single quotes (as it is) or double quotes (`\"`, `\\`, `\$` and `` \` `` escaped, as a shell has it);
 * without quotes it ends at ` #`. Nothing is expanded. Later lines win.
 *
 * @throws {ConfigError} with file and line; never with a value: they are secrets
 */
export function parseEnvironmentFile(text: string, path: string): Record<string, string> {
  const variables = text.split('\n').flatMap((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const mistake = (problem: string): never => {
      throw new ConfigError(`${path}, line ${index + 1}: ${problem}`, `editor ${path}`);
    };
    const [, key, written] = ASSIGNMENT.exec(line) ?? mistake('KEY=VALUE is expected');
    const value = valueOf(written ?? '');
    return [[key ?? '', value ?? mistake(`the quotes of ${key} do not match`)] as const];
  });
  return Object.fromEntries(variables);
}

/** Undefined where the quotes do not match. */
function valueOf(written: string): string | undefined {
  const text = written.trim();
  if (text.startsWith("'")) return /^'([^']*)'\s*(?:#.*)?$/.exec(text)?.[1];
  if (text.startsWith('"')) {
    const inner = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(text)?.[1];
    return inner?.replaceAll(/\\(["\\$`])/g, '$1');
  }
  return text.replace(/(^|\s)#.*$/, '').trimEnd();
}
