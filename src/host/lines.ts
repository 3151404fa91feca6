/**
 * Calls `onLine` with each line of a stream as it comes. A carriage return ends one too: progress
 * bars end their lines so. A last line without an end is given when the stream ends.
 */
export function watchLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  const decoder = new TextDecoder();
  let rest = '';
  stream.on('data', (chunk: Buffer | string) => {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = text.split(/[\r\n]+/);
    // Not looked through again and again where an end is long in coming.
    lines[0] = rest + (lines[0] ?? '');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  });
  stream.once('end', () => {
    if (rest !== '') onLine(rest);
  });
}
