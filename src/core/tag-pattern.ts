/** Says whether a tag matches, as a whole. */
export type TagPattern = (tag: string) => boolean;

const MOST_CHARACTERS = 200;
/** `(a{99}){99}` is short, and is not. */
const MOST_STATES = 2000;
const MOST_REPEATS = 128;

/** A state reads one character, or is two others; the last is the end. */
type State =
  | { readonly reads: (character: string) => boolean; readonly next: number }
  | { readonly either: readonly number[] };

/** Lays an expression before a state, and returns where it begins. */
type Build = (states: State[], next: number) => number;

/**
 * Compiles a regular expression for tags: characters, classes, groups, `|`, `?`, `*`, `+` and `{2,3}`. All states
 * are followed at once, so that no expression takes more than its length times that of the tag: those of JavaScript
 * can take for ever. Without look-around and back-references, which cannot be followed so.
 *
 * @returns undefined of what is no such expression
 */
export function matcher(pattern: string): TagPattern | undefined {
  if (pattern === '' || pattern.length > MOST_CHARACTERS) return undefined;
  try {
    const inner = pattern.replace(/^\^/, '').replace(/(?<!\\)((?:\\\\)*)\$$/, '$1');
    const rest = { text: inner, at: 0 };
    const build = alternatives(rest);
    if (rest.at < inner.length) return undefined;
    const states: State[] = [{ either: [] }];
    const start = build(states, 0);
    return (tag) => run(states, start, tag);
  } catch (error) {
    if (error instanceof BadPattern) return undefined;
    throw error;
  }
}

class BadPattern extends Error {}

interface Rest {
  readonly text: string;
  at: number;
}

function run(states: readonly State[], start: number, tag: string): boolean {
  let now = closure(states, [start]);
  for (const character of tag) {
    const next: number[] = [];
    for (const index of now) {
      const state = states[index];
      if (state && 'reads' in state && state.reads(character)) next.push(state.next);
    }
    now = closure(states, next);
    if (now.size === 0) return false;
  }
  return now.has(0);
}

/** All states that can be reached without reading. */
function closure(states: readonly State[], from: readonly number[]): Set<number> {
  const found = new Set<number>();
  const open = [...from];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (found.has(index)) continue;
    found.add(index);
    const state = states[index];
    if (state && 'either' in state) open.push(...state.either);
  }
  return found;
}

function add(states: State[], state: State): number {
  if (states.length >= MOST_STATES) throw new BadPattern();
  states.push(state);
  return states.length - 1;
}

function alternatives(rest: Rest): Build {
  const all = [sequence(rest)];
  while (rest.text[rest.at] === '|') {
    rest.at += 1;
    all.push(sequence(rest));
  }
  const [only] = all;
  if (all.length === 1 && only) return only;
  return (states, next) => add(states, { either: all.map((one) => one(states, next)) });
}

function sequence(rest: Rest): Build {
  const all: Build[] = [];
  while (rest.at < rest.text.length && !/[|)]/.test(rest.text[rest.at] ?? '')) {
    all.push(quantified(rest));
  }
  return (states, next) => all.reduceRight((after, one) => one(states, after), next);
}

function quantified(rest: Rest): Build {
  const one = atom(rest);
  const [whole, sign = '', least = '', comma = '', most = ''] =
    /^(?:([?*+])|\{(\d+)(,?)(\d*)\})/.exec(rest.text.slice(rest.at)) ?? [];
  if (whole === undefined) return one;
  rest.at += whole.length;
  // Lazy or not makes no difference to whether the whole matches.
  if (rest.text[rest.at] === '?') rest.at += 1;
  if (sign === '?') return repeated(one, 0, 1);
  if (sign !== '') return repeated(one, sign === '+' ? 1 : 0, Infinity);
  const from = Number(least);
  const to = comma === '' ? from : most === '' ? Infinity : Number(most);
  if (from > MOST_REPEATS || (to !== Infinity && to > MOST_REPEATS) || to < from) {
    throw new BadPattern();
  }
  return repeated(one, from, to);
}

function repeated(one: Build, from: number, to: number): Build {
  return (states, next) => {
    let start = next;
    if (to === Infinity) {
      const loop = add(states, { either: [] });
      states[loop] = { either: [next, one(states, loop)] };
      start = loop;
    } else {
      for (let count = from; count < to; count += 1) {
        start = add(states, { either: [next, one(states, start)] });
      }
    }
    for (let count = 0; count < from; count += 1) start = one(states, start);
    return start;
  };
}

function atom(rest: Rest): Build {
  const character = rest.text[rest.at] ?? '';
  if (character === '(') return group(rest);
  if (character === '[') return reading(rest, /^\[\^?(?:\\.|[^\]\\])+\]/);
  if (character === '\\') return reading(rest, /^\\(?:[dDwW]|[^a-zA-Z0-9])/);
  if (/[*+?{}\])^$]/.test(character)) throw new BadPattern();
  return reading(rest, /^[^]/);
}

function group(rest: Rest): Build {
  const [open = ''] = /^\((?:\?:)?/.exec(rest.text.slice(rest.at)) ?? [];
  rest.at += open.length;
  if (rest.text[rest.at] === '?') throw new BadPattern();
  const inner = alternatives(rest);
  if (rest.text[rest.at] !== ')') throw new BadPattern();
  rest.at += 1;
  return inner;
}

/** What matches one character: an expression of JavaScript for it takes no time. */
function reading(rest: Rest, syntax: RegExp): Build {
  const [source] = syntax.exec(rest.text.slice(rest.at)) ?? [];
  if (source === undefined) throw new BadPattern();
  rest.at += source.length;
  let one: RegExp;
  try {
    one = new RegExp(`^(?:${source})$`);
  } catch {
    throw new BadPattern();
  }
  return (states, next) => add(states, { reads: (character) => one.test(character), next });
}
