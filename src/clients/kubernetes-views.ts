/** Kubernetes API objects reduced to what faults, observers and preflight look at. Pure. */
import type {
  CoreV1Event,
  V1Deployment,
  V1LabelSelector,
  V1Pod,
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricStatus,
} from '@kubernetes/client-node';
import type { DeploymentView, EventView, HpaView, PodView } from './ports.ts';

export function toPodView(pod: V1Pod): PodView {
  const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready');
  const isReady = ready?.status === 'True';
  const owner = pod.metadata?.ownerReferences?.find((reference) => reference.controller === true);
  return {
    name: pod.metadata?.name ?? '',
    uid: pod.metadata?.uid ?? '',
    phase: pod.status?.phase ?? 'Unknown',
    ready: isReady,
    restarts: (pod.status?.containerStatuses ?? []).reduce((sum, container) => sum + (container.restartCount ?? 0), 0),
    deleting: pod.metadata?.deletionTimestamp !== undefined,
    createdServerAt: epochMs(pod.metadata?.creationTimestamp) ?? 0,
    readyServerAt: isReady ? epochMs(ready.lastTransitionTime) : null,
    labels: pod.metadata?.labels ?? {},
    ...(owner === undefined ? {} : { owner: { kind: owner.kind, name: owner.name } }),
  };
}

export function toDeploymentView(deployment: V1Deployment): DeploymentView {
  return {
    name: deployment.metadata?.name ?? '',
    // Wanted, not existing: a Deployment without the field wants one.
    replicas: deployment.spec?.replicas ?? 1,
    readyReplicas: deployment.status?.readyReplicas ?? 0,
    updatedReplicas: deployment.status?.updatedReplicas ?? 0,
    selector: formatSelector(deployment.spec?.selector ?? {}),
  };
}

/** The text form that `labelSelector` of the API takes. */
export function formatSelector(selector: V1LabelSelector): string {
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [...labels, ...expressions].join(',');
}

export function toHpaView(hpa: V2HorizontalPodAutoscaler): HpaView {
  const spec = hpa.spec?.metrics?.[0];
  const status = spec === undefined ? undefined : hpa.status?.currentMetrics?.find((current) => isSameMetric(spec, current));
  return {
    name: hpa.metadata?.name ?? '',
    currentReplicas: hpa.status?.currentReplicas ?? 0,
    desiredReplicas: hpa.status?.desiredReplicas ?? 0,
    minReplicas: hpa.spec?.minReplicas ?? 1,
    maxReplicas: hpa.spec?.maxReplicas ?? 0,
    metric: spec === undefined ? 'none' : metricName(spec),
    currentValue: status === undefined ? null : metricValue(metricPart(status)?.current),
    targetValue: spec === undefined ? null : metricValue(metricPart(spec)?.target),
    conditions: (hpa.status?.conditions ?? []).map(({ type, status: state, reason, message }) => ({
      type,
      status: state,
      reason: reason ?? '',
      message: message ?? '',
    })),
    behavior: JSON.parse(JSON.stringify(hpa.spec?.behavior ?? {})) as Readonly<Record<string, unknown>>,
  };
}

type MetricParts = Pick<V2MetricSpec, 'type' | 'resource' | 'containerResource' | 'pods' | 'object' | 'external'>;
type MetricStatusParts = Pick<V2MetricStatus, 'type' | 'resource' | 'containerResource' | 'pods' | 'object' | 'external'>;

function metricPart<Spec extends MetricParts | MetricStatusParts>(metric: Spec) {
  return (metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external) as
    | (NonNullable<V2MetricSpec['resource']> & NonNullable<V2MetricStatus['resource']>)
    | undefined;
}

function metricName(metric: MetricParts | MetricStatusParts): string {
  const named = metric.resource?.name ?? metric.containerResource?.name;
  return named ?? (metric.pods ?? metric.object ?? metric.external)?.metric.name ?? metric.type;
}

function isSameMetric(spec: V2MetricSpec, status: V2MetricStatus): boolean {
  return spec.type === status.type && metricName(spec) === metricName(status);
}

/** Utilisation in percent when the metric has one, else the quantity. */
function metricValue(
  value: { readonly averageUtilization?: number; readonly averageValue?: string; readonly value?: string } | undefined,
): number | null {
  if (value === undefined) return null;
  if (value.averageUtilization !== undefined) return value.averageUtilization;
  const quantity = value.averageValue ?? value.value;
  return quantity === undefined ? null : parseQuantity(quantity);
}

export function toEventView(event: CoreV1Event): EventView {
  const { kind = '', name = '' } = event.involvedObject ?? {};
  return {
    reason: event.reason ?? '',
    object: `${kind}/${name}`,
    message: event.message ?? '',
    count: event.series?.count ?? event.count ?? 1,
    serverAt:
      epochMs(event.series?.lastObservedTime) ??
      epochMs(event.lastTimestamp) ??
      epochMs(event.eventTime) ??
      epochMs(event.firstTimestamp) ??
      epochMs(event.metadata?.creationTimestamp) ??
      0,
  };
}

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A Kubernetes quantity (`250m`, `64Mi`, `1e3`) as a number of cores or bytes; NaN when it is none. */
export function parseQuantity(text: string): number {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]?|[KMGTPE]i)$/.exec(text.trim());
  const factor = SUFFIXES[match?.[2] ?? ''];
  return match?.[1] === undefined || factor === undefined ? Number.NaN : Number(match[1]) * factor;
}

function epochMs(date: Date | string | undefined): number | null {
  if (date === undefined || date === null) return null;
  const ms = new Date(date).getTime();
  return Number.isNaN(ms) ? null : ms;
}
