/** Stands for what is not shown. */
export const MASK = '…';

/** Names of settings whose values nobody should read over a shoulder, in a log or a chat. */
const SECRET_NAME =
  /pass|pwd|secret|token|credential|private|salt|dsn|auth|bearer|jwt|cookie|hmac|signing|signature|webhook|mnemonic|pepper|nonce|rcon|encrypt|cipher|licen[cs]e|key(?!board)|(^|[_.-])(pw|psk|otp|pin|cert|seed)([_.-]|\d|$)/i;

const WORDS = String.raw`(?:pass|pwd|secret|token|credential|api[_-]?key|bearer|authorization)`;
/** A value in quotes, escaped ones too, whole; else up to a blank or what ends it in JSON. */
const VALUE = String.raw`(?:\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'|[^\s"',;&\\]+)`;

/** Secrets that stand within a text, each with what leads up to it. */
const within: readonly (readonly [RegExp, string])[] = [
  // A password may hold `@` and `/` itself.
  [/(\/\/)(?:[^\s"'\\/@:]*:[^\s"'\\]+|[^\s"'\\/@]+)@/g, `$1${MASK}@`],
  [/(authorization\s*[:=]\s*\w+\s+)[^\s"'\\]+/gi, `$1${MASK}`],
  [/(\bbearer\s+)[^\s"'\\]+/gi, `$1${MASK}`],
  // `--password=x`, `TOKEN: x`, `{"password": "x"}`, `password,x`
  [new RegExp(String.raw`(${WORDS}[\w-]*\\?["']?\s*[=:,]\s*)${VALUE}`, 'gi'), `$1${MASK}`],
  // `--requirepass x`
  [new RegExp(String.raw`(--?[\w-]*${WORDS}[\w-]*\s+)${VALUE}`, 'gi'), `$1${MASK}`],
  // `mysql -pSECRET`, `redis-cli -a SECRET`, `curl -u user:SECRET`
  [/((?:mysql|mariadb)\w*\b.*?\s-p)[^\s"'\\]+/gi, `$1${MASK}`],
  [/(redis-cli\b.*?\s-a\s+)[^\s"'\\]+/gi, `$1${MASK}`],
  [/(\s(?:-u|--user)\s+[^\s:"'\\]+:)[^\s"'\\]+/g, `$1${MASK}`],
  [/-----BEGIN [A-Z ]+-----[^]*/g, MASK],
  [/(hooks\.slack\.com\/services\/)[^\s"'\\]+/g, `$1${MASK}`],
  [/(unterminated quoted value )[^\n]*/g, `$1${MASK}`],
];

/** Whether a setting of this name, or at this path, holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A text without the secrets that can be told by what stands before them. */
export function withoutSecrets(text: string): string {
  return within.reduce((masked, [pattern, mask]) => masked.replaceAll(pattern, mask), text);
}

/** A word that says that the next one is a secret: `--requirepass`, `-a` of a client. */
const LEADS = new RegExp(String.raw`^--?[\w-]*${WORDS}[\w-]*$`, 'i');

/** The words of a command without secrets: one by itself may not tell what it is. */
export function wordsWithoutSecrets(words: readonly unknown[]): unknown[] {
  const isRedis = words.some((word) => typeof word === 'string' && word.includes('redis-cli'));
  return words.map((word, index) => {
    if (typeof word !== 'string') return word;
    const before = words[index - 1];
    if (typeof before !== 'string') return withoutSecrets(word);
    if (LEADS.test(before)) return MASK;
    if (before === '-a' && isRedis) return MASK;
    if (/^(-u|--user)$/.test(before) && word.includes(':')) return `${word.split(':')[0]}:${MASK}`;
    return withoutSecrets(word);
  });
}

/** Text that a terminal shows and does not obey; a line break cannot fake a line. */
export function printableText(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return character === '\n' ? String.raw`\n` : character === '\t' ? ' ' : `\\u${code}`;
  });
}
