/**
 * Advice on requests, replicas and target from what a run measured, each with the numbers it rests on. Never part of a verdict;
 * without the data, or when the load was not what the plan says, there is none and the reason is told. Rules:
 * `docs/reference/measurement.md`.
 */
import type { GuardResult, Rightsizing, RightsizingAdvice, ScalingSummary, UseFigures } from '../model/evaluation.ts';
import type { PodObservation, PodResources } from '../model/run-records.ts';
import { hidingGaps, hpaLooks, podsLooks } from './autoscaling-looks.ts';
import { type HpaLook, metricsOf, ratioOf } from './autoscaling-metric.ts';
import { BACK_HOLD_MS } from './autoscaling-parts.ts';
import type { History } from './history.ts';
import { neededOverTime } from './needed-replicas.ts';
import { nearestRank } from './percentile.ts';
import { peakPhase, useByPhase } from './rightsizing-use.ts';
import { formatMs, formatRatio } from './wording.ts';

/** Fewer figures of single pods at the peak than this are no base for advice. */
const MIN_SAMPLES = 10;

/** What stays free above the highest use: 15 %, as the VerticalPodAutoscaler's recommender leaves. */
const MARGIN = 1.15;

/** A request that is right within this share is left as it is. */
const CLOSE_ENOUGH = 0.2;

/** Replicas kept free above what the peak needed. */
const REPLICA_HEADROOM = 1.25;

/** One may die, and one is left. */
const MIN_REPLICAS = 2;

const LOWEST_TARGET = 0.3;
const MIB = 1024 * 1024;

/** Null: no workload was watched at all. */
export function adviseRightsizing(
  history: History,
  guards: readonly GuardResult[],
  scaling: readonly ScalingSummary[],
): Rightsizing | null {
  const pods = podsLooks(history);
  const looks = hpaLooks(history);
  const workload = history.observations.find((look) => look.source === 'deployment')?.name ?? looks[0]?.name;
  if (workload === undefined || pods.length === 0) return null;
  const phases = useByPhase(history);
  const peak = peakPhase(phases);
  const noAdvice = reasonAgainst(history, guards, peak);
  if (noAdvice !== null || peak === null) return { workload, phases, advice: [], noAdvice };
  const pod = pods.at(-1)?.pods.find(({ deleting }) => !deleting) ?? pods.findLast((look) => look.pods.length > 0)?.pods[0];
  const advice = [cpuRequest(peak, pod), memoryRequest(phases, pod), ...replicaAdvice(history, looks, scaling, { peak, pod })];
  return { workload, phases, advice, noAdvice: null };
}

function reasonAgainst(history: History, guards: readonly GuardResult[], peak: UseFigures | null): string | null {
  const broken = guards.find(({ id, held }) => !held && (id === 'load-delivered' || id === 'run-completed'));
  if (broken !== undefined) return broken.reason;
  const gap = hidingGaps(history, ['pod-metrics'])[0];
  const why = gap === undefined ? '' : ` (metrics API not seen for ${formatMs(gap.toAt - gap.fromAt)}: ${gap.reason})`;
  if (peak === null) return `the use of the pods was not measured${why}`;
  if (peak.samples < MIN_SAMPLES) {
    return `only ${peak.samples} figures of what pods used in ${peak.phase}, need ${MIN_SAMPLES}${why}`;
  }
  return null;
}

function cpuRequest(peak: UseFigures, pod: PodObservation | undefined): RightsizingAdvice {
  const used = peak.podCpuP95Cores ?? 0;
  const current = pod?.requests?.cpuCores ?? null;
  const advised = keepIfClose(current, Math.max(0.01, Math.ceil(used * MARGIN * 100 - 1e-9) / 100));
  const limit = pod?.limits?.cpuCores ?? null;
  const capped = limit !== null && used >= limit * 0.95 ? `; that is its limit of ${cores(limit)}, so it may need more` : '';
  const share = current === null ? 'none is set' : `${formatRatio(used / current)} of its request`;
  return {
    setting: 'cpu request',
    current,
    advised,
    unit: 'cores',
    reason:
      `95 % of the figures of a pod in ${peak.phase} were at most ${cores(used)} (${share}, ${peak.samples} figures)${capped}` +
      (advised === current ? '' : '; an autoscaler on cpu counts in shares of this request, so its target moves with it'),
  };
}

