/**
 * The way from a load step to the service level back, in parts: the metric shows it, the autoscaler decides, a pod is given a
 * node, starts, is Ready, and clients have their service level back. The pod is the one whose readiness made the needed number
 * full. Times of looks are of the harness's clock; those of a pod are of the cluster's, whole seconds, moved by the offset
 * measured before the run and held within the two looks between which they were first seen.
 */
import type { ScalingStage } from '../model/evaluation.ts';
import type { PodObservation } from '../model/run-records.ts';
import { fromServerClock, podsLooks, serverOffsetMs } from './autoscaling-looks.ts';
import { type HpaLook, metricsOf, ratioOf, seenInMetricsApi, toleranceOf } from './autoscaling-metric.ts';
import type { History } from './history.ts';
import { formatMs } from './wording.ts';

export interface StageInput {
  readonly stepAt: number;
  readonly before: HpaLook;
  /** At the autoscaler, from the step on. */
  readonly looks: readonly HpaLook[];
  readonly needed: number;
  /** The look at which `needed` replicas were Ready, and the time since the one before. */
  readonly ready: { readonly at: number; readonly resolutionMs: number } | null;
  /** From the load step; null: not within the run, or not to be judged. */
  readonly backMs: number | null;
  readonly backReason: string;
}

interface Moment {
  readonly at: number;
  readonly resolutionMs: number;
  readonly source: string;
  readonly note?: string;
}

const HPA_STATUS = 'status of the autoscaler, clock of the harness';

export function scalingStages(input: StageInput, history: History): readonly ScalingStage[] {
  const decision = decisionMoment(input);
  const metric = metricMoment(input, decision, history);
  const pod = input.ready === null ? null : decidingPod(input, history);
  const scheduled = pod === null ? null : podMoment(pod, 'scheduledServerAt', 'PodScheduled', input, history);
  const started = pod === null ? null : podMoment(pod, 'startedServerAt', 'containers running', input, history);
  const ready: Moment | null =
    input.ready === null
      ? null
      : { ...input.ready, source: 'readyReplicas, clock of the harness', ...(pod === null ? {} : { note: `pod ${pod.name}` }) };
  const notScaled = decision === null ? 'no decision was seen' : `${input.needed} replicas were never Ready`;
  const notRecorded = 'not recorded of a new pod; it is in the part after it';
  const podMissing = ready === null ? notScaled : notRecorded;
  const chain: readonly (readonly [ScalingStage['name'], Moment | null, string])[] = [
    ['metric', metric, 'no metric was seen above its target before the decision'],
    ['decision', decision, 'desiredReplicas never rose'],
    ['scheduling', scheduled, podMissing],
    ['start', started, podMissing],
    ['readiness', ready, notScaled],
  ];
  const stages: ScalingStage[] = [];
  let from = input.stepAt;
  for (const [name, moment, missing] of chain) {
    if (moment === null) {
      stages.push({ name, fromAt: from, toAt: null, durationMs: null, resolutionMs: null, source: 'not seen', note: missing });
      continue;
    }
    // A time cut to a second may lie just before what it followed.
    const toAt = Math.max(from, moment.at);
    const note = moment.note === undefined ? {} : { note: moment.note };
    const { resolutionMs, source } = moment;
    stages.push({ name, fromAt: from, toAt, durationMs: toAt - from, resolutionMs, source, ...note });
    from = toAt;
  }
  return [...stages, backStage(input, history)];
}

/** What is needed was wanted; failing that, the first rise. */
function decisionMoment({ looks, before, needed, stepAt }: StageInput): Moment | null {
  const enough = looks.findIndex((look) => look.desiredReplicas >= needed && look.desiredReplicas > before.desiredReplicas);
  const index = enough >= 0 ? enough : looks.findIndex((look) => look.desiredReplicas > before.desiredReplicas);
  const look = looks[index];
  if (look === undefined) return null;
  const resolutionMs = look.at - (looks[index - 1]?.at ?? stepAt);
  return { at: look.at, resolutionMs, source: HPA_STATUS, note: `${before.desiredReplicas} to ${look.desiredReplicas} replicas` };
}

