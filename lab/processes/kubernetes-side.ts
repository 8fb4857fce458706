/** The Kubernetes API of a lab: which workloads it has, and how its autoscaler is set. */
import { startKubernetesApi } from './kubernetes/api.ts';
import { messageOf } from './lab-error.ts';
import type { PatroniCluster } from './patroni/cluster.ts';
import type { PodRuntime, Sabotage } from './pod-runtime.ts';

export interface KubernetesSideOptions {
  readonly name: string;
  readonly kubeconfigPath: string;
  readonly port: number;
  readonly runtime: PodRuntime;
  readonly cluster: PatroniCluster;
  readonly workers: { readonly min: number; readonly max: number };
  readonly nodes: number;
  readonly sabotage: Sabotage;
  readonly log: (text: string) => void;
}

export interface KubernetesSide {
  readonly names: {
    readonly context: string;
    readonly namespace: string;
    readonly deployment: string;
    readonly hpa: string;
    readonly selector: string;
    readonly hpaSyncSeconds: number;
  };
  /** Stops serving and controlling; the pods' processes stay. */
  close(): Promise<void>;
}

/** Busy share of the workers, in percent, that the autoscaler aims at. */
const TARGET_BUSY_PERCENT = 60;
// Kubernetes takes 15 s for both; a peak of a few minutes would be half over before the first decision.
const SYNC_PERIOD_MS = 3_000;
const METRIC_RESOLUTION_MS = 3_000;

export async function startKubernetesSide(options: KubernetesSideOptions): Promise<KubernetesSide> {
  const { runtime, workers } = options;
  const api = await startKubernetesApi({
    name: options.name,
    kubeconfigPath: options.kubeconfigPath,
    port: options.port,
    runtime,
    sabotage: options.sabotage,
    workloads: [
      {
        kind: 'StatefulSet',
        name: 'postgres',
        replicas: 2,
        podManagementPolicy: 'Parallel',
        containerPort: 5432,
        requestMilliCpu: 500,
      },
      {
        kind: 'Deployment',
        name: 'erp',
        replicas: workers.min,
        containerPort: 8069,
        readinessPath: '/web/health',
        requestMilliCpu: 1000,
      },
    ],
    autoscalers: [
      {
        target: 'erp',
        minReplicas: workers.min,
        maxReplicas: workers.max,
        targetUtilization: TARGET_BUSY_PERCENT,
        behavior: {
          scaleUp: {
            stabilizationWindowSeconds: 0,
            selectPolicy: 'Max',
            policies: [
              { type: 'Percent', value: 100, periodSeconds: 15 },
              { type: 'Pods', value: 2, periodSeconds: 15 },
            ],
          },
          scaleDown: {
            stabilizationWindowSeconds: 15,
            selectPolicy: 'Max',
            policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }],
          },
        },
      },
    ],
    disruptionBudgets: [{ name: 'erp', maxUnavailable: 1 }],
    nodes: options.nodes,
    syncPeriodMs: SYNC_PERIOD_MS,
    metricResolutionMs: METRIC_RESOLUTION_MS,
    // A worker of the lab is up in a second; Kubernetes allows for minutes.
    hpaTiming: { cpuInitializationPeriodMs: 15_000, initialReadinessDelayMs: 3_000 },
    restartBackoff: { initialMs: 1_000, maxMs: 30_000, resetAfterMs: 60_000 },
    onError: (error) => options.log(`kubernetes: ${messageOf(error)}`),
  });

  /** Patroni on Kubernetes labels its pods with their roles. */
  let announced = options.cluster.leader?.name ?? null;
  const label = (): void => {
    const leader = options.cluster.leader?.name ?? null;
    for (const pod of api.snapshot().pods) {
      const { name, labels } = pod.metadata;
      if (labels?.app !== 'postgres') continue;
      const role = name === leader ? 'primary' : 'replica';
      if (labels.role !== role) api.setPodLabel(name, 'role', role);
    }
    if (leader === null || leader === announced) return;
    announced = leader;
    const message = `${leader} is the primary`;
    api.addEvent({ kind: 'Pod', name: leader, reason: 'LeaderChanged', message, component: 'patroni' });
  };
  runtime.onChange(label);
  const timer = setInterval(label, 1_000);
  return {
    names: {
      context: api.contextName,
      namespace: api.namespace,
      deployment: 'erp',
      hpa: 'erp',
      selector: 'app=erp',
      hpaSyncSeconds: SYNC_PERIOD_MS / 1000,
    },
    async close() {
      clearInterval(timer);
      await api.close({ stopPods: false });
    },
  };
}
