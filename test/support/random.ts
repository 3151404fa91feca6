/** A source of random choices that a seed repeats: mulberry32. */
export interface Random {
  /** A whole number from 0 to below `limit`. */
  readonly below: (limit: number) => number;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  readonly shuffle: <Item>(items: readonly Item[]) => Item[];
}

export function randomFrom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    pick: (items) => items[below(items.length)]!,
    shuffle: (items) =>
      items
        .map((item) => ({ item, at: next() }))
        .toSorted((left, right) => left.at - right.at)
        .map(({ item }) => item),
  };
}

/** Any JSON value, a few levels deep. */
export function randomJson(random: Random, depth = 3): unknown {
  const leaves = [null, true, false, 0, -1.5, '', 'a', '"\n', 'ü'];
  if (depth === 0 || random.below(3) === 0) return random.pick(leaves);
  const size = random.below(4);
  if (random.below(2) === 0) {
    return Array.from({ length: size }, () => randomJson(random, depth - 1));
  }
  const keys = random.shuffle(['a', 'b', 'c', '10', '9', '__proto', 'é']).slice(0, size);
  return Object.fromEntries(keys.map((key) => [key, randomJson(random, depth - 1)]));
}

/** The same JSON value with the keys of every object in another order. */
export function reordered(random: Random, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => reordered(random, inner));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    random.shuffle(Object.entries(value)).map(([key, inner]) => [key, reordered(random, inner)]),
  );
}
