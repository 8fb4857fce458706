/** Nearest rank: the smallest value that at least `percentile` percent of all do not exceed. The same rule as DuckDB's `quantile_disc`. */
export function nearestRank(values: readonly number[], percentile: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  // In whole millionths, since 0.07 x 100 is more than 7 as a floating-point number.
  const rank = Math.ceil((Math.round(percentile * 1e6) * sorted.length) / 1e8);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? null;
}
