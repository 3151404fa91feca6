import { displayWidth, wrapped } from '../core/display-width.ts';

/** With fewer cells than this nobody reads what is wrapped. */
const FEWEST_CELLS = 24;

/**
 * Columns on a terminal, tabs in a pipe; the last column is never padded.
 *
 * @param columns of the terminal, to wrap the last column in: a row may then be several lines
 */
export function tableLines(
  rows: readonly (readonly string[])[],
  isTerminal: boolean,
  columns?: number,
): string[] {
  if (!isTerminal) return rows.map((row) => row.join('\t'));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => displayWidth(row[column] ?? ''))),
  );
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  return rows.flatMap((row) => {
    const cells = row.map((cell, column) =>
      column === row.length - 1 ? cell : padded(cell, widths[column] ?? 0),
    );
    const line = cells.join('  ');
    if (columns === undefined || columns - before < FEWEST_CELLS) return [line];
    const [first = '', ...rest] = wrapped(row.at(-1) ?? '', columns - before);
    return [
      [...cells.slice(0, -1), first].join('  '),
      ...rest.map((one) => ' '.repeat(before) + one),
    ];
  });
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - displayWidth(cell)));
}
