/** Before the load starts: an autoscaler that seeding has driven up comes to rest again, or its answer to the load step could not be seen. */

import type { Clock, KubernetesPort } from '../clients/ports.ts';
import { timeoutMs } from '../clients/timeouts.ts';
import { HarnessError } from '../errors.ts';

export interface RestOptions {
  readonly kubernetes: KubernetesPort;
  readonly hpa: string;
  /** Name of the Deployment that it scales. */
  readonly deployment: string;
  /** An objective judges the autoscaler: wait until it has seen that seeding is over. */
  readonly judged: boolean;
  /** How often it decides; absent: Kubernetes' default of 15 s. */
  readonly syncMs?: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (detail: string) => void;
}

const DEFAULT_SYNC_MS = 15_000;

/**
 * At rest: as few replicas as it may have, and not about to have more. Metrics come late, so an autoscaler that looks at rest just
 * after seeding may not have seen it yet: it has to be at rest still one decision after it got metrics from after the seeding.
 * @returns a sentence for the journal when it did not come to rest in time; the run goes on, and its step may be hard to see.
 */
export async function awaitRest(options: RestOptions): Promise<string | undefined> {
  const { kubernetes, hpa, judged, syncMs = DEFAULT_SYNC_MS, clock, signal, onProgress } = options;
  const limitMs = timeoutMs('hpaRest');
  const startedAt = clock.monotonic();
  const seededAt = clock.now();
  let measuredAt: number | null = judged ? null : Number.NEGATIVE_INFINITY;
  for (;;) {
    signal.throwIfAborted();
    measuredAt ??= (await isMeasuredSince(options, seededAt)) ? clock.monotonic() : null;
    const { currentReplicas, desiredReplicas, minReplicas } = await kubernetes.fetchHpa(hpa);
    const decided = measuredAt !== null && clock.monotonic() - measuredAt >= syncMs;
    const quiet = currentReplicas <= minReplicas && desiredReplicas <= minReplicas;
    if (quiet && decided) return undefined;
    if (clock.monotonic() - startedAt >= limitMs) {
      if (quiet) return undefined;
      return `HPA ${hpa} was not at rest ${limitMs / 1_000} s after seeding: ${currentReplicas} replicas, ${desiredReplicas} desired, minimum ${minReplicas}`;
    }
    onProgress(
      quiet
        ? `waiting for HPA ${hpa} to see that seeding is over`
        : `waiting for HPA ${hpa} to come to rest: ${currentReplicas} replicas, minimum ${minReplicas}`,
    );
    await clock.sleep(1_000, { signal });
  }
}

/** Whether every pod's use was measured after that moment. True where nobody may ask for it. */
async function isMeasuredSince({ kubernetes, deployment }: RestOptions, sinceAt: number): Promise<boolean> {
  try {
    const { selector } = await kubernetes.fetchDeployment(deployment);
    const uses = await kubernetes.fetchPodMetrics(selector);
    return uses.length > 0 && uses.every(({ serverAt }) => (serverAt ?? 0) >= sinceAt);
  } catch (error) {
    if (error instanceof HarnessError) return true;
    throw error;
  }
}
