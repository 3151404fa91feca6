/** Whether a version (`2.26.1-4`, `v2.40.3`, `5:28.5.2-1`) is at least another, by its first three numbers. */
export function atLeast(version: string, minimum: string): boolean {
  const have = numbersOf(version);
  const want = numbersOf(minimum);
  const at = have.findIndex((number, index) => number !== want[index]);
  return at === -1 || (have[at] ?? 0) > (want[at] ?? 0);
}

function numbersOf(version: string): number[] {
  const found = /(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(version.replace(/^\d+:/, ''));
  return [1, 2, 3].map((group) => Number(found?.[group] ?? 0));
}

/** The first version in what a program says of itself: `Docker version 26.1.5+dfsg1, build …`. */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+(?:\.\d+)?[^\s,]*/.exec(text)?.[0];
}
