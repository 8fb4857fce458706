/** Objective `autoscaling`: load step -> desiredReplicas -> pods Ready -> service level back; replicas reached; flapping; scale-in. */
import type { ObjectiveResult, ScalingSummary } from '../model/evaluation.ts';
import type { AutoscalingObjectiveSpec } from '../model/plan.ts';
import { type Bound, scaleUpBound } from './autoscaling-bound.ts';
import {
  conditionChanges,
  desiredOverTime,
  directionChanges,
  eventsOfAutoscaler,
  hidingGaps,
  hpaLooks,
  limitedByMax,
  readyLooks,
  scalingInactive,
} from './autoscaling-looks.ts';
import { describeMetric, type HpaLook, metricResolution, metricsOf } from './autoscaling-metric.ts';
import { backLevel, flapsPart, replicasPart, serviceLevelPart, timePart, withLimit } from './autoscaling-parts.ts';
import { type Overshoot, overshootOf, scaleInOf, scaleInPart } from './autoscaling-scale-in.ts';
import { scalingStages } from './autoscaling-stages.ts';
import { loadFallAt, loadStep } from './autoscaling-step.ts';
import { inconclusive } from './evidence.ts';
import type { DemandSecond } from './figures.ts';
import type { History } from './history.ts';
import { phaseNamed } from './phases.ts';
import { type Part, resultOf } from './verdict.ts';
import { formatMs } from './wording.ts';

const FILE = 'observations.ndjson';

export interface AutoscalingJudgement {
  readonly result: ObjectiveResult;
  /** Null: the autoscaler or the replicas were not watched at all. */
  readonly scaling: ScalingSummary | null;
}

/** `demand`: of the objective's scenario, by second, ok as `backLevel` says. */
export function judgeAutoscaling(
  objective: AutoscalingObjectiveSpec,
  demand: readonly DemandSecond[],
  history: History,
): AutoscalingJudgement {
  const base = { name: 'ready', target: objective.maxReadyMs, unit: 'ms', direction: 'at-most' } as const;
  const without = (reason: string, scaling: ScalingSummary | null = null): AutoscalingJudgement => {
    const evidence = (scaling?.events ?? [])
      .slice(-3)
      .map(({ text }) => ({ text: `event of the autoscaler: ${text}`, file: FILE }));
    return { result: resultOf(objective, [inconclusive(base, reason)], { service: 'platform', evidence }), scaling };
  };
  const step = loadStep(objective.scenario, history);
  if (step === null) return without(`the plan has no load ${objective.scenario}`);
  const endAt = phaseNamed(history.phases, 'settle')?.startAt ?? history.endedAt;
  if (step.at >= endAt) return without(`the run ended before the load step (${step.text})`);
  const all = hpaLooks(history);
  const looks = all.filter((look) => look.at >= step.at && look.at < endAt);
  const before = all.findLast((look) => look.at < step.at) ?? looks[0];
  if (before === undefined || looks.length === 0) return without('the autoscaler was not seen after the load step');
  const ready = readyLooks(history).filter((look) => look.at >= step.at && look.at < endAt);
  if (ready.length === 0) return without('the replicas were not seen after the load step');

  const rise = looks.findIndex((look) => look.desiredReplicas > before.desiredReplicas);
  const risen = looks[rise];
  const wanted = risen === undefined ? 0 : Math.min(risen.desiredReplicas, risen.maxReplicas);
  const needed = Math.max(objective.minReplicasReached, wanted);
  const readyIndex = ready.findIndex((look) => look.ready >= needed);
  const readyLook = ready[readyIndex];
  const timing = { stepAt: step.at, endAt, history };
  const level = backLevel(objective, history);
  const limited = looks.some(limitedByMax);
  // What was reached before the limit was felt was not held back by it.
  const maxUntil = (reachedAt: number): number | null =>
    looks.some((look) => look.at < reachedAt && limitedByMax(look)) ? before.maxReplicas : null;
  const back = serviceLevelPart(objective, demand, level, readyLook?.at ?? endAt, timing);
  const backPart = withLimit(back, maxUntil(back.censored === true ? endAt : step.at + (back.measured ?? 0)));
  const sinceStep = all.filter((look) => look.at >= step.at);
  const scaleIn = scaleInOf(objective, before, sinceStep, history);
  const scaling: ScalingSummary = {
    objective: objective.id,
    autoscaler: before.name,
    scalesOn: metricsOf(before).map(describeMetric),
    madeBy: before.scaler === undefined ? null : `${before.scaler.kind} ${before.scaler.name} (KEDA)`,
    stepAt: step.at,
    stages: scalingStages(
      {
        stepAt: step.at,
        before,
        looks,
        needed,
        ready:
          readyLook === undefined
            ? null
            : { at: readyLook.at, resolutionMs: readyLook.at - (ready[readyIndex - 1]?.at ?? step.at) },
        backMs: backPart.censored === true ? null : backPart.measured,
        backReason: backPart.reason,
      },
      history,
    ),
    bound: scaleUpBound(history.environment, before.desiredReplicas, needed, metricResolution(history)),
    limitedByMax: limited,
    scaleIn: scaleIn.summary,
    conditions: conditionChanges([before, ...sinceStep.filter((look) => look !== before)]),
    events: eventsOfAutoscaler(before.name, history),
  };

  const inactive = (rise < 0 ? looks : looks.slice(0, rise + 1)).flatMap(scalingInactive);
  const inactiveMatters = rise < 0 ? inactive.length > 0 : inactive.length > rise / 2 + 0.5;
  if (inactiveMatters) return without(`the autoscaler had no metrics to act on (ScalingActive: ${inactive[0]})`, scaling);
  const heldBack = limited && backPart.verdict === 'fail';
  if (rise < 0 && before.desiredReplicas >= objective.minReplicasReached && !heldBack) {
    const reason = `${before.desiredReplicas} replicas were desired before the load step already: there was nothing to scale`;
    return without(reason, scaling);
  }
  const desiredPart = timePart('desired', objective.maxDesiredMs, looks, rise, timing, 'desiredReplicas rose');
  const readyPart = timePart('ready', objective.maxReadyMs, ready, readyIndex, timing, `${needed} replicas were Ready`);
  const most = Math.max(...ready.map((look) => look.ready));
  const flaps = directionChanges(desiredOverTime(all, history).map(({ desired }) => desired));
  const inPart = scaleInPart(objective, scaleIn, history);
  const parts: readonly [Part, ...Part[]] = [
    withLimit(readyPart, maxUntil(readyLook?.at ?? endAt)),
    withLimit(desiredPart, maxUntil(risen?.at ?? endAt)),
    backPart,
    withLimit(replicasPart(objective, most), maxUntil(endAt)),
    flapsPart(objective, flaps),
    ...(inPart === null ? [] : [inPart]),
  ];
  const fallAt = loadFallAt(objective.scenario, history) ?? endAt;
  const overshoot = overshootOf(
    looks,
    { readyAt: readyLook?.at ?? risen?.at ?? step.at, fallAt: Math.min(fallAt, endAt) },
    history,
  );
  const result = resultOf(objective, parts, {
    service: 'platform',
    evidence: evidenceOf(scaling, { stepText: step.text, looks, limited: maxUntil(endAt), inactive, overshoot }, history),
    details: [
      { name: 'load step to desired', value: desiredPart.measured, unit: 'ms', target: objective.maxDesiredMs },
      { name: `load step to ${needed} Ready`, value: readyPart.measured, unit: 'ms', target: objective.maxReadyMs },
      { name: 'load step to service level back', value: backPart.measured, unit: 'ms', target: objective.maxServiceLevelBackMs },
      ...scaling.stages.map(({ name, durationMs }) => ({ name: `of it ${STAGE_WORDS[name]}`, value: durationMs, unit: 'ms' })),
      { name: 'configured bound', value: boundText(scaling.bound) },
      { name: 'scales on', value: [...scaling.scalesOn, ...(scaling.madeBy === null ? [] : [scaling.madeBy])].join('; ') },
      { name: 'service level', value: level.text },
      { name: 'replicas before', value: before.desiredReplicas },
      { name: 'replicas Ready at most', value: most, target: objective.minReplicasReached },
      { name: 'overshoot', value: overshoot.replicas, unit: 'replicas' },
      { name: 'direction changes', value: flaps, target: objective.maxFlaps },
      { name: 'limited by maxReplicas', value: limited ? 'yes' : 'no' },
      {
        name: 'scale-in',
        value: scaling.scaleIn.doneMs,
        unit: 'ms',
        ...(objective.maxScaleInMs === undefined ? {} : { target: objective.maxScaleInMs }),
      },
    ],
  });
  return { result, scaling };
}

