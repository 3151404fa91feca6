/** Columns on a terminal, tabs in a pipe; the last column is never padded. */
export function tableLines(rows: readonly (readonly string[])[], isTerminal: boolean): string[] {
  if (!isTerminal) return rows.map((row) => row.join('\t'));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  '),
  );
}
