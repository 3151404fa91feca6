import { readFileSync } from 'node:fs';

/** The version of this program: of the installed release, or of the checkout. */
export function version(): string {
  for (const [file, read] of sources) {
    try {
      return read(readFileSync(new URL(file, import.meta.url), 'utf8'));
    } catch {
      // Not there: the next one is.
    }
  }
  return 'unknown';
}

const sources: readonly (readonly [string, (text: string) => string])[] = [
  ['./VERSION', (text) => text.trim()],
  ['../VERSION', (text) => text.trim()],
  ['../package.json', (text) => `${(JSON.parse(text) as { version: string }).version}-checkout`],
];
