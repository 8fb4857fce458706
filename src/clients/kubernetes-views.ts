/** Kubernetes API objects reduced to what faults, observers and preflight look at. Pure. */
import type { CoreV1Event, V1Deployment, V1LabelSelector, V1Pod } from '@kubernetes/client-node';
import type { DeploymentView, EventView, PodView } from './ports.ts';

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
    ...momentsOf(pod),
    ...resourcesOf(pod),
    labels: pod.metadata?.labels ?? {},
    ...(pod.status?.podIP === undefined ? {} : { ip: pod.status.podIP }),
    ...(owner === undefined ? {} : { owner: { kind: owner.kind, name: owner.name } }),
    ...waitingMessageOf(pod),
  };
}

function waitingMessageOf({ status }: V1Pod): Pick<PodView, 'waitingMessage'> {
  const unscheduled = status?.conditions?.find(({ type, status: held }) => type === 'PodScheduled' && held === 'False');
  const container = status?.containerStatuses?.find(({ state }) => state?.waiting?.reason !== undefined);
  const message = unscheduled?.message ?? container?.state?.waiting?.message;
  return message === undefined ? {} : { waitingMessage: message };
}

/** When it was given a node and when its containers ran, by the clocks of scheduler and kubelet (whole seconds). */
function momentsOf(pod: V1Pod): Pick<PodView, 'scheduledServerAt' | 'startedServerAt' | 'waiting' | 'node'> {
  const { conditions = [], containerStatuses = [] } = pod.status ?? {};
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  const started = containerStatuses.map(({ state }) => epochMs(state?.running?.startedAt));
  const waiting =
    scheduled?.status === 'False'
      ? scheduled.reason
      : containerStatuses.map(({ state }) => state?.waiting?.reason).find((reason) => reason !== undefined);
  const node = pod.spec?.nodeName;
  return {
    scheduledServerAt: scheduled?.status === 'True' ? epochMs(scheduled.lastTransitionTime) : null,
    startedServerAt: started.length > 0 && started.every((at) => at !== null) ? Math.max(...started.map((at) => at ?? 0)) : null,
    ...(waiting === undefined ? {} : { waiting }),
    ...(node === undefined ? {} : { node }),
  };
}

/** Sums over the containers; null when any of them sets none, since the sum would then say nothing. */
function resourcesOf(pod: V1Pod): Pick<PodView, 'requests' | 'limits'> {
  const containers = pod.spec?.containers ?? [];
  if (containers.length === 0) return {};
  const sum = (which: 'requests' | 'limits', what: 'cpu' | 'memory'): number | null => {
    const values = containers.map(({ resources }) => resources?.[which]?.[what]);
    return values.some((value) => value === undefined)
      ? null
      : values.reduce((total, value) => total + parseQuantity(value ?? '0'), 0);
  };
  return {
    requests: { cpuCores: sum('requests', 'cpu'), memoryBytes: sum('requests', 'memory') },
    limits: { cpuCores: sum('limits', 'cpu'), memoryBytes: sum('limits', 'memory') },
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

/** `1m0.2s` or `14.5s` of the metrics API; null when it is no such duration. */
export function goDurationMs(text: string): number | null {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?$/.exec(text.trim());
  if (match === null || text.trim() === '') return null;
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  return Math.round((Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000);
}

/** Null: not given, or no time. */
export function epochMs(date: Date | string | undefined): number | null {
  if (date === undefined || date === null) return null;
  const ms = new Date(date).getTime();
  return Number.isNaN(ms) ? null : ms;
}
