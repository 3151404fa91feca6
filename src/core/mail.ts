/** A mail in plain text. */
export interface Mail {
  readonly to: readonly string[];
  /** Undefined: what the mail system of this host puts there. */
  readonly from: string | undefined;
  readonly subject: string;
  readonly body: string;
  /** Without angle brackets. */
  readonly messageId: string;
  readonly date: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** As `sendmail -t` reads it. No text can add a header. */
export function mailText(mail: Mail): string {
  const headers = [
    ...(mail.from === undefined ? [] : [['From', oneLine(mail.from)] as const]),
    ['To', mail.to.map(oneLine).join(', ')],
    ['Subject', encodedHeader(mail.subject)],
    ['Date', oneLine(mail.date)],
    ['Message-ID', `<${mail.messageId.replaceAll(/[^\w.@+-]/g, '-')}>`],
    // No out-of-office answers.
    ['Auto-Submitted', 'auto-generated'],
    ...Object.entries(mail.headers).map(([name, value]) => [name, encodedHeader(value)] as const),
    ['MIME-Version', '1.0'],
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Transfer-Encoding', 'quoted-printable'],
  ] as const;
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return `${lines.join('\n')}\n\n${quotedPrintable(mail.body)}\n`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').trim();
}

/** Bytes of text in one encoded word: 75 characters in all are allowed. */
const WORD_BYTES = 45;

/** A header of letters that ASCII does not have: encoded words of RFC 2047. */
export function encodedHeader(text: string): string {
  const line = oneLine(text);
  if (/^[\u0020-\u007e]*$/.test(line) && !line.includes('=?')) return line;
  const words: string[] = [];
  let word = '';
  for (const character of line) {
    if (byteLength(word + character) > WORD_BYTES) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  return [...words, word].map((one) => `=?UTF-8?B?${base64(one)}?=`).join(' ');
}

/** RFC 2045: lines of at most 76 characters, everything but printable ASCII as `=C3`. */
export function quotedPrintable(text: string): string {
  return text.split('\n').map(quotedLine).join('\n');
}

function quotedLine(line: string): string {
  const characters = [...bytesOf(line)].map((byte, index, all) => {
    const isLast = index === all.length - 1;
    const isBlank = byte === 0x20 || byte === 0x09;
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x3d;
    if (isPlain || (isBlank && !isLast)) return String.fromCharCode(byte);
    return `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  const lines: string[] = [];
  let current = '';
  for (const character of characters) {
    if (current.length + character.length > 75) {
      lines.push(`${current}=`);
      current = '';
    }
    current += character;
  }
  // A line of a dot alone ends the mail for an old sendmail.
  return [...lines, current].map((one) => one.replace(/^\./, '=2E')).join('\n');
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function byteLength(text: string): number {
  return bytesOf(text).length;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...bytesOf(text)));
}
