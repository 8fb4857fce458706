/** The single figures of an autoscaling objective, each against its own limit. */
import type { AutoscalingObjectiveSpec } from '../model/plan.ts';
import { servedRatio } from './demand.ts';
import { inconclusive } from './evidence.ts';
import type { DemandSecond } from './figures.ts';
import type { History } from './history.ts';
import type { Part } from './verdict.ts';
import { formatMs, formatRatio } from './wording.ts';

/** The service level that has to be back: share of the journeys due that were ok within `withinMs` (null: ok at all). */
export interface BackLevel {
  readonly withinMs: number | null;
  readonly minRatio: number;
  readonly text: string;
}

/** Time for which the service level has to hold to count as back. */
export const BACK_HOLD_MS = 10_000;

/** That of the plan's own attainment objective for this load; without one, 95 % ok. */
export function backLevel(objective: AutoscalingObjectiveSpec, history: History): BackLevel {
  const own = history.plan.objectives.find(
    (candidate) => candidate.kind === 'attainment' && candidate.scenario === objective.scenario,
  );
  if (own?.kind !== 'attainment') return { withinMs: null, minRatio: 0.95, text: '95 % of the journeys due ok' };
  const text = `${formatRatio(own.minRatio)} of the journeys due ok within ${formatMs(own.withinMs)} (${own.id})`;
  return { withinMs: own.withinMs, minRatio: own.minRatio, text };
}

export interface Timing {
  readonly stepAt: number;
  readonly endAt: number;
  readonly history: History;
}

/** `found` < 0: it never happened while it was watched. The error is the time since the look before. */
export function timePart(
  name: string,
  target: number,
  looks: readonly { readonly at: number }[],
  found: number,
  { stepAt, endAt, history }: Timing,
  what: string,
): Part {
  const base = { name, target, unit: 'ms', direction: 'at-most' } as const;
  const look = looks[found];
  if (look === undefined) {
    const watchedMs = endAt - stepAt;
    const cut = watchedMs < target && (history.interrupted || history.aborted !== null);
    const reason = `never seen that ${what}, within ${formatMs(watchedMs)} after the load step`;
    return { ...base, measured: watchedMs, censored: true, verdict: cut ? 'inconclusive' : 'fail', reason };
  }
  const measured = look.at - stepAt;
  const errorBar = look.at - (looks[found - 1]?.at ?? stepAt);
  const reason = `${what} ${formatMs(measured)} after the load step, allowed ${formatMs(target)}`;
  if (measured <= target) return { ...base, measured, errorBar, verdict: 'pass', reason };
  if (measured - errorBar <= target && errorBar > 2 * history.plan.observeIntervalMs) {
    const missed = `nothing was seen for ${formatMs(errorBar)} before ${what}, ${formatMs(measured)} after the load step`;
    return { ...base, measured, errorBar, verdict: 'inconclusive', reason: missed };
  }
  return { ...base, measured, errorBar, verdict: 'fail', reason };
}

/**
 * 0 when the level held from the step until the replicas were there; else the start of the first ten seconds after a miss that
 * meet it. A fault of the run that comes in between does not excuse: the plan decides when it is injected.
 */
export function serviceLevelPart(
  objective: AutoscalingObjectiveSpec,
  demand: readonly DemandSecond[],
  level: BackLevel,
  readyAt: number,
  { stepAt, endAt, history }: Timing,
): Part {
  const base = { name: 'service level back', target: objective.maxServiceLevelBackMs, unit: 'ms', direction: 'at-most' } as const;
  const watchUntil = Math.min(endAt, Math.max(readyAt, stepAt + objective.maxServiceLevelBackMs));
  const seconds = demand.filter((second) => second.at >= stepAt && second.at + BACK_HOLD_MS <= endAt);
  let missed = false;
  let judged = 0;
  for (const { at } of seconds) {
    const ratio = servedRatio(demand, at, at + BACK_HOLD_MS);
    if (ratio === null) continue;
    judged += 1;
    if (ratio < level.minRatio) missed = true;
    else if (missed) {
      const measured = at - stepAt;
      const met = measured <= base.target;
      const reason = `the service level was back ${formatMs(measured)} after the load step, allowed ${formatMs(base.target)}`;
      return { ...base, measured, errorBar: 1000, verdict: met ? 'pass' : 'fail', reason };
    } else if (at >= watchUntil) break;
  }
  if (judged === 0) return inconclusive(base, 'too few journeys after the load step to judge the service level');
  if (!missed) return { ...base, measured: 0, verdict: 'pass', reason: 'the service level held from the load step on' };
  const watchedMs = endAt - stepAt;
  const cut = watchedMs < base.target && (history.interrupted || history.aborted !== null);
  const reason = `the service level was not back within ${formatMs(watchedMs)} after the load step (${level.text})`;
  return { ...base, measured: watchedMs, censored: true, verdict: cut ? 'inconclusive' : 'fail', reason };
}

export function replicasPart(objective: AutoscalingObjectiveSpec, most: number): Part {
  const target = objective.minReplicasReached;
  const reason = `${most} replicas were Ready at most, wanted ${target}`;
  const verdict = most >= target ? 'pass' : 'fail';
  return { name: 'replicas', measured: most, target, unit: 'replicas', direction: 'at-least', verdict, reason };
}

export function flapsPart(objective: AutoscalingObjectiveSpec, flaps: number): Part {
  const target = objective.maxFlaps;
  const reason = `desiredReplicas changed direction ${flaps} times, allowed ${target}`;
  const verdict = flaps <= target ? 'pass' : 'fail';
  return { name: 'flaps', measured: flaps, target, unit: 'violations', direction: 'at-most', verdict, reason };
}

/** A miss of an autoscaler that was held back by its maximum says so: more replicas were wanted than it may have. */
export function withLimit(part: Part, max: number | null): Part {
  if (max === null || part.verdict !== 'fail') return part;
  return { ...part, reason: `${part.reason}; the autoscaler was limited by maxReplicas (${max})` };
}