export const STAGE_WORDS = {
  metric: 'metric delay',
  decision: 'decision',
  scheduling: 'scheduling',
  start: 'start',
  readiness: 'readiness',
  'service-level-back': 'from Ready to service level back',
} as const satisfies Record<ScalingSummary['stages'][number]['name'], string>;

function boundText(bound: Bound | null): string | null {
  return bound === null ? null : `${bound.text}; scheduling, start and readiness of a pod come on top`;
}

interface Seen {
  readonly stepText: string;
  readonly looks: readonly HpaLook[];
  readonly limited: number | null;
  readonly inactive: readonly string[];
  readonly overshoot: Overshoot;
}

function evidenceOf(scaling: ScalingSummary, seen: Seen, history: History): ObjectiveResult['evidence'] {
  const { stepText, looks, limited, inactive, overshoot } = seen;
  const gaps = hidingGaps(history, ['hpa', 'deployment']);
  const after = scaling.events.filter(({ at }) => at >= scaling.stepAt).slice(-5);
  const texts = [
    `load step: ${stepText}; ${looks.length} looks at the autoscaler after it`,
    ...(limited === null ? [] : [`the autoscaler was limited by maxReplicas (${limited})`]),
    ...(inactive.length > 0 ? [`ScalingActive: ${inactive[0]}`] : []),
    `overshoot: ${overshoot.text}`,
    `scale-in: ${scaling.scaleIn.text}`,
    ...after.map(({ at, text }) => `event ${formatMs(at - scaling.stepAt)} after the load step: ${text}`),
    ...gaps.map(
      ({ source, fromAt, toAt, reason }) =>
        `${source} was not seen for ${formatMs(toAt - fromAt)} (${reason}); rescales in it are counted from the autoscaler's events`,
    ),
  ];
  return texts.map((text) => ({ text, file: FILE }));
}
