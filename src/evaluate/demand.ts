/** Throughput against demand: what was served of the journeys that were due. The load's rate may change; this share stays comparable. */
import type { DemandSecond } from './figures.ts';

/** Fewer journeys than this say nothing about throughput. */
const MIN_JOURNEYS = 10;

/** Over the whole seconds in the span; null when too few journeys were due in it. */
export function servedRatio(demand: readonly DemandSecond[], fromAt: number, untilAt: number): number | null {
  let scheduled = 0;
  let ok = 0;
  for (let i = firstSecond(demand, fromAt); i < demand.length; i += 1) {
    const second = demand[i];
    if (second === undefined || second.at + 1000 > untilAt) break;
    scheduled += second.scheduled;
    ok += second.ok;
  }
  return scheduled < MIN_JOURNEYS ? null : Math.min(1, ok / scheduled);
}

function firstSecond(demand: readonly DemandSecond[], fromAt: number): number {
  let low = 0;
  let high = demand.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((demand[middle]?.at ?? 0) < fromAt) low = middle + 1;
    else high = middle;
  }
  return low;
}
