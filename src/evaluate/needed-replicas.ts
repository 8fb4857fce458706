/** How many replicas the load needed, by the autoscaler's own rule, before minimum, maximum and behavior. */
import type { PodObservation, PodUse } from '../model/run-records.ts';
import { hpaLooks } from './autoscaling-looks.ts';
import { type HpaLook, metricResolution, metricsOf, ratioOf, toleranceOf } from './autoscaling-metric.ts';
import type { History } from './history.ts';

export interface Need {
  readonly at: number;
  readonly replicas: number;
}

/**
 * From what all pods together used, where the autoscaler counts cpu: a new pod without figures then counts nothing, as it does
 * for the autoscaler. Otherwise from its status, without the looks at which its average may still be that of fewer pods.
 */
export function neededOverTime(history: History): readonly Need[] {
  const looks = hpaLooks(history);
  const byUse = neededByUse(looks.at(-1), history);
  return byUse ?? neededByStatus(looks, history);
}

/** Null: it scales on something else, or the figures are missing. */
function neededByUse(look: HpaLook | undefined, history: History): readonly Need[] | null {
  const [metric, ...others] = look === undefined ? [] : metricsOf(look);
  if (
    metric === undefined ||
    others.length > 0 ||
    metric.type !== 'Resource' ||
    metric.name !== 'cpu' ||
    metric.target === null
  ) {
    return null;
  }
  const { target, targetKind } = metric;
  const tolerance = toleranceOf(history.environment);
  const needs = totalUses(history).flatMap(({ at, cores, pods, requestCores }): readonly Need[] => {
    const perPod = targetKind === 'Utilization' ? (requestCores ?? 0) * (target / 100) : target;
    if (perPod <= 0 || pods === 0) return [];
    return [{ at, replicas: byRule(pods, cores / perPod / pods, tolerance) }];
  });
  return needs.length === 0 ? null : needs;
}

function neededByStatus(looks: readonly HpaLook[], history: History): readonly Need[] {
  const tolerance = toleranceOf(history.environment);
  const settleMs = metricResolution(history).ms;
  let changedAt = Number.NEGATIVE_INFINITY;
  let before: number | null = null;
  return looks.flatMap((look): readonly Need[] => {
    if (before !== null && look.currentReplicas !== before) changedAt = look.at;
    before = look.currentReplicas;
    const ratio = ratioOf(look);
    return ratio === null || look.at - changedAt < settleMs
      ? []
      : [{ at: look.at, replicas: byRule(look.currentReplicas, ratio, tolerance) }];
  });
}

function byRule(current: number, ratio: number, tolerance: number): number {
  return Math.abs(ratio - 1) <= tolerance ? current : Math.ceil(current * ratio - 1e-9);
}

export interface TotalUse {
  readonly at: number;
  readonly cores: number;
  readonly pods: number;
  /** Of one pod; null when it has no request. */
  readonly requestCores: number | null;
}

/** Use of all pods that were there, each with its newest figure, whenever one of them had a new one. */
export function totalUses(history: History): readonly TotalUse[] {
  const latest = new Map<string, PodUse>();
  const totals: TotalUse[] = [];
  let pods: readonly PodObservation[] = [];
  for (const look of history.observations) {
    if (look.source === 'pods') pods = look.pods.filter(({ deleting }) => !deleting);
    if (look.source !== 'pod-metrics') continue;
    for (const use of look.pods) latest.set(use.name, use);
    totals.push({
      at: look.at,
      cores: pods.reduce((sum, { name }) => sum + (latest.get(name)?.cpuCores ?? 0), 0),
      pods: pods.length,
      requestCores: pods[0]?.requests?.cpuCores ?? null,
    });
  }
  return totals;
}
