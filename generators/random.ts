/**
 * Seeded chance for the parts of a record that faker is too slow for. Integer arithmetic only (sfc32 seeded by splitmix32), so
 * the same seed gives the same numbers on every machine.
 */
export interface Random {
  /** 0 <= value < 1. */
  next(): number;
  /** Whole number, 0 <= value < limit. */
  below(limit: number): number;
  /** Whole number, both ends included. */
  between(min: number, max: number): number;
  pick<T>(items: readonly T[]): T;
}

/** One stream of chance a kind of record: more records of one kind do not change those of another. */
export function createRandom(seed: number, stream: string): Random {
  let state = seed >>> 0;
  // A seed above 32 bits keeps its high half.
  state = (state + Math.imul(Math.floor(seed / 4294967296) >>> 0, 0x9e3779b9)) >>> 0;
  for (const character of stream) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  const splitmix = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return sfc32(splitmix(), splitmix(), splitmix());
}

function sfc32(first: number, second: number, third: number): Random {
  let a = first;
  let b = second;
  let c = third;
  let counter = 1;
  const next = (): number => {
    const t = (((a + b) >>> 0) + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) >>> 0;
    c = (c + t) >>> 0;
    return t / 4294967296;
  };
  for (let n = 0; n < 12; n += 1) next();
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    between: (min, max) => min + below(max - min + 1),
    pick<T>(items: readonly T[]): T {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
  };
}
