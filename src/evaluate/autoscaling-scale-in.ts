/** After the peak: when the replicas went again, and by how many the autoscaler had overshot. */
import type { ScalingSummary } from '../model/evaluation.ts';
import type { AutoscalingObjectiveSpec } from '../model/plan.ts';
import { scaleInBound } from './autoscaling-bound.ts';
import { hidingGaps } from './autoscaling-looks.ts';
import type { HpaLook } from './autoscaling-metric.ts';
import { loadFallAt } from './autoscaling-step.ts';
import { inconclusive } from './evidence.ts';
import type { History } from './history.ts';
import { neededOverTime } from './needed-replicas.ts';
import { nearestRank } from './percentile.ts';
import type { Part } from './verdict.ts';
import { formatMs } from './wording.ts';

export interface ScaleIn {
  readonly summary: ScalingSummary['scaleIn'];
  /** At the fall no more was wanted than before the step. */
  readonly nothingToTakeIn: boolean;
}

/** `looks`: from the load step to the end of the run, settling included; a window of minutes ends there or not at all. */
export function scaleInOf(
  objective: AutoscalingObjectiveSpec,
  before: HpaLook,
  looks: readonly HpaLook[],
  history: History,
): ScaleIn {
  const fallAt = loadFallAt(objective.scenario, history);
  const none = { startedMs: null, doneMs: null } as const;
  if (fallAt === null || fallAt >= history.endedAt) {
    return { summary: { ...none, loadFellAt: null, text: 'the run ended before the load fell' }, nothingToTakeIn: false };
  }
  const atFall = looks.findLast((look) => look.at <= fallAt);
  const after = looks.filter((look) => look.at > fallAt);
  const from = atFall?.desiredReplicas ?? before.desiredReplicas;
  const to = before.desiredReplicas;
  if (from <= to) {
    const text = 'no more replicas were wanted than before the load step: nothing to take in';
    return { summary: { ...none, loadFellAt: fallAt, text }, nothingToTakeIn: true };
  }
  const bound = scaleInBound(history.environment, from, to);
  const allowed = bound === null ? '' : `; configured: ${bound.text}`;
  const started = after.find((look) => look.desiredReplicas < from);
  const done = after.find((look) => look.desiredReplicas <= to);
  const watchedMs = (after.at(-1)?.at ?? fallAt) - fallAt;
  const startedMs = started === undefined ? null : started.at - fallAt;
  const doneMs = done === undefined ? null : done.at - fallAt;
  const windowMs = bound?.windowMs ?? null;
  const early =
    windowMs !== null && startedMs !== null && startedMs < windowMs ? ' (sooner than the window: the wish had sunk before)' : '';
  const text =
    startedMs === null
      ? `still ${from} replicas wanted ${formatMs(watchedMs)} after the load fell, when the run ended${allowed}`
      : doneMs === null
        ? `began ${formatMs(startedMs)} after the load fell${early}, and was not down to ${to} when the run ended${allowed}`
        : `began ${formatMs(startedMs)} after the load fell${early}, down to ${to} after ${formatMs(doneMs)}${allowed}`;
  return { summary: { loadFellAt: fallAt, startedMs, doneMs, text }, nothingToTakeIn: false };
}

/** Judged only where the plan asks. */
export function scaleInPart(
  objective: AutoscalingObjectiveSpec,
  { summary: scaleIn, nothingToTakeIn }: ScaleIn,
  history: History,
): Part | null {
  const target = objective.maxScaleInMs;
  if (target === undefined) return null;
  const base = { name: 'scale-in', target, unit: 'ms', direction: 'at-most' } as const;
  const { loadFellAt, doneMs, text } = scaleIn;
  if (loadFellAt === null || nothingToTakeIn) return inconclusive(base, text);
  const untilAt = loadFellAt + Math.min(target, doneMs ?? target);
  const gap = hidingGaps(history, ['hpa']).find(({ fromAt, toAt }) => fromAt < untilAt && toAt > loadFellAt);
  if (gap !== undefined) {
    return inconclusive(
      base,
      `the autoscaler was not seen for ${formatMs(gap.toAt - gap.fromAt)} of the scale-in: ${gap.reason}`,
    );
  }
  const reason = `scale-in ${text}, allowed ${formatMs(target)}`;
  if (doneMs !== null) {
    return {
      ...base,
      measured: doneMs,
      errorBar: history.plan.observeIntervalMs,
      verdict: doneMs <= target ? 'pass' : 'fail',
      reason,
    };
  }
  const watchedMs = history.endedAt - loadFellAt;
  if (watchedMs < target) {
    return inconclusive(
      base,
      `only ${formatMs(watchedMs)} after the fall of the load were watched, ${formatMs(target)} are allowed: ${text}`,
    );
  }
  return { ...base, measured: watchedMs, censored: true, verdict: 'fail', reason };
}

export interface Overshoot {
  /** Null: no metric while the load held. */
  readonly replicas: number | null;
  readonly text: string;
}

/**
 * The most that was wanted, beyond what the metrics asked for once enough replicas were there and until the load fell: the
 * 95th percentile of current x metric / target, so that one odd sample is no need.
 */
export function overshootOf(
  looks: readonly HpaLook[],
  span: { readonly readyAt: number; readonly fallAt: number },
  history: History,
): Overshoot {
  const held = looks.filter((look) => look.at >= span.readyAt && look.at < span.fallAt);
  const needs = neededOverTime(history).flatMap(({ at, replicas }) => (at >= span.readyAt && at < span.fallAt ? [replicas] : []));
  const need = nearestRank(needs, 95);
  if (need === null) return { replicas: null, text: 'no metric was seen while the load held' };
  const peak = Math.max(...looks.filter((look) => look.at < span.fallAt).map((look) => look.desiredReplicas));
  const steady = Math.max(need, held[0]?.minReplicas ?? 0);
  return { replicas: Math.max(0, peak - steady), text: `${peak} wanted at most, the steady metric needs ${steady}` };
}
