/** The Kubernetes API of a lab: which workloads it has, and how its autoscaler is set. */
import { randomUUID } from 'node:crypto';
import { writeSecret } from './lab-folder.ts';
import type { PodIdentity, PodRuntime, Sabotage } from './pod-runtime.ts';

export interface KubernetesSideOptions {
  readonly name: string;
  readonly kubeconfigPath: string;
  readonly runtime: PodRuntime;
  readonly workers: { readonly min: number; readonly max: number };
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
  };
  close(): Promise<void>;
}

/** Keeps the fixed number of pods alive until the API takes over. */
export async function startKubernetesSide(options: KubernetesSideOptions): Promise<KubernetesSide> {
  writeSecret(options.kubeconfigPath, '');
  const { runtime } = options;
  const pods = new Map<string, PodIdentity>();
  let closed = false;
  const start = (workload: string, name: string): void => {
    const pod = { workload, name, uid: randomUUID() };
    pods.set(pod.uid, pod);
    runtime.start(pod).catch((error: unknown) => options.log(String(error)));
  };
  runtime.onChange((uid) => {
    const pod = pods.get(uid);
    if (closed || pod === undefined || runtime.status(uid)?.state !== 'exited') return;
    pods.delete(uid);
    start(pod.workload, pod.name);
  });
  for (const name of ['postgres-0', 'postgres-1']) start('postgres', name);
  for (let index = 0; index < options.workers.min; index++) start('erp', `erp-${index}`);
  return {
    names: { context: `peakproof-lab-${options.name}`, namespace: 'erp', deployment: 'erp', hpa: 'erp', selector: 'app=erp' },
    async close() {
      closed = true;
    },
  };
}
