/** Finds the moments of a recovery in the probes of one service. */
import type { RecoveryObjectiveSpec } from '../model/plan.ts';
import type { ProbeRecord } from '../model/run-records.ts';
import { servedRatio } from './demand.ts';
import type { DemandSecond } from './figures.ts';
import type { PhaseSpan } from './history.ts';
import { nearestRank } from './percentile.ts';

/** Probes that must have been sent, as a share of those due, for a span to count as watched. */
export const MIN_COVERAGE_RATIO = 0.8;

/** What the service was like before any fault. */
export interface ServiceLevel {
  readonly okRatio: number;
  readonly p95Ms: number;
  /** Null: no load of this service, or too little. */
  readonly servedRatio: number | null;
}

export interface ServiceWindow {
  readonly fromAt: number;
  /** Exclusive. */
  readonly untilAt: number;
  /** Sent in the window, in order. */
  readonly probes: readonly ProbeRecord[];
  /** Sent before the fault, answered badly after it. */
  readonly inFlightBad: readonly ProbeRecord[];
  readonly demand: readonly DemandSecond[];
  readonly level: ServiceLevel;
  readonly intervalMs: number;
}

export type RecoveryRule = Pick<
  RecoveryObjectiveSpec,
  'consecutive' | 'holdMs' | 'throughputRatio' | 'p95Factor' | 'maxRecoveryMs'
>;

export interface Moments {
  readonly impactAt: number | null;
  readonly firstOkAt: number | null;
  readonly recoveredAt: number | null;
  /** Time from the probe before to the one that recovery is counted from. */
  readonly gapMs: number;
  /** Bad probes after the recovery that stand alone. */
  readonly isolatedBad: number;
  /** Windows that had recovered and fell back. */
  readonly relapses: number;
}

/** Null when no probe of the baseline was answered ok: then there is no level to come back to. */
export function baselineLevel(
  probes: readonly ProbeRecord[],
  demand: readonly DemandSecond[],
  baseline: PhaseSpan,
): ServiceLevel | null {
  const sent = probesBetween(probes, baseline.startAt, baseline.endAt);
  const ok = sent.filter((probe) => probe.outcome === 'ok');
  const p95Ms = nearestRank(
    ok.map((probe) => probe.latencyMs),
    95,
  );
  if (p95Ms === null) return null;
  return { okRatio: ok.length / sent.length, p95Ms, servedRatio: servedRatio(demand, baseline.startAt, baseline.endAt) };
}

/**
 * Impact: the first bad probe. Recovery: the first window after it that holds. A relapse (a later span of `holdMs` with two bad
 * probes or more and too few good ones) starts the search again, so that of a flapping service the last recovery counts.
 * `attributedUntil`: a single bad probe after this is no impact of the fault unless it belongs to such a span.
 */
export function findMoments(rule: RecoveryRule, window: ServiceWindow, attributedUntil: number): Moments {
  const { probes, fromAt } = window;
  const bad = indexesOf(probes, (probe) => !probe.good);
  const degraded = bad.filter((i) => isDegraded(i, rule, window));
  const firstBad = bad.find((i) => sentAt(probes, i) < attributedUntil) ?? degraded[0];
  const impactAt = window.inFlightBad.length > 0 ? fromAt : firstBad === undefined ? null : sentAt(probes, firstBad);
  const firstOkAt = impactAt === null ? null : (probes.find((probe) => probe.good && probe.sentAt > impactAt)?.sentAt ?? null);
  let relapses = 0;
  let from = impactAt === null || firstBad === undefined ? 0 : firstBad;
  for (;;) {
    const found = firstHolding(from, rule, window);
    const relapse = found === null ? undefined : degraded.find((i) => i > found);
    if (found === null || relapse === undefined) {
      return {
        impactAt,
        firstOkAt,
        recoveredAt: found === null ? null : sentAt(probes, found),
        gapMs: found === null ? 0 : sentAt(probes, found) - (probes[found - 1]?.sentAt ?? fromAt),
        isolatedBad: found === null ? 0 : bad.filter((i) => i > found).length,
        relapses,
      };
    }
    relapses += 1;
    from = relapse;
  }
}

function firstHolding(from: number, rule: RecoveryRule, window: ServiceWindow): number | null {
  for (let i = from; i < window.probes.length; i += 1) {
    if (window.probes[i]?.good === true && holds(i, rule, window)) return i;
  }
  return null;
}

/** N consecutive good probes; throughput and p95 back for `holdMs`; and all of that was watched. */
function holds(first: number, rule: RecoveryRule, window: ServiceWindow): boolean {
  const { probes, level } = window;
  const startAt = sentAt(probes, first);
  const endAt = startAt + rule.holdMs;
  if (endAt > window.untilAt) return false;
  const run = probes.slice(first, first + rule.consecutive);
  if (run.length < rule.consecutive || run.some((probe) => !probe.good)) return false;
  const held = probesBetween(probes, startAt, Math.max(endAt, startAt + 1));
  if (held.length < Math.floor((rule.holdMs / window.intervalMs) * MIN_COVERAGE_RATIO)) return false;
  const ok = held.filter((probe) => probe.outcome === 'ok');
  if (ok.length / held.length < rule.throughputRatio * level.okRatio) return false;
  const p95Ms = nearestRank(
    ok.map((probe) => probe.latencyMs),
    95,
  );
  if (p95Ms === null || p95Ms > rule.p95Factor * level.p95Ms) return false;
  const served = servedRatio(window.demand, startAt, endAt);
  return served === null || level.servedRatio === null || served >= rule.throughputRatio * level.servedRatio;
}

function isDegraded(first: number, rule: RecoveryRule, window: ServiceWindow): boolean {
  const startAt = sentAt(window.probes, first);
  const span = probesBetween(window.probes, startAt, startAt + Math.max(rule.holdMs, rule.consecutive * window.intervalMs));
  const bad = span.filter((probe) => !probe.good).length;
  return bad >= 2 && (span.length - bad) / span.length < rule.throughputRatio * window.level.okRatio;
}

/** `probes` in order of `sentAt`. */
export function probesBetween(probes: readonly ProbeRecord[], fromAt: number, untilAt: number): readonly ProbeRecord[] {
  return probes.slice(lowerBound(probes, fromAt), lowerBound(probes, untilAt));
}

function lowerBound(probes: readonly ProbeRecord[], at: number): number {
  let low = 0;
  let high = probes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sentAt(probes, middle) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function indexesOf(probes: readonly ProbeRecord[], wanted: (probe: ProbeRecord) => boolean): readonly number[] {
  return probes.flatMap((probe, i) => (wanted(probe) ? [i] : []));
}

function sentAt(probes: readonly ProbeRecord[], index: number): number {
  return probes[index]?.sentAt ?? Number.POSITIVE_INFINITY;
}
