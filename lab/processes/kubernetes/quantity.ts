/** Quantities of CPU and memory in Kubernetes notation. */

/** `250m`, `1`, `1.5`, `1500000n` as thousandths of a core; NaN when it is none of these. */
export function parseMilliCpu(text: string | undefined): number {
  if (text === undefined) return 0;
  const match = /^(\d+(?:\.\d+)?)([num]?)$/.exec(text);
  if (match === null) return Number.NaN;
  const factor = { '': 1000, m: 1, u: 1e-3, n: 1e-6 }[match[2] ?? ''] ?? Number.NaN;
  return Number(match[1]) * factor;
}

export function formatMilliCpu(milli: number): string {
  return milli % 1000 === 0 ? String(milli / 1000) : `${Math.round(milli)}m`;
}

/** As metrics-server writes it. */
export function formatNanoCpu(milli: number): string {
  return `${Math.round(milli * 1e6)}n`;
}

export function formatKibibytes(bytes: number): string {
  return `${Math.round(bytes / 1024)}Ki`;
}
