/** Objective `autoscaling`: load step -> desiredReplicas -> pods Ready -> service level back; replicas reached; flapping. */
import type { ObjectiveResult } from '../model/evaluation.ts';
import type { AutoscalingObjectiveSpec } from '../model/plan.ts';
import type { Observation } from '../model/run-records.ts';
import { hpaBound } from './autoscaling-bound.ts';
import { loadStep } from './autoscaling-step.ts';
import { servedRatio } from './demand.ts';
import { inconclusive } from './evidence.ts';
import type { DemandSecond } from './figures.ts';
import type { History } from './history.ts';
import { phaseNamed } from './phases.ts';
import { type Part, resultOf } from './verdict.ts';
import { formatMs, formatRatio } from './wording.ts';

type HpaLook = Extract<Observation, { readonly source: 'hpa' }>;
interface ReadyLook {
  readonly at: number;
  readonly ready: number;
}

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

/** `demand`: of the objective's scenario, by second, ok as {@link backLevel} says. */
export function judgeAutoscaling(
  objective: AutoscalingObjectiveSpec,
  demand: readonly DemandSecond[],
  history: History,
): ObjectiveResult {
  const base = { name: 'ready', target: objective.maxReadyMs, unit: 'ms', direction: 'at-most' } as const;
  const without = (reason: string): ObjectiveResult =>
    resultOf(objective, [inconclusive(base, reason)], { service: 'platform', evidence: [] });
  const step = loadStep(objective.scenario, history);
  if (step === null) return without(`the plan has no load ${objective.scenario}`);
  const endAt = phaseNamed(history.phases, 'settle')?.startAt ?? history.endedAt;
  if (step.at >= endAt) return without(`the run ended before the load step (${step.text})`);
  const all = history.observations.filter((look): look is HpaLook => look.source === 'hpa');
  const looks = all.filter((look) => look.at >= step.at && look.at < endAt);
  const before = all.findLast((look) => look.at < step.at) ?? looks[0];
  if (before === undefined || looks.length === 0) return without('the autoscaler was not seen after the load step');
  const rise = looks.findIndex((look) => look.desiredReplicas > before.desiredReplicas);
  const inactive = (rise < 0 ? looks : looks.slice(0, rise + 1)).flatMap(scalingInactive);
  const inactiveMatters = rise < 0 ? inactive.length > 0 : inactive.length > rise / 2 + 0.5;
  if (inactiveMatters) return without(`the autoscaler had no metrics to act on (ScalingActive: ${inactive[0]})`);
  if (rise < 0 && before.desiredReplicas >= objective.minReplicasReached) {
    return without(`${before.desiredReplicas} replicas were desired before the load step already: there was nothing to scale`);
  }
  const ready = readyLooks(history).filter((look) => look.at >= step.at && look.at < endAt);
  if (ready.length === 0) return without('the replicas were not seen after the load step');
  const risen = looks[rise];
  const needed = Math.max(
    objective.minReplicasReached,
    risen === undefined ? 0 : Math.min(risen.desiredReplicas, risen.maxReplicas),
  );
  const readyIndex = ready.findIndex((look) => look.ready >= needed);
  const timing = { stepAt: step.at, endAt, history };
  const desiredPart = timePart('desired', objective.maxDesiredMs, looks, rise, timing, 'desiredReplicas rose');
  const readyPart = timePart('ready', objective.maxReadyMs, ready, readyIndex, timing, `${needed} replicas were Ready`);
  const level = backLevel(objective, history);
  const backPart = serviceLevelPart(objective, demand, level, ready[readyIndex]?.at ?? endAt, timing);
  const most = Math.max(...ready.map((look) => look.ready));
  const peak = Math.max(...looks.map((look) => look.desiredReplicas));
  const flaps = directionChanges(all.map((look) => look.desiredReplicas));
  const limited = looks.some((look) =>
    look.conditions.some((c) => c.type === 'ScalingLimited' && c.status === 'True' && c.reason === 'TooManyReplicas'),
  );
  return resultOf(objective, [readyPart, desiredPart, backPart, replicasPart(objective, most), flapsPart(objective, flaps)], {
    service: 'platform',
    evidence: [
      { text: `load step: ${step.text}; ${looks.length} looks at the autoscaler after it`, file: 'observations.ndjson' },
      ...(limited
        ? [{ text: `the autoscaler was limited by maxReplicas (${before.maxReplicas})`, file: 'observations.ndjson' }]
        : []),
      ...(inactive.length > 0 ? [{ text: `ScalingActive: ${inactive[0]}`, file: 'observations.ndjson' }] : []),
    ],
    details: [
      { name: 'load step to desired', value: desiredPart.measured, unit: 'ms', target: objective.maxDesiredMs },
      { name: `load step to ${needed} Ready`, value: readyPart.measured, unit: 'ms', target: objective.maxReadyMs },
      { name: 'load step to service level back', value: backPart.measured, unit: 'ms', target: objective.maxServiceLevelBackMs },
      { name: 'service level', value: level.text },
      { name: 'replicas before', value: before.desiredReplicas },
      { name: 'replicas Ready at most', value: most, target: objective.minReplicasReached },
      { name: 'overshoot', value: Math.max(0, peak - objective.minReplicasReached), unit: 'replicas' },
      { name: 'direction changes', value: flaps, target: objective.maxFlaps },
      { name: 'limited by maxReplicas', value: limited ? 'yes' : 'no' },
      { name: 'configured bound', value: hpaBound(history.environment, before.desiredReplicas, needed) },
    ],
  });
}

