/** Numbers in the sentences of an evaluation. */

export function formatMs(ms: number): string {
  if (ms < 1000) return `${trim(ms, ms < 10 ? 2 : 0)} ms`;
  return `${trim(ms / 1000, ms < 100_000 ? 2 : 1)} s`;
}

/** Share as percent, with digits enough that a miss never reads as met: 99.996 % does not become 100 %. */
export function formatRatio(ratio: number): string {
  const percent = ratio * 100;
  for (const digits of [1, 2, 3, 4]) {
    const text = trim(percent, digits);
    if ((text !== '100' || ratio >= 1) && (text !== '0' || ratio <= 0)) return `${text} %`;
  }
  return `${percent} %`;
}

function trim(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
