/** Columns by resource. Names and meanings are those of Kubernetes' own printers. */
import { humanDuration } from './duration.ts';
import { valueAt } from './json.ts';
import type {
  CoreEvent,
  Deployment,
  Endpoints,
  Hpa,
  KubeObject,
  Namespace,
  Node,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  Service,
  StatefulSet,
} from './objects.ts';
import type { PrinterColumn } from './resources.ts';
import { formatSelector } from './selectors.ts';

export interface Column {
  readonly name: string;
  readonly type?: 'string' | 'integer';
  readonly format?: 'name';
  /** 1: shown with `-o wide` only. */
  readonly priority?: number;
  readonly cell: (object: KubeObject, nowMs: number) => string | number;
}

const name: Column = { name: 'Name', format: 'name', cell: (object) => object.metadata.name };
const ageColumn: Column = { name: 'Age', cell: age };

/** The router only passes objects of the resource whose columns it asked for. */
function column<T extends KubeObject>(
  title: string,
  cell: (object: T, nowMs: number) => string | number,
  options: Omit<Column, 'name' | 'cell'> = {},
): Column {
  return { name: title, ...options, cell: (object, nowMs) => cell(object as T, nowMs) };
}

const wide = { priority: 1 } as const;
const integer = { type: 'integer' } as const;

interface Templated extends KubeObject {
  readonly spec: { readonly template: { readonly spec: Pod['spec'] } };
}
const containers = column<Templated>('Containers', (it) => it.spec.template.spec.containers.map((c) => c.name).join(','), wide);
const images = column<Templated>('Images', (it) => it.spec.template.spec.containers.map((c) => c.image).join(','), wide);

const columnsByResource: Readonly<Record<string, readonly Column[]>> = {
  pods: [
    name,
    column<Pod>('Ready', readyContainers),
    column<Pod>('Status', podReason),
    column<Pod>('Restarts', restarts),
    ageColumn,
    column<Pod>('IP', (pod) => pod.status.podIP ?? '<none>', wide),
    column<Pod>('Node', (pod) => pod.spec.nodeName ?? '<none>', wide),
    column<Pod>('Nominated Node', () => '<none>', wide),
    column<Pod>('Readiness Gates', () => '<none>', wide),
  ],
  deployments: [
    name,
    column<Deployment>('Ready', (it) => `${it.status.readyReplicas ?? 0}/${it.spec.replicas}`),
    column<Deployment>('Up-to-date', (it) => it.status.updatedReplicas ?? 0, integer),
    column<Deployment>('Available', (it) => it.status.availableReplicas ?? 0, integer),
    ageColumn,
    containers,
    images,
    column<Deployment>('Selector', (it) => formatSelector(it.spec.selector.matchLabels), wide),
  ],
  replicasets: [
    name,
    column<ReplicaSet>('Desired', (it) => it.spec.replicas, integer),
    column<ReplicaSet>('Current', (it) => it.status.replicas, integer),
    column<ReplicaSet>('Ready', (it) => it.status.readyReplicas ?? 0, integer),
    ageColumn,
    containers,
    images,
    column<ReplicaSet>('Selector', (it) => formatSelector(it.spec.selector.matchLabels), wide),
  ],
  statefulsets: [
    name,
    column<StatefulSet>('Ready', (it) => `${it.status.readyReplicas ?? 0}/${it.spec.replicas}`),
    ageColumn,
    containers,
    images,
  ],
  horizontalpodautoscalers: [
    name,
    column<Hpa>('Reference', (it) => `${it.spec.scaleTargetRef.kind}/${it.spec.scaleTargetRef.name}`),
    column<Hpa>('Targets', hpaTargets),
    column<Hpa>('MinPods', (it) => it.spec.minReplicas),
    column<Hpa>('MaxPods', (it) => it.spec.maxReplicas, integer),
    column<Hpa>('Replicas', (it) => it.status.currentReplicas ?? 0, integer),
    ageColumn,
  ],
  events: [
    column<CoreEvent>('Last Seen', (it, nowMs) => humanDuration(nowMs - Date.parse(it.lastTimestamp))),
    column<CoreEvent>('Type', (it) => it.type),
    column<CoreEvent>('Reason', (it) => it.reason),
    column<CoreEvent>('Object', (it) => `${it.involvedObject.kind.toLowerCase()}/${it.involvedObject.name}`),
    column<CoreEvent>('Subobject', (it) => it.involvedObject.fieldPath ?? '', wide),
    column<CoreEvent>('Source', (it) => it.source.component, wide),
    column<CoreEvent>('Message', (it) => it.message.trim()),
    column<CoreEvent>('First Seen', (it, nowMs) => humanDuration(nowMs - Date.parse(it.firstTimestamp)), wide),
    column<CoreEvent>('Count', (it) => it.count, { ...wide, ...integer }),
    { ...name, priority: 1 },
  ],
  poddisruptionbudgets: [
    name,
    column<PodDisruptionBudget>('Min Available', (it) => it.spec.minAvailable ?? 'N/A'),
    column<PodDisruptionBudget>('Max Unavailable', (it) => it.spec.maxUnavailable ?? 'N/A'),
    column<PodDisruptionBudget>('Allowed Disruptions', (it) => Number(it.status?.disruptionsAllowed ?? 0), integer),
    ageColumn,
  ],
  nodes: [
    name,
    column<Node>('Status', nodeStatus),
    column<Node>('Roles', () => '<none>'),
    ageColumn,
    column<Node>('Version', (it) => text(it, 'status.nodeInfo.kubeletVersion')),
    column<Node>('Internal-IP', () => '127.0.0.1', wide),
    column<Node>('External-IP', () => '<none>', wide),
    column<Node>('OS-Image', (it) => text(it, 'status.nodeInfo.osImage'), wide),
    column<Node>('Kernel-Version', (it) => text(it, 'status.nodeInfo.kernelVersion'), wide),
    column<Node>('Container-Runtime', (it) => text(it, 'status.nodeInfo.containerRuntimeVersion'), wide),
  ],
  namespaces: [name, column<Namespace>('Status', (it) => it.status.phase), ageColumn],
  services: [
    name,
    column<Service>('Type', (it) => it.spec.type),
    column<Service>('Cluster-IP', (it) => it.spec.clusterIP),
    column<Service>('External-IP', () => '<none>'),
    column<Service>('Port(s)', (it) => it.spec.ports.map((port) => `${port.port}/${port.protocol}`).join(',')),
    ageColumn,
    column<Service>('Selector', (it) => formatSelector(it.spec.selector), wide),
  ],
  endpoints: [name, column<Endpoints>('Endpoints', endpointAddresses), ageColumn],
};

