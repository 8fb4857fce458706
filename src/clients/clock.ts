import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './ports.ts';

/** The machine's clock. `sleep` rejects with the signal's reason when it is aborted, before or during. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, { signal } = {}) {
    signal?.throwIfAborted();
    try {
      await delay(Math.max(0, ms), undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