function scalingInactive(look: HpaLook): readonly string[] {
  const active = look.conditions.find((condition) => condition.type === 'ScalingActive');
  return active === undefined || active.status === 'True' ? [] : [`${active.status}, ${active.reason}`];
}

/** The deployment says it itself; where it is not watched, the pods that are Ready and not going away. */
function readyLooks(history: History): readonly ReadyLook[] {
  const deployment = history.observations.flatMap((look) =>
    look.source === 'deployment' ? [{ at: look.at, ready: look.readyReplicas }] : [],
  );
  if (deployment.length > 0) return deployment;
  return history.observations.flatMap((look) =>
    look.source === 'pods' ? [{ at: look.at, ready: look.pods.filter((pod) => pod.ready && !pod.deleting).length }] : [],
  );
}

interface Timing {
  readonly stepAt: number;
  readonly endAt: number;
  readonly history: History;
}

/** `found` < 0: it never happened while it was watched. The error is the time since the look before. */
function timePart(
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
function serviceLevelPart(
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

function replicasPart(objective: AutoscalingObjectiveSpec, most: number): Part {
  const target = objective.minReplicasReached;
  const reason = `${most} replicas were Ready at most, wanted ${target}`;
  const verdict = most >= target ? 'pass' : 'fail';
  return { name: 'replicas', measured: most, target, unit: 'replicas', direction: 'at-least', verdict, reason };
}

function flapsPart(objective: AutoscalingObjectiveSpec, flaps: number): Part {
  const reason = `desiredReplicas changed direction ${flaps} times, allowed ${objective.maxFlaps}`;
  const verdict = flaps <= objective.maxFlaps ? 'pass' : 'fail';
  return {
    name: 'flaps',
    measured: flaps,
    target: objective.maxFlaps,
    unit: 'violations',
    direction: 'at-most',
    verdict,
    reason,
  };
}

export function directionChanges(values: readonly number[]): number {
  let direction = 0;
  let changes = 0;
  for (const [i, value] of values.entries()) {
    const next = Math.sign(value - (values[i - 1] ?? value));
    if (next !== 0 && direction !== 0 && next !== direction) changes += 1;
    if (next !== 0) direction = next;
  }
  return changes;
}
