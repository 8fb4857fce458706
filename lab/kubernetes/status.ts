/** What is there of a lab on Kubernetes. */
import { messageOf } from '../processes/lab-error.ts';
import { openCluster } from './cluster.ts';
import { nodeStatus } from './node/index.ts';
import { type KubernetesRecord, readKubernetesRecord } from './remove-lab.ts';

export interface KubernetesStatus {
  readonly place: KubernetesRecord['kind'];
  readonly namespace: string;
  /** Pods by name, with whether they are ready; null when the cluster cannot be asked. */
  readonly pods: readonly { readonly name: string; readonly phase: string; readonly ready: boolean }[] | null;
  /** Sentences for people. */
  readonly notes: readonly string[];
}

/** Null when the lab has not come so far as to touch a cluster. */
export async function describeKubernetesLab(dir: string): Promise<KubernetesStatus | null> {
  const record = readKubernetesRecord(dir);
  if (record === null) return null;
  const node = record.kind === 'node' ? await nodeStatus({ stateDir: record.stateDir }) : null;
  const told = node === null ? [] : [`node: ${node.state}, ${node.stateDir}`, ...node.notes];
  const source = record.kind === 'node' ? node?.connection : record;
  if (source === null || source === undefined) {
    return { place: record.kind, namespace: record.namespace, pods: null, notes: told };
  }
  try {
    const { items } = await openCluster(source).core.listNamespacedPod({ namespace: record.namespace });
    const pods = items
      // A job that has done its work is no part of what runs.
      .filter(({ status }) => status?.phase !== 'Succeeded')
      .map(({ metadata, status }) => ({
        name: metadata?.name ?? '',
        phase: status?.phase ?? 'Unknown',
        ready: status?.conditions?.some(({ type, status: held }) => type === 'Ready' && held === 'True') ?? false,
      }));
    const waiting = pods.filter(({ ready }) => !ready).map(({ name, phase }) => `${name} (${phase})`);
    const summary = `namespace ${record.namespace}: ${pods.length - waiting.length} of ${pods.length} pods ready`;
    const notes = [...told, waiting.length === 0 ? summary : `${summary}, not ${waiting.join(', ')}`];
    return { place: record.kind, namespace: record.namespace, pods, notes };
  } catch (error) {
    const notes = [...told, `the cluster does not answer: ${messageOf(error)}`];
    return { place: record.kind, namespace: record.namespace, pods: null, notes };
  }
}
