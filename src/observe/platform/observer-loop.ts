import { withDeadline } from '../../clients/await-condition.ts';
import { apiTrouble } from '../../clients/kubernetes-errors.ts';
import type { Clock } from '../../clients/ports.ts';
import { timeoutMs } from '../../clients/timeouts.ts';
import type { ApiTrouble, Observation, ObservationSource } from '../../model/run-records.ts';

export interface ObserverSource {
  readonly source: ObservationSource;
  /** One look. May throw: that is a gap, not the end. */
  look(signal: AbortSignal): Promise<readonly Observation[]>;
}

/** A span without observations of one source, in the shape of the journal. */
export interface ObserverGap {
  /** End of the gap, or of the run. */
  readonly at: number;
  readonly type: 'observer-gap';
  readonly source: ObservationSource;
  readonly fromAt: number;
  readonly detail: string;
  /** Of the Kubernetes API. */
  readonly trouble?: ApiTrouble;
}

export interface LoopOptions {
  readonly intervalMs: number;
  readonly write: (observation: Observation) => void;
  readonly gap: (gap: ObserverGap) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Looks at a fixed rate: a slow look costs the looks it covers, never shifts the later ones. Failed looks in a row are one
 * gap, told when the source answers again or the run ends.
 */
export async function runObserver({ source, look }: ObserverSource, options: LoopOptions): Promise<void> {
  const { intervalMs, write, gap, clock, signal } = options;
  const startedAt = clock.monotonic();
  let open: { readonly fromAt: number; readonly detail: string; readonly trouble: ApiTrouble | null; failed: number } | null =
    null;
  const closeGap = (): void => {
    if (open === null) return;
    const { fromAt, detail, trouble, failed } = open;
    gap({
      at: clock.now(),
      type: 'observer-gap',
      source,
      fromAt,
      detail: failed === 1 ? detail : `${detail} (${failed} looks failed)`,
      ...(trouble === null ? {} : { trouble }),
    });
    open = null;
  };
  for (let tick = 0; !signal.aborted; ) {
    const lookedAt = clock.now();
    let observations: readonly Observation[] = [];
    try {
      const limits = { timeoutMs: timeoutMs('observerLook'), clock, signal };
      observations = await withDeadline(`a look at ${source}`, look(signal), limits);
      closeGap();
    } catch (error) {
      if (signal.aborted) break;
      if (open === null) {
        const detail = error instanceof Error ? error.message : String(error);
        open = { fromAt: lookedAt, detail, trouble: apiTrouble(error), failed: 1 };
      } else open.failed += 1;
    }
    for (const observation of observations) write(observation);
    tick = Math.max(tick + 1, Math.ceil((clock.monotonic() - startedAt) / intervalMs));
    await sleep(startedAt + tick * intervalMs - clock.monotonic(), clock, signal);
  }
  closeGap();
}

async function sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(Math.max(0, ms), { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
