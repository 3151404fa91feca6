/** Colours and the like, which take no cell of a terminal. */
// eslint-disable-next-line no-control-regex -- they are what is to be left out
const ESCAPES = /\u001b\[[\d;]*m/g;
/** Characters that take two cells: CJK, full-width forms, most emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;
/** Accents that stand on the character before. */
const COMBINING = /\p{Mn}/u;

/** How many cells of a terminal a text takes. */
export function displayWidth(text: string): number {
  let cells = 0;
  for (const character of text.replaceAll(ESCAPES, '')) {
    cells += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  }
  return cells;
}

/** A text in lines of at most so many cells, broken between words; a word that is longer is cut. */
export function wrapped(text: string, cells: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((one) => pieces(one, cells))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) <= cells) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = word;
  }
  return [...lines, line];
}

function pieces(word: string, cells: number): string[] {
  if (displayWidth(word) <= cells) return [word];
  const all: string[] = [];
  let piece = '';
  for (const character of word) {
    if (displayWidth(piece + character) > cells) {
      all.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...all, piece];
}
