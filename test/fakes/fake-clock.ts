import type { Clock } from '../../src/clients/ports.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export interface FakeClock extends Clock {
  /** Runs `ms` of time by hand, waking sleepers in order and letting what they start run. */
  advance(ms: number): Promise<void>;
  /** Time stands still while real work (a file) is done. */
  during<Value>(work: Promise<Value>): Promise<Value>;
}

export interface FakeClockOptions {
  /** True (default): time jumps to the next sleeper whenever everything else is idle. False: only `advance` moves it. */
  readonly auto?: boolean;
  readonly startAt?: number;
}

/** A clock on which waiting costs nothing. */
export function createFakeClock({ auto = true, startAt = 1_700_000_000_000 }: FakeClockOptions = {}): FakeClock {
  let elapsed = 0;
  let pumping = false;
  let held = 0;
  const sleepers = new Set<Sleeper>();

  const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const earliest = (): Sleeper | undefined => [...sleepers].sort((one, other) => one.until - other.until)[0];
  const wakeNext = (limit: number): boolean => {
    const next = earliest();
    if (next === undefined || next.until > limit) return false;
    elapsed = Math.max(elapsed, next.until);
    sleepers.delete(next);
    next.wake();
    return true;
  };
  const pump = async (): Promise<void> => {
    if (pumping) return;
    pumping = true;
    try {
      // Two turns: what was woken may have to go through a few promises before it sleeps again.
      do await idle().then(idle);
      while (held > 0 || wakeNext(Number.POSITIVE_INFINITY));
    } finally {
      pumping = false;
    }
  };

  return {
    now: () => startAt + elapsed,
    monotonic: () => elapsed,
    async sleep(ms, { signal } = {}) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          until: elapsed + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        sleepers.add(sleeper);
        if (auto) void pump();
      });
    },
    async during(work) {
      held += 1;
      try {
        return await work;
      } finally {
        held -= 1;
      }
    },
    async advance(ms) {
      const limit = elapsed + ms;
      do await idle().then(idle);
      while (wakeNext(limit));
      elapsed = limit;
      await idle();
    },
  };
}
