/** How roff writes what would mean something to it, or what it would make something prettier of. */
const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '"': '\\(dq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '…': '...',
  '→': '\\(->',
};

/** A text as it is, for the middle of a line. What is not ASCII is named by its code point. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\\-'"`^~]|[^\u0020-\u007E]/gu, (mark) => {
    const code = mark.codePointAt(0) ?? 0;
    return SPECIAL[mark] ?? `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`;
  });
}

/** A line of text: a dot in front (an apostrophe is escaped anyway) would be a request. */
export function textLine(text: string): string {
  const line = escaped(text);
  return line.startsWith('.') ? `\\&${line}` : line;
}

/** The same, with what is in backticks in bold: what is to be typed. */
export function prose(text: string): string {
  const parts = text.split('`');
  // One that is not closed is a backtick.
  if (parts.length % 2 === 0) return textLine(text);
  const line = parts
    .map((part, index) => (index % 2 === 1 ? `\\fB${escaped(part)}\\fR` : escaped(part)))
    .join('');
  return line.startsWith('.') ? `\\&${line}` : line;
}

/** A request with one argument. */
export function request(name: string, argument: string): string {
  return `.${name} "${escaped(argument)}"`;
}

/** Lines as they are, of one width. */
export function verbatim(lines: readonly string[]): string[] {
  return ['.PP', '.RS 4', '.nf', ...lines.map(textLine), '.fi', '.RE'];
}

/** What is in bold, and what it means. */
export function entry(head: string, meaning: string): string[] {
  return ['.TP', request('B', head), prose(meaning)];
}
