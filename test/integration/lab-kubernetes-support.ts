/** A lab API over small real processes, in its own folder, for the integration tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type KubernetesApi, startKubernetesApi } from '../../lab/processes/kubernetes/api.ts';
import type { KubernetesApiOptions } from '../../lab/processes/kubernetes/options.ts';
import { SmallProcessRuntime } from '../fakes/lab-pod-runtime.ts';

export interface LabCluster {
  readonly api: KubernetesApi;
  readonly runtime: SmallProcessRuntime;
  readonly kubeconfigPath: string;
  readonly folder: string;
  readonly errors: readonly unknown[];
  /** Stops everything and removes the folder; gives the pids that are still alive, which should be none. */
  dispose(): Promise<readonly number[]>;
}

export async function aLabCluster(change: Partial<KubernetesApiOptions> = {}): Promise<LabCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'peakproof-kubernetes-'));
  const kubeconfigPath = join(folder, 'kubeconfig');
  const runtime = new SmallProcessRuntime();
  const errors: unknown[] = [];
  const api = await startKubernetesApi({
    name: 'test',
    kubeconfigPath,
    runtime,
    workloads: [
      { kind: 'Deployment', name: 'erp', replicas: 2, containerPort: 8069 },
      { kind: 'StatefulSet', name: 'postgres', replicas: 2, containerPort: 5432 },
    ],
    autoscalers: [
      {
        target: 'erp',
        minReplicas: 2,
        maxReplicas: 6,
        targetUtilization: 60,
        behavior: { scaleDown: { stabilizationWindowSeconds: 2 } },
      },
    ],
    syncPeriodMs: 600_000,
    metricResolutionMs: 200,
    onError: (error) => errors.push(error),
    ...change,
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const dispose = async () => {
    await api.close({ graceSeconds: 1 });
    await rm(folder, { recursive: true, force: true });
    return runtime.livePids();
  };
  const cluster = { api, runtime, kubeconfigPath, folder, errors, dispose };
  try {
    const wanted = (change.workloads ?? [{ replicas: 4 }]).reduce((sum, { replicas }) => sum + replicas, 0);
    await until('every pod is ready', () => readyPods(cluster) === wanted);
  } catch (error) {
    await dispose();
    throw error;
  }
  return cluster;
}

export function readyPods({ api }: Pick<LabCluster, 'api'>): number {
  return api
    .snapshot()
    .pods.filter((pod) => pod.status.containerStatuses?.[0]?.ready && pod.metadata.deletionTimestamp === undefined).length;
}

export async function until(what: string, done: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error(`timed out after ${timeoutMs} ms waiting until ${what}`);
    await delay(20);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** The process behind a pod, from its container's ID. */
export function pidOf(cluster: LabCluster, name: string): number {
  const pod = cluster.api.snapshot().pods.find((it) => it.metadata.name === name);
  return Number(pod?.status.containerStatuses?.[0]?.containerID?.replace('process://', ''));
}
