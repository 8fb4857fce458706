/** Durations and rates as users write them, parsed once at the edge of the plan. */
import { z } from 'zod';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** Milliseconds of `250ms`, `30s`, `1.5m`, `2h`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text.trim());
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? Number.NaN));
}

/** `90000` as `90s`: the largest unit that keeps the number whole. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    const size = UNITS_MS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

/** A duration in a plan: a string with its unit. */
export const duration = () =>
  z
    .string({ error: 'is not a duration; write a number with its unit, such as "30s", "250ms" or "5m"' })
    .regex(DURATION, {
      error: (issue) =>
        `"${String(issue.input)}" is not a duration; write a number with its unit, such as "30s", "250ms" or "5m"`,
    })
    .transform((text) => parseDuration(text) ?? 0);

/** A share of 1, as a number (0.95) or as a percentage ("95%"). */
export const ratio = () =>
  z
    .union([z.number(), z.string().regex(/^\d+(\.\d+)?%$/)], { error: 'is not a share; write 0.95 or "95%"' })
    .transform((value) => (typeof value === 'number' ? value : Number(value.slice(0, -1)) / 100))
    .refine((value) => value >= 0 && value <= 1, { error: 'is not between 0 and 1 (0% and 100%)' });
