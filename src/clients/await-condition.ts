import { HarnessError } from '../errors.ts';
import type { Clock } from './ports.ts';

export interface ConditionOptions<Seen> {
  readonly until: (seen: Seen) => boolean;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Pause between two looks; default 250 ms. */
  readonly intervalMs?: number;
  /** How the last thing seen is told in the error; default JSON. */
  readonly describe?: (seen: Seen) => string;
}

const NOTHING_YET = 'nothing yet';

/**
 * Looks until `until` holds and gives back what it saw. A look that throws counts as "not yet": during a failover most do.
 * Throws ERR_TIMEOUT with the name of the wait and the last thing seen, or the signal's reason.
 */
export async function awaitCondition<Seen>(
  name: string,
  poll: () => Promise<Seen>,
  options: ConditionOptions<Seen>,
): Promise<Seen> {
  const { clock, signal, timeoutMs, until, intervalMs = 250, describe = (seen: Seen) => JSON.stringify(seen) } = options;
  const startedAt = clock.monotonic();
  let lastSeen = NOTHING_YET;
  let cause: unknown;
  for (;;) {
    signal?.throwIfAborted();
    const remainingMs = timeoutMs - (clock.monotonic() - startedAt);
    try {
      const seen = await withDeadline(name, poll(), {
        timeoutMs: Math.max(1, remainingMs),
        clock,
        ...(signal ? { signal } : {}),
      });
      if (until(seen)) return seen;
      lastSeen = describe(seen) ?? 'nothing';
      cause = undefined;
    } catch (error) {
      signal?.throwIfAborted();
      cause = error;
      // The last look had what was left of the time: that it was cut short says less than what was seen before.
      const cutShort = clock.monotonic() - startedAt >= timeoutMs && lastSeen !== NOTHING_YET;
      if (!cutShort) lastSeen = `an error: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (clock.monotonic() - startedAt + intervalMs >= timeoutMs) {
      throw new HarnessError(
        'ERR_TIMEOUT',
        `timed out after ${formatSeconds(timeoutMs)} waiting for ${name}; last seen: ${lastSeen}`,
        { cause },
      );
    }
    await clock.sleep(intervalMs, signal ? { signal } : {});
  }
}

/** Gives up `work` (which goes on unobserved) at the deadline or when the signal is aborted. */
export async function withDeadline<Value>(
  name: string,
  work: Promise<Value>,
  { timeoutMs, clock, signal }: { readonly timeoutMs: number; readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<Value> {
  const done = new AbortController();
  const limit = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]);
  const deadline = clock.sleep(timeoutMs, { signal: limit }).then(
    () => Promise.reject(new HarnessError('ERR_TIMEOUT', `no end of ${name} within ${formatSeconds(timeoutMs)}`)),
    (error: unknown) => Promise.reject(error),
  );
  try {
    return await Promise.race([work, deadline]);
  } finally {
    done.abort();
    // The loser of the race may still reject; its error was superseded by the winner.
    deadline.catch(() => undefined);
    work.catch(() => undefined);
  }
}

export function formatSeconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(ms < 10_000 ? 1 : 0))} s`;
}
