/** Evicts pods side by side; what a disruption budget refuses is tried again until a deadline, and counted. */
import type { KubernetesNodes } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { FaultContext } from '../fault.ts';

export interface EvictedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface Refusals {
  readonly pod: EvictedPod;
  readonly budget: string | null;
  readonly count: number;
  /** The API's own words, the last time. */
  readonly message: string;
}

/** Filled while the drain lasts; read by the proof. */
export interface DrainProgress {
  readonly accepted: Set<string>;
  /** By UID. */
  readonly refusals: Map<string, Refusals>;
  /** Errors that ended the tries for a pod. */
  readonly failures: Map<string, string>;
  ended: boolean;
}

export function newDrainProgress(): DrainProgress {
  return { accepted: new Set(), refusals: new Map(), failures: new Map(), ended: false };
}

/** `kubectl drain` waits 5 s; a budget that allows one pod at a time is to hold up a drain for no longer than it must. */
const RETRY_MS = 1_000;

export async function evictPods(
  nodes: KubernetesNodes,
  pods: readonly EvictedPod[],
  options: { readonly graceSeconds: number | null; readonly withinMs: number; readonly progress: DrainProgress },
  { clock, signal }: Pick<FaultContext, 'clock' | 'signal'>,
): Promise<void> {
  const { progress, graceSeconds, withinMs } = options;
  const deadline = clock.monotonic() + withinMs;
  const evict = async (pod: EvictedPod): Promise<void> => {
    for (;;) {
      if (signal.aborted) return;
      const answer = await nodes.evict(pod, { uid: pod.uid, graceSeconds });
      if (answer.outcome !== 'refused') {
        progress.accepted.add(pod.uid);
        return;
      }
      const { budget, message } = answer;
      const count = (progress.refusals.get(pod.uid)?.count ?? 0) + 1;
      progress.refusals.set(pod.uid, { pod, budget, count, message });
      if (clock.monotonic() + RETRY_MS >= deadline) return;
      await clock.sleep(RETRY_MS, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  };
  const outcomes = await Promise.allSettled(pods.map(evict));
  outcomes.forEach((outcome, index) => {
    const pod = pods[index];
    if (outcome.status === 'rejected' && pod !== undefined) progress.failures.set(pod.uid, wordsOf(outcome.reason));
  });
}

function wordsOf(error: unknown): string {
  if (error instanceof HarnessError) return error.message;
  return error instanceof Error ? error.message : String(error);
}

export function tellRefusals({ refusals, accepted, failures }: DrainProgress): readonly string[] {
  const refused = [...refusals.values()].map(({ pod, budget, count, message }) => {
    const by = budget === null ? 'the API server' : `disruption budget ${budget}`;
    const end = accepted.has(pod.uid) ? 'then accepted' : 'never accepted';
    return `eviction of ${pod.name} refused ${count} times by ${by}, ${end}: ${message}`;
  });
  return [...refused, ...failures.values()];
}