function memoryRequest(phases: readonly UseFigures[], pod: PodObservation | undefined): RightsizingAdvice {
  const base = { setting: 'memory request', unit: 'bytes', current: pod?.requests?.memoryBytes ?? null } as const;
  const most = Math.max(0, ...phases.flatMap(({ podMemoryMaxBytes }) => podMemoryMaxBytes ?? []));
  if (most === 0) return { ...base, advised: null, reason: 'the metrics API gave no memory' };
  const advised = keepIfClose(base.current, Math.ceil((most * MARGIN) / MIB) * MIB);
  const limit = pod?.limits?.memoryBytes ?? null;
  const near = limit !== null && most >= limit * 0.9 ? `; close to its limit of ${mib(limit)}, beyond which it is killed` : '';
  return { ...base, advised, reason: `a pod used ${mib(most)} at most in the whole run${near}` };
}

interface Base {
  readonly peak: UseFigures;
  readonly pod: PodObservation | undefined;
}

function replicaAdvice(
  history: History,
  looks: readonly HpaLook[],
  scaling: readonly ScalingSummary[],
  { peak, pod }: Base,
): readonly RightsizingAdvice[] {
  const last = looks.at(-1);
  if (last === undefined) {
    const reason = 'no autoscaler was watched';
    return [{ setting: 'maxReplicas', current: null, advised: null, unit: 'replicas', reason }];
  }
  const all = neededOverTime(history);
  const needs = (phase: string): readonly number[] => {
    const span = history.phases.find((candidate) => candidate.phase === phase);
    return all.flatMap(({ at, replicas }) => (span !== undefined && at >= span.startAt && at < span.endAt ? [replicas] : []));
  };
  const peakNeeds = needs(peak.phase);
  const peakNeed = nearestRank(peakNeeds, 95);
  const baselineNeed = nearestRank(needs('baseline'), 95);
  if (peakNeed === null) {
    const reason = `the autoscaler had no metric in ${peak.phase}`;
    return [{ setting: 'maxReplicas', current: last.maxReplicas, advised: null, unit: 'replicas', reason }];
  }
  const waits = scaling.filter(waitedForPods);
  const waited = waits.find((one) => faultsBetween(one, history).length === 0);
  const disturbed = waited === undefined ? waits[0] : undefined;
  const unclear =
    disturbed === undefined
      ? ''
      : `; the service level was missing until new pods were Ready, but ${faultsBetween(disturbed, history).join(', ')} came in between, so that is not put down to the size`;
  const limited = scaling.some(({ limitedByMax }) => limitedByMax);
  return [
    minReplicas(last, { peakNeed, baselineNeed, peak, unclear }, waited),
    maxReplicas(last, { peakNeed, mostNeeded: Math.max(...peakNeeds), limited, peak }, capacity(history, pod?.requests)),
    ...targetUtilisation(last, looks, waited, scaling[0]),
  ];
}

/** Faults that were injected while the service level was missing: they may be why it was. */
function faultsBetween({ stepAt, stages }: ScalingSummary, history: History): readonly string[] {
  const backAt = stages.find(({ name }) => name === 'service-level-back')?.toAt ?? stepAt;
  return history.faults.flatMap(({ fault, injectedAt }) =>
    injectedAt !== null && injectedAt >= stepAt && injectedAt < backAt ? [fault] : [],
  );
}

/** The service level was missing until the new pods were Ready, and came back with them. */
function waitedForPods({ stages }: ScalingSummary): boolean {
  const ready = stages.find(({ name }) => name === 'readiness');
  const back = stages.find(({ name }) => name === 'service-level-back');
  if (ready?.toAt == null || back?.toAt == null || ready.fromAt === null) return false;
  const stepAt = stages[0]?.fromAt ?? 0;
  return back.toAt > stepAt && back.toAt <= ready.toAt + BACK_HOLD_MS;
}

