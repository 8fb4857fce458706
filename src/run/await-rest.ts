/** Before the load starts: an autoscaler that seeding has driven up comes to rest again, or its answer to the load step could not be seen. */
import type { Clock, KubernetesPort } from '../clients/ports.ts';
import { timeoutMs } from '../clients/timeouts.ts';

export interface RestOptions {
  readonly kubernetes: KubernetesPort;
  readonly hpa: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (detail: string) => void;
}

/** @returns a sentence for the journal when it did not come to rest in time; the run goes on, and its step may be hard to see. */
export async function awaitRest({ kubernetes, hpa, clock, signal, onProgress }: RestOptions): Promise<string | undefined> {
  const limitMs = timeoutMs('hpaRest');
  const startedAt = clock.monotonic();
  for (;;) {
    signal.throwIfAborted();
    const { currentReplicas, desiredReplicas, minReplicas } = await kubernetes.fetchHpa(hpa);
    if (currentReplicas <= minReplicas && desiredReplicas <= minReplicas) return undefined;
    if (clock.monotonic() - startedAt >= limitMs)
      return `HPA ${hpa} was not at rest ${limitMs / 1_000} s after seeding: ${currentReplicas} replicas, ${desiredReplicas} desired, minimum ${minReplicas}`;
    onProgress(`waiting for HPA ${hpa} to come to rest: ${currentReplicas} replicas, minimum ${minReplicas}`);
    await clock.sleep(1_000, { signal });
  }
}
