/** Whether the workload behind a selector has the replicas it wants. */
import type { KubernetesPort, PodView } from '../../src/clients/ports.ts';

export interface WorkloadLook {
  readonly pods: readonly PodView[];
  readonly ready: readonly PodView[];
  /** Replicas that the owning Deployment asks for now (an autoscaler may have changed them); null when no owner is known. */
  readonly wantedReplicas: number | null;
}

/** `deployment`: as {@link owningDeployment} told before the kill. */
export async function lookAtWorkload(
  kubernetes: KubernetesPort,
  selector: string,
  deployment: string | null,
): Promise<WorkloadLook> {
  const [pods, owner] = await Promise.all([
    kubernetes.fetchPods(selector),
    deployment === null ? Promise.resolve(null) : kubernetes.fetchDeployment(deployment),
  ]);
  return { pods, ready: pods.filter((pod) => pod.ready && !pod.deleting), wantedReplicas: owner?.replicas ?? null };
}

/** The Deployment that all these pods belong to, from `<deployment>-<pod-template-hash>`; null when there is none, or several. */
export function owningDeployment(pods: readonly PodView[]): string | null {
  const names = new Set(
    pods.map(({ owner, labels }) => {
      const hash = labels['pod-template-hash'];
      return owner?.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`)
        ? owner.name.slice(0, -hash.length - 1)
        : null;
    }),
  );
  const [name] = names;
  return names.size === 1 && name !== undefined ? name : null;
}
