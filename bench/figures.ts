import { cpus, release, totalmem } from 'node:os';

/** One line of the table: what was measured beside what, in one run. */
export interface Figure {
  readonly name: string;
  readonly ours: string;
  readonly theirs: string;
  /** How many times theirs ours is; undefined where there is nothing to compare with. */
  readonly ratio: number | undefined;
  readonly target: string;
  readonly met: boolean;
}

/** One figure in milliseconds against another. */
export function compareMs(
  name: string,
  ours: readonly number[],
  theirs: readonly number[],
  maxRatio: number,
): Figure {
  const ratio = median(ours) / median(theirs);
  return {
    name,
    ours: spread(ours),
    theirs: spread(theirs),
    ratio,
    target: `≤ ${maxRatio} ×`,
    met: ratio <= maxRatio,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** `61 ms (58–70, n=21)`: the median, and how far the rest is from it. */
function spread(values: readonly number[]): string {
  const range = `${round(Math.min(...values))}–${round(Math.max(...values))}`;
  return `${round(median(values))} ms (${range}, n=${values.length})`;
}

function round(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}

/** The machine a ratio was measured on. */
export function machineText(): string {
  const all = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${all[0]?.model.trim() ?? 'unknown CPU'}, ${all.length} cores, ${memory} GB, Linux ${release()}`;
}

export function markdownTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, ours, theirs, ratio, target, met }) => {
    const times = ratio === undefined ? '' : `${ratio.toFixed(2)} ×`;
    return [name, ours, theirs, times, `${target} ${met ? '✓' : '✗'}`];
  });
  const head = ['', 'orchestrator-update', 'compared with', 'ratio', 'target'];
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
