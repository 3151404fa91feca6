/** What JSON.parse hands its reviver beside key and value (ECMAScript proposal, in V8 since 11.4). */
interface Context {
  readonly source?: string;
}

const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/**
 * Parses what compose prints. Whole numbers that JavaScript would round are kept as they are written:
 * `pids_limit: 9223372036854775807` is another than …806.
 */
export function parseModel(text: string): unknown {
  // A reviver makes it several times as slow, and hardly any project has such a number.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, ((_key: string, value: unknown, context: Context) =>
    typeof value === 'number' &&
    Number.isInteger(value) &&
    !Number.isSafeInteger(value) &&
    context.source !== undefined
      ? rawJSON(context.source)
      : value) as (key: string, value: unknown) => unknown);
}
