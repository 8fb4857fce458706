import { setTimeout as sleep } from 'node:timers/promises';

export interface WorkParts {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/**
 * How a worker spends its simulated service time: the given share computing, so that an autoscaler that looks at CPU sees it, the
 * rest waiting. By the clock, not by CPU time: a machine that is busy elsewhere must not make every request slower.
 */
export function createWork(
  cpuShare: number,
  { now, sleep: wait }: WorkParts = { now: () => performance.now(), sleep: (ms) => sleep(ms) },
): (ms: number) => Promise<unknown> {
  if (cpuShare === 0) return wait;
  return async (ms) => {
    const busyUntil = now() + ms * cpuShare;
    while (now() < busyUntil) spin();
    return await wait(ms * (1 - cpuShare));
  };
}

let sink = 0;

/** About a tenth of a millisecond. */
function spin(): void {
  for (let turn = 0; turn < 100_000; turn += 1) sink = (sink * 31 + turn) | 0;
}
