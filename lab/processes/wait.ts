import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, messageOf } from './lab-error.ts';

/** Every wait of the lab, named by what it waits for, in milliseconds. */
export const WAITS = {
  labReady: 60_000,
  postgresAccepts: 20_000,
  postgresFastStop: 10_000,
  postgresImmediateStop: 5_000,
  promotion: 30_000,
  standbyCaughtUp: 10_000,
  redisAnswers: 10_000,
  workerListens: 30_000,
  migration: 60_000,
  networkAnswers: 10_000,
  processGone: 5_000,
  supervisorGone: 25_000,
} as const;

/**
 * Polls until `probe` gives something else than undefined. A probe that throws counts as "not yet"; the last error or the
 * last refusal is named when the deadline passes.
 */
export async function awaitCondition<T>(
  name: string,
  probe: () => T | undefined | Promise<T | undefined>,
  options: { readonly timeoutMs: number; readonly everyMs?: number; readonly signal?: AbortSignal },
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  let last = 'no answer yet';
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      last = messageOf(error);
    }
    if (performance.now() > deadline) {
      throw new LabError(`timed out after ${options.timeoutMs / 1000} s waiting for ${name}; last seen: ${last}`);
    }
    await sleep(options.everyMs ?? 25);
  }
}
