import type { Random } from './random.ts';

/** Draws ranks 0..count-1 by Zipf's law: rank r is asked for in proportion to 1 / (r + 1) ** exponent. */
export function createPopularity(count: number, exponent = 1): (random: Random) => number {
  const cumulative = new Float64Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank += 1) {
    // Rounded, so that another machine's last bit of `**` cannot move a draw.
    total += Math.round(1e9 / (rank + 1) ** exponent);
    cumulative[rank] = total;
  }
  return (random) => {
    const wanted = random.next() * total;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulative[middle] ?? 0) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