function metricMoment({ looks, before, stepAt }: StageInput, decision: Moment | null, history: History): Moment | null {
  const above = 1 + toleranceOf(history.environment);
  const untilAt = decision?.at ?? looks.at(-1)?.at ?? stepAt;
  if ((ratioOf(before) ?? 0) > above && before.at <= stepAt) {
    return {
      at: stepAt,
      resolutionMs: stepAt - before.at,
      source: HPA_STATUS,
      note: 'was above its target before the load step',
    };
  }
  const index = looks.findIndex((look) => look.at <= untilAt && (ratioOf(look) ?? 0) > above);
  const inStatus = looks[index];
  const api = seenInMetricsApi(metricsOf(before), history, {
    fromAt: stepAt,
    untilAt: Math.min(untilAt, inStatus?.at ?? untilAt),
  });
  if (api !== null && (inStatus === undefined || api.at < inStatus.at)) {
    return { at: api.at, resolutionMs: history.plan.observeIntervalMs, source: api.source };
  }
  if (inStatus === undefined) return null;
  const deciding = metricsOf(inStatus).toSorted(
    (a, b) => (b.current ?? 0) / (b.target ?? 1) - (a.current ?? 0) / (a.target ?? 1),
  )[0];
  const note = deciding === undefined ? {} : { note: `${deciding.name} at ${deciding.current}, target ${deciding.target}` };
  return { at: inStatus.at, resolutionMs: inStatus.at - (looks[index - 1]?.at ?? stepAt), source: HPA_STATUS, ...note };
}

/** Of the pods that were not there before the step, the one that was the last to be Ready when enough were. */
function decidingPod({ stepAt, ready }: StageInput, history: History): PodObservation | null {
  const looks = podsLooks(history);
  const old = new Set(looks.filter(({ at }) => at <= stepAt).flatMap(({ pods }) => pods.map(({ uid }) => uid)));
  const readyAt = ready?.at ?? 0;
  const then = looks.find((look) => look.at >= readyAt) ?? looks.at(-1);
  const fresh = (then?.pods ?? []).filter((pod) => pod.ready && !pod.deleting && !old.has(pod.uid));
  // A moment later than the look belongs to a pod that came after.
  const inTime = fresh.filter(
    ({ readyServerAt }) => readyServerAt === null || fromServerClock(readyServerAt, history) - 1_000 <= readyAt,
  );
  const latest = (inTime.length > 0 ? inTime : fresh).toSorted(
    (a, b) => (b.readyServerAt ?? 0) - (a.readyServerAt ?? 0) || (a.name < b.name ? -1 : 1),
  );
  return latest[0] ?? null;
}

function podMoment(
  pod: PodObservation,
  field: 'scheduledServerAt' | 'startedServerAt',
  what: string,
  { stepAt }: StageInput,
  history: History,
): Moment | null {
  const looks = podsLooks(history);
  const index = looks.findIndex(({ pods }) =>
    pods.some(({ uid, [field]: at }) => uid === pod.uid && at !== null && at !== undefined),
  );
  const look = looks[index];
  const serverAt = look?.pods.find(({ uid }) => uid === pod.uid)?.[field];
  if (look === undefined || serverAt === null || serverAt === undefined) return null;
  const earliest = looks[index - 1]?.at ?? stepAt;
  const at = Math.min(look.at, Math.max(earliest, fromServerClock(serverAt, history)));
  const offsetMs = Math.abs(serverOffsetMs(history));
  const offset = offsetMs === 0 ? 'less than 1 s off ours' : `${formatMs(offsetMs)} off ours`;
  return {
    at,
    resolutionMs: Math.min(1_000, look.at - earliest),
    source: `${what}, clock of the cluster (${offset}, whole seconds), within two looks`,
  };
}

/** Counted on from Ready; the service may have been back before that, or have never been away. A fault in between is named. */
function backStage({ stepAt, ready, backMs, backReason }: StageInput, history: History): ScalingStage {
  const source = 'journeys by second, clock of the load generator';
  const base = { name: 'service-level-back', fromAt: ready?.at ?? null, source } as const;
  const backAt = backMs === null ? null : stepAt + backMs;
  const faults = history.faults
    .filter(({ injectedAt }) => injectedAt !== null && injectedAt >= stepAt && injectedAt < (backAt ?? history.endedAt))
    .map(({ fault }) => fault);
  const between = faults.length === 0 ? [] : [`${faults.join(', ')} came in between`];
  if (backAt === null) {
    return { ...base, toAt: null, durationMs: null, resolutionMs: null, note: [backReason, ...between].join('; ') };
  }
  const afterReady = ready === null ? null : Math.max(0, backAt - ready.at);
  const early = ready !== null && backAt < ready.at ? [`back ${formatMs(ready.at - backAt)} before that`] : [];
  const note = (backMs === 0 ? ['it never left'] : [...early, ...between]).join('; ');
  return { ...base, toAt: backAt, durationMs: afterReady, resolutionMs: 1_000, ...(note === '' ? {} : { note }) };
}
