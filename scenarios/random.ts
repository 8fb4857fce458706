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

/** mulberry32. */
export function randomOf(seed: number, ...names: readonly (string | number)[]): Random {
  let state = hash32(names.join('/'), seed >>> 0);
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { next, below: (limit) => Math.floor(next() * limit) };
}

const hex8 = (n: number): string => n.toString(16).padStart(8, '0');

/** A version-4 shaped UUID that is a function of the name: the same ticket of the same run always has the same one. */
export function uuidOf(name: string): string {
  const hex = hex8(hash32(name, 1)) + hex8(hash32(name, 0x9e3779b9)) + hex8(hash32(name, 0x51ed270b)) + hex8(hash32(name, 7));
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

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
