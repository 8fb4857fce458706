/** Whether pods that were taken away are gone and replaced, whoever took them: kill-pods, Litmus. */
import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { Clock, KubernetesPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { Proof, Revert } from '../fault.ts';
import { lookAtWorkload, type WorkloadLook } from './workload.ts';

export interface PodName {
  readonly name: string;
  readonly uid: string;
}

export interface TakenPods {
  readonly selector: string;
  /** Owner of the pods, as `owningDeployment` told; null: none known. */
  readonly deployment: string | null;
  /** UIDs of all pods of the selector before the first was taken. */
  readonly before: readonly string[];
  readonly taken: readonly PodName[];
}

interface Waits {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Proven by UIDs: those taken are gone, and as many others are ready as the first population lost. */
export async function proveReplaced(kubernetes: KubernetesPort, pods: TakenPods, waits: Waits): Promise<Proof> {
  const { selector, deployment, before, taken } = pods;
  const known = new Set([...before, ...taken.map(({ uid }) => uid)]);
  const gone = new Set(taken.map(({ uid }) => uid));
  // Replacements that were killed in a later round are replaced in their turn: what counts is the loss of the first population.
  const owed = before.filter((uid) => gone.has(uid)).length;
  const judge = (look: WorkloadLook) => {
    const left = look.pods.filter(({ uid }) => gone.has(uid)).map(({ name }) => name);
    const replacements = look.ready.filter(({ uid }) => !known.has(uid)).map(({ name }) => name);
    const scaledIn = look.wantedReplicas !== null && look.ready.length >= look.wantedReplicas;
    return { left, replacements, proven: left.length === 0 && (replacements.length >= owed || scaledIn) };
  };
  const tell = (look: WorkloadLook): string[] => {
    const { left, replacements } = judge(look);
    return [
      left.length === 0
        ? `gone: ${taken.map(({ name, uid }) => `${name} (${uid})`).join(', ')}`
        : `still there: ${left.join(', ')}`,
      `${replacements.length} of ${owed} replacements ready${replacements.length === 0 ? '' : `: ${replacements.join(', ')}`}`,
    ];
  };
  try {
    const look = await awaitCondition('killed pods replaced', () => lookAtWorkload(kubernetes, selector, deployment), {
      until: (seen) => judge(seen).proven,
      describe: (seen) => tell(seen).join('; '),
      ...waits,
    });
    return { proven: true, evidence: tell(look) };
  } catch (error) {
    if (error instanceof HarnessError) return { proven: false, evidence: [error.message] };
    throw error;
  }
}

export interface WantedPods {
  readonly selector: string;
  readonly deployment: string | null;
  /** Wanted when no owner tells. */
  readonly replicas: number;
}

/** Waits until the workload has the replicas that it wants now. */
export async function awaitReplicas(
  kubernetes: KubernetesPort,
  { selector, deployment, replicas }: WantedPods,
  waits: Waits,
): Promise<Revert> {
  const wanted = (look: WorkloadLook): number => look.wantedReplicas ?? replicas;
  try {
    const look = await awaitCondition('all replicas ready', () => lookAtWorkload(kubernetes, selector, deployment), {
      until: (seen) => seen.ready.length >= wanted(seen),
      describe: (seen) => `${seen.ready.length} of ${wanted(seen)} pods ${selector} ready`,
      ...waits,
    });
    return { complete: true, detail: `${look.ready.length} of ${wanted(look)} pods ${selector} ready` };
  } catch (error) {
    if (error instanceof HarnessError) return { complete: false, detail: error.message };
    throw error;
  }
}
