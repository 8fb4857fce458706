/** What an autoscaler scales on, and how far its metrics are above their targets. */
import type { EnvironmentRecord, HpaMetric, Observation, PodObservation, PodUse } from '../model/run-records.ts';
import type { History } from './history.ts';
import { nearestRank } from './percentile.ts';
import { recordOf } from './plain.ts';

export type HpaLook = Extract<Observation, { readonly source: 'hpa' }>;
export type PodsLook = Extract<Observation, { readonly source: 'pods' }>;

/** `--horizontal-pod-autoscaler-tolerance` of Kubernetes, which no API tells. */
const DEFAULT_TOLERANCE = 0.1;

/** `--metric-resolution` of metrics-server, where nothing better was measured. */
const DEFAULT_RESOLUTION_MS = 15_000;

/** Fewer distances between two samples say nothing about their rhythm. */
const MIN_DISTANCES = 3;

/** Older runs hold the first metric only. */
export function metricsOf(look: HpaLook): readonly HpaMetric[] {
  if (look.metrics !== undefined) return look.metrics;
  const { metric: name, currentValue: current, targetValue: target } = look;
  return [{ type: 'Resource', name, of: '', targetKind: 'Utilization', target, current }];
}

/** The largest current / target of its metrics: the one that decides. Null: none is known. */
export function ratioOf(look: HpaLook): number | null {
  const ratios = metricsOf(look).flatMap(({ current, target }) =>
    current === null || target === null || target <= 0 ? [] : [current / target],
  );
  return ratios.length === 0 ? null : Math.max(...ratios);
}

/** `behavior.scaleUp.tolerance` (a quantity) where it is set, else the default of Kubernetes. */
export function toleranceOf(environment: EnvironmentRecord): number {
  const behavior = recordOf(environment.kubernetes?.hpa?.behavior);
  const given = Number(recordOf(behavior?.scaleUp)?.tolerance ?? Number.NaN);
  return Number.isFinite(given) ? given : DEFAULT_TOLERANCE;
}

export function describeMetric({ type, name, of, targetKind, target }: HpaMetric): string {
  const value = target === null ? 'no target' : Number(target.toPrecision(6));
  const goal =
    targetKind === 'Utilization'
      ? `${value} % of the request`
      : targetKind === 'AverageValue'
        ? `${value} on average a pod`
        : `${value}`;
  const about = of === '' ? '' : ` of ${of}`;
  switch (type) {
    case 'Resource':
      return `${name}: ${goal}`;
    case 'ContainerResource':
      return `${name} of container ${of}: ${goal}`;
    case 'Pods':
      return `pod metric ${name}${about}: ${goal}`;
    case 'Object':
      return `object metric ${name}${about}: ${goal}`;
    case 'External':
      return `external metric ${name}${about}: ${goal}`;
    default:
      return `${type} ${name}${about}: ${goal}`;
  }
}

export interface Seen {
  readonly at: number;
  readonly source: string;
}

/** The first look of the metrics API itself that shows a resource of the pods above its target; null: none did, or none was made. */
export function seenInMetricsApi(
  metrics: readonly HpaMetric[],
  history: History,
  span: { fromAt: number; untilAt: number },
): Seen | null {
  const limits = metrics.filter(({ type, target }) => type === 'Resource' && target !== null);
  if (limits.length === 0) return null;
  const tolerance = toleranceOf(history.environment);
  const latest = new Map<string, PodUse>();
  let pods: readonly PodObservation[] = [];
  for (const look of history.observations) {
    if (look.at > span.untilAt) return null;
    if (look.source === 'pods') pods = look.pods;
    if (look.source !== 'pod-metrics') continue;
    for (const use of look.pods) latest.set(use.name, use);
    if (look.at < span.fromAt) continue;
    const above = limits.find((metric) => (resourceRatio(metric, pods, latest) ?? 0) > 1 + tolerance);
    if (above !== undefined) return { at: look.at, source: `metrics API (${above.name}), clock of the harness` };
  }
  return null;
}

/** As the autoscaler counts: use of the pods that have figures over what these request. */
function resourceRatio(
  { name, targetKind, target }: HpaMetric,
  pods: readonly PodObservation[],
  uses: ReadonlyMap<string, PodUse>,
): number | null {
  let used = 0;
  let requested = 0;
  let counted = 0;
  for (const pod of pods) {
    const use = uses.get(pod.name);
    const amount = name === 'memory' ? use?.memoryBytes : use?.cpuCores;
    const request = name === 'memory' ? pod.requests?.memoryBytes : pod.requests?.cpuCores;
    if (amount === undefined || amount === null) continue;
    if (targetKind === 'Utilization' && (request === undefined || request === null)) return null;
    used += amount;
    requested += request ?? 0;
    counted += 1;
  }
  if (counted === 0 || target === null) return null;
  return targetKind === 'Utilization' ? used / requested / (target / 100) : used / counted / target;
}

export interface MetricResolution {
  readonly ms: number;
  readonly text: string;
}

/** How often the metrics API has new figures: the usual distance of the samples of a pod. */
export function metricResolution(history: History): MetricResolution {
  const last = new Map<string, number>();
  const distances: number[] = [];
  for (const look of history.observations) {
    if (look.source !== 'pod-metrics') continue;
    for (const { name, serverAt } of look.pods) {
      if (serverAt === null) continue;
      const before = last.get(name);
      if (before !== undefined && serverAt > before) distances.push(serverAt - before);
      last.set(name, serverAt);
    }
  }
  const usual = distances.length < MIN_DISTANCES ? null : nearestRank(distances, 50);
  if (usual === null)
    return { ms: DEFAULT_RESOLUTION_MS, text: `${DEFAULT_RESOLUTION_MS / 1_000} s (assumed, the default of metrics-server)` };
  return { ms: usual, text: `${usual / 1_000} s (measured)` };
}