function minReplicas(
  { minReplicas: current, maxReplicas: max }: HpaLook,
  { peakNeed, baselineNeed, peak, unclear }: { peakNeed: number; baselineNeed: number | null; peak: UseFigures; unclear: string },
  waited: ScalingSummary | undefined,
): RightsizingAdvice {
  const base = { setting: 'minReplicas', current, unit: 'replicas' } as const;
  const told = `the metric needed ${baselineNeed ?? 'an unknown number'} in baseline, ${peakNeed} in ${peak.phase}`;
  if (waited !== undefined && peakNeed > current) {
    const backAt = waited.stages.find(({ name }) => name === 'service-level-back')?.toAt ?? waited.stepAt;
    const reason = `the service level was missing for ${formatMs(backAt - waited.stepAt)} after the load step, until new pods were Ready; ${told}`;
    return { ...base, advised: Math.min(peakNeed, max), reason };
  }
  if (baselineNeed === null) return { ...base, advised: current, reason: `${told}: left as it is` };
  const advised = Math.min(current, Math.max(MIN_REPLICAS, baselineNeed));
  const reason = `${told}; ${MIN_REPLICAS} at least, so that one may die${unclear}`;
  return { ...base, advised, reason };
}

function maxReplicas(
  { maxReplicas: current }: HpaLook,
  { peakNeed, mostNeeded, limited, peak }: { peakNeed: number; mostNeeded: number; limited: boolean; peak: UseFigures },
  room: string,
): RightsizingAdvice {
  const need = limited ? Math.max(mostNeeded, current + 1) : peakNeed;
  const wanted = Math.ceil(need * REPLICA_HEADROOM - 1e-9);
  const reached = `${peak.desiredMax ?? 'unknown'} wanted and ${peak.readyMax ?? 'unknown'} Ready at most in ${peak.phase}, of ${current}`;
  const why = limited
    ? `it was limited by its maximum; the metric asked for ${mostNeeded} at least`
    : `the metric needed ${peakNeed}`;
  const reason = `${reached}; ${why}, and ${formatRatio(REPLICA_HEADROOM - 1)} are kept free${room}`;
  return { setting: 'maxReplicas', current, advised: Math.max(current, wanted), unit: 'replicas', reason };
}

function targetUtilisation(
  last: HpaLook,
  looks: readonly HpaLook[],
  waited: ScalingSummary | undefined,
  any: ScalingSummary | undefined,
): readonly RightsizingAdvice[] {
  const [metric, ...others] = metricsOf(last);
  if (metric === undefined || others.length > 0 || metric.targetKind !== 'Utilization' || metric.target === null) return [];
  const current = metric.target / 100;
  const base = { setting: 'target utilisation', current, unit: 'ratio' } as const;
  if (any === undefined)
    return [{ ...base, advised: null, reason: 'the plan has no autoscaling objective, so no load step was watched' }];
  const readyAt = any.stages.find(({ name }) => name === 'readiness')?.toAt ?? Number.POSITIVE_INFINITY;
  const ratios = looks.flatMap((look) => (look.at >= any.stepAt && look.at <= readyAt ? (ratioOf(look) ?? []) : []));
  if (ratios.length === 0) return [{ ...base, advised: null, reason: 'no metric was seen between load step and Ready' }];
  const highest = Math.max(...ratios) * current;
  const told = `the pods that were there came to ${formatRatio(highest)} of their request between load step and Ready`;
  if (waited === undefined) return [{ ...base, advised: current, reason: `${told}; not shown that clients waited for new pods` }];
  if (highest <= 1) return [{ ...base, advised: current, reason: `${told}: a lower target would not have helped` }];
  const advised = Math.max(LOWEST_TARGET, Math.floor((current / highest) * 20 + 1e-9) / 20);
  return [{ ...base, advised: Math.min(current, advised), reason: `${told}, and the service level waited for new pods` }];
}

function capacity({ environment }: History, requests: PodResources | undefined): string {
  const nodes = environment.kubernetes?.nodes ?? [];
  const request = requests?.cpuCores ?? null;
  if (nodes.length === 0 || request === null || request <= 0) return '';
  const total = nodes.reduce((sum, { cpuCores }) => sum + cpuCores, 0);
  return `; all nodes together have ${cores(total)} for pods, room for ${Math.floor(total / request)} of these by request`;
}

function keepIfClose(current: number | null, advised: number): number {
  return current !== null && Math.abs(advised / current - 1) <= CLOSE_ENOUGH ? current : advised;
}

function cores(value: number): string {
  return `${Number(value.toPrecision(3))} ${value === 1 ? 'core' : 'cores'}`;
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`;
}
