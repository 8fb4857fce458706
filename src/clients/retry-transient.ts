import { isTransient } from './kubernetes-errors.ts';
import type { Clock } from './ports.ts';

export interface RetryOptions {
  /** From the first try on; the last error is thrown when another try would come later. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Before each try but the first. */
  readonly onRetry?: (error: unknown) => void;
}

const INTERVAL_MS = 1_000;

/** Does `work` again while the Kubernetes API has trouble that passes ({@link isTransient}); anything else is thrown at once. */
export async function retryTransient<Value>(work: () => Promise<Value>, options: RetryOptions): Promise<Value> {
  const { timeoutMs, clock, signal, onRetry } = options;
  const startedAt = clock.monotonic();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTransient(error) || clock.monotonic() - startedAt + INTERVAL_MS >= timeoutMs) throw error;
      onRetry?.(error);
      await clock.sleep(INTERVAL_MS, signal === undefined ? {} : { signal });
    }
  }
}
