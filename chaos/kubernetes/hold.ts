import type { FaultContext } from '../fault.ts';

/** Waits, or returns early when the fault is to end. */
export async function holdFor(ms: number, { clock, signal }: Pick<FaultContext, 'clock' | 'signal'>): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await clock.sleep(ms, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
