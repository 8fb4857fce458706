/** The objects that exist from the start: namespace, node, workloads, services, autoscalers. */
import { availableParallelism, hostname, release, totalmem } from 'node:os';
import { timestamp } from './clock.ts';
import { defaultedBehavior } from './defaults.ts';
import { serverVersion } from './discovery.ts';
import { newUid } from './naming.ts';
import type {
  Deployment,
  Hpa,
  Namespace,
  Node,
  ObjectMeta,
  PodDisruptionBudget,
  PodTemplate,
  Service,
  StatefulSet,
} from './objects.ts';
import type { AutoscalerOptions, DisruptionBudgetOptions, WorkloadOptions } from './options.ts';
import { formatKibibytes, formatMilliCpu } from './quantity.ts';

export const nodeName = 'peakproof-lab-node';

/** All of them are this machine: they differ in nothing but their names and what is scheduled on them. */
export function nodeNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? nodeName : `${nodeName}-${index + 1}`));
}

export function imageOfWorkload({ name, image }: Pick<WorkloadOptions, 'name' | 'image'>): string {
  return image ?? `peakproof-lab/${name}`;
}

function meta(name: string, namespace: string | undefined, nowMs: number, labels?: Readonly<Record<string, string>>): ObjectMeta {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: newUid(),
    creationTimestamp: timestamp(nowMs),
    ...(labels === undefined ? {} : { labels }),
  };
}

function labelsOf(workload: WorkloadOptions): Readonly<Record<string, string>> {
  return workload.labels ?? { app: workload.name };
}

function templateOf(workload: WorkloadOptions): PodTemplate {
  const port = workload.containerPort;
  return {
    metadata: { labels: labelsOf(workload) },
    spec: {
      containers: [
        {
          name: workload.name,
          image: imageOfWorkload(workload),
          imagePullPolicy: 'Never',
          resources: { requests: { cpu: formatMilliCpu(workload.requestMilliCpu ?? 1000) } },
          ...(port === undefined ? {} : { ports: [{ name: 'main', containerPort: port, protocol: 'TCP' }] }),
          ...(port === undefined || workload.readinessPath === undefined
            ? {}
            : { readinessProbe: readinessProbe(workload.readinessPath, port) }),
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: workload.terminationGracePeriodSeconds ?? 30,
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
    },
  };
}

function readinessProbe(path: string, port: number): object {
  return {
    httpGet: { path, port, scheme: 'HTTP' },
    periodSeconds: 1,
    timeoutSeconds: 3,
    successThreshold: 1,
    failureThreshold: 3,
  };
}

export function newDisruptionBudget(budget: DisruptionBudgetOptions, namespace: string, nowMs: number): PodDisruptionBudget {
  const { name, maxUnavailable, minAvailable, labels } = budget;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { ...meta(name, namespace, nowMs), generation: 1 },
    spec: {
      ...(minAvailable === undefined ? {} : { minAvailable }),
      ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
      selector: { matchLabels: labels ?? { app: name } },
    },
  };
}

export function newDeployment(workload: WorkloadOptions, namespace: string, nowMs: number): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...meta(workload.name, namespace, nowMs, labelsOf(workload)), generation: 1 },
    spec: {
      replicas: workload.replicas,
      selector: { matchLabels: labelsOf(workload) },
      template: templateOf(workload),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status: {},
  };
}

export function newStatefulSet(workload: WorkloadOptions, namespace: string, nowMs: number): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { ...meta(workload.name, namespace, nowMs, labelsOf(workload)), generation: 1 },
    spec: {
      replicas: workload.replicas,
      selector: { matchLabels: labelsOf(workload) },
      serviceName: workload.name,
      podManagementPolicy: workload.podManagementPolicy ?? 'OrderedReady',
      updateStrategy: { type: 'OnDelete' },
      revisionHistoryLimit: 10,
      template: templateOf(workload),
    },
    status: { replicas: 0 },
  };
}

export function newService(workload: WorkloadOptions, namespace: string, nowMs: number): Service {
  const port = workload.containerPort ?? 80;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta(workload.name, namespace, nowMs, labelsOf(workload)),
    spec: {
      type: 'ClusterIP',
      clusterIP: 'None',
      clusterIPs: ['None'],
      selector: labelsOf(workload),
      ports: [{ name: 'main', port, protocol: 'TCP', targetPort: port }],
      sessionAffinity: 'None',
    },
    status: { loadBalancer: {} },
  };
}

export function newAutoscaler(options: AutoscalerOptions, namespace: string, nowMs: number): Hpa {
  const behavior = defaultedBehavior(options.behavior);
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { ...meta(options.name ?? options.target, namespace, nowMs), generation: 1 },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: options.target },
      minReplicas: options.minReplicas,
      maxReplicas: options.maxReplicas,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: options.targetUtilization } },
        },
      ],
      ...(behavior === undefined ? {} : { behavior }),
    },
    status: { desiredReplicas: 0, currentMetrics: null },
  };
}

export function newNamespace(name: string, nowMs: number): Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: meta(name, undefined, nowMs, { 'kubernetes.io/metadata.name': name }),
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

/**
 * A pod's cpu is here the share of its time in which it serves (`metrics.ts`), not processor time: what its node can give does
 * not end with the processors of this machine.
 */
const SERVING_CORES = 16;

/** A node is this machine; nothing is scheduled by requests, so they may add up to more than it has. */
export function newNode(name: string, nowMs: number): Node {
  const now = timestamp(nowMs);
  const cpu = String(Math.max(availableParallelism(), SERVING_CORES));
  const capacity = { cpu, memory: formatKibibytes(totalmem()), pods: '110' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: meta(name, undefined, nowMs, { 'kubernetes.io/hostname': name, 'kubernetes.io/os': process.platform }),
    spec: {},
    status: {
      capacity,
      allocatable: capacity,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'the lab runs pods as processes of this machine',
          lastHeartbeatTime: now,
          lastTransitionTime: now,
        },
      ],
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: hostname() },
      ],
      nodeInfo: {
        kubeletVersion: serverVersion.gitVersion,
        kubeProxyVersion: '',
        osImage: process.platform,
        operatingSystem: process.platform,
        architecture: process.arch,
        kernelVersion: release(),
        containerRuntimeVersion: 'process://1',
        machineID: '',
        systemUUID: '',
        bootID: '',
      },
    },
  };
}
