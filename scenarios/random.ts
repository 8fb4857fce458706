/** Seeded randomness and names: an iteration draws from the seed and its own number alone, so a run can be repeated. */

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Whole number in [0, below). */
  below(limit: number): number;
}

/** 32-bit FNV-1a with a final avalanche (murmur3's), over UTF-16 units. */
export function hash32(text: string, salt = 0): number {
  let h = (0x811c9dc5 ^ salt) >>> 0;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Start of a stream of draws; costs a hash of the name, so it is taken once a VU. */
export const streamOf = (seed: number, ...names: readonly (string | number)[]): number => hash32(names.join('/'), seed >>> 0);

/** The draws of the n-th iteration of a stream: mulberry32 from a mix of both. */
export function randomAt(stream: number, n: number): Random {
  let state = Math.imul(stream ^ n, 0x9e3779b1) ^ Math.imul(n, 0x85ebca6b);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { next, below: (limit) => Math.floor(next() * limit) };
}

/**
 * 28 of the 36 characters of a version-4 shaped UUID, from a digest of at least 24 hexadecimal digits. The last eight are the caller's:
 * very many ids for one digest.
 */
export const uuidStem = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 24)}`;

const HEX2 = Array.from({ length: 256 }, (_, n) => (n < 16 ? '0' : '') + n.toString(16));

/** Two digits of an id under a stem: which ticket, which line. 0-255. */
export const hex2 = (n: number): string => HEX2[n] ?? '';

/** Four digits: which batch. 0-65535. */
export const hex4 = (n: number): string => hex2(n >> 8) + hex2(n & 255);

/** Draws ranks 0..count-1 with probability proportional to 1 / (rank+1)^exponent. */
export function zipf(count: number, exponent: number): (random: Random) => number {
  const cumulative: number[] = [];
  let total = 0;
  for (let rank = 1; rank <= count; rank += 1) {
    total += 1 / rank ** exponent;
    cumulative.push(total);
  }
  return (random) => {
    const point = random.next() * total;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? total) < point) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