/** `extra`: printer columns of a CustomResourceDefinition; with them the age is shown only when they name it, as in Kubernetes. */
export function columnsOf(plural: string, extra: readonly PrinterColumn[] = []): readonly Column[] {
  if (extra.length > 0) return [name, ...extra.map(printerColumn)];
  return columnsByResource[plural] ?? [name, ageColumn];
}

function printerColumn({ name: title, path, priority }: PrinterColumn): Column {
  return {
    name: title,
    priority,
    cell: (object, nowMs) => {
      if (path === 'metadata.creationTimestamp') return age(object, nowMs);
      const value = valueAt(object, path);
      return value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
    },
  };
}

function readyContainers(pod: Pod): string {
  const ready = (pod.status.containerStatuses ?? []).filter((status) => status.ready).length;
  return `${ready}/${pod.spec.containers.length}`;
}

function podReason(pod: Pod): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const state = pod.status.containerStatuses?.[0]?.state;
  if (state?.waiting !== undefined) return state.waiting.reason;
  if (state?.terminated !== undefined) return state.terminated.reason;
  return pod.status.phase;
}

function restarts(pod: Pod, nowMs: number): string {
  const status = pod.status.containerStatuses?.[0];
  const count = status?.restartCount ?? 0;
  const last = status?.lastState.terminated?.finishedAt;
  return count === 0 || last === undefined ? String(count) : `${count} (${humanDuration(nowMs - Date.parse(last))} ago)`;
}

function hpaTargets(hpa: Hpa): string {
  const targets = hpa.spec.metrics.map((metric, index) => {
    const current = valueAt(hpa.status.currentMetrics?.[index], 'resource.current.averageUtilization');
    const shown = typeof current === 'number' ? `${current}%` : '<unknown>';
    return `${metric.resource?.name ?? metric.type}: ${shown}/${metric.resource?.target.averageUtilization ?? '<unset>'}%`;
  });
  return targets.length === 0 ? '<none>' : targets.join(', ');
}

function nodeStatus(node: Node): string {
  const ready = hasReadyCondition(node) ? 'Ready' : 'NotReady';
  return node.spec.unschedulable === true ? `${ready},SchedulingDisabled` : ready;
}

function hasReadyCondition(node: Node): boolean {
  const conditions = valueAt(node, 'status.conditions');
  return (
    Array.isArray(conditions) && conditions.some((it) => valueAt(it, 'type') === 'Ready' && valueAt(it, 'status') === 'True')
  );
}

function endpointAddresses(endpoints: Endpoints): string {
  const shown = (endpoints.subsets ?? []).flatMap((subset) =>
    (subset.addresses ?? []).flatMap((address) => subset.ports.map((port) => `${address.ip}:${port.port}`)),
  );
  if (shown.length === 0) return '<none>';
  return shown.length <= 3 ? shown.join(',') : `${shown.slice(0, 3).join(',')} + ${shown.length - 3} more...`;
}

function text(object: KubeObject, path: string): string {
  const value = valueAt(object, path);
  return typeof value === 'string' ? value : '<unknown>';
}

function age(object: KubeObject, nowMs: number): string {
  return humanDuration(nowMs - Date.parse(object.metadata.creationTimestamp));
}
