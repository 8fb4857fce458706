/** Abort conditions: too many bad probes of a service in a sliding window. */
import type { AbortSpec } from '../model/plan.ts';
import type { ProbeRecord } from '../model/run-records.ts';

/** Fewer probes than this in a window say nothing. */
const MIN_PROBES = 5;

export interface AbortWatch {
  /** A probe was answered; the reason when a condition is met. */
  see(probe: ProbeRecord): string | undefined;
}

export function watchAbort(conditions: readonly AbortSpec[]): AbortWatch {
  const seen = new Map<AbortSpec, ProbeRecord[]>();
  return {
    see(probe) {
      for (const condition of conditions) {
        if (condition.service !== probe.service) continue;
        const recent = [...(seen.get(condition) ?? []), probe].filter(
          (other) => other.answeredAt > probe.answeredAt - condition.windowMs,
        );
        seen.set(condition, recent);
        const bad = recent.filter((other) => !other.good).length;
        if (recent.length >= MIN_PROBES && bad / recent.length >= condition.badRatio)
          return `${bad} of the last ${recent.length} probes of ${condition.service} were bad (limit ${condition.badRatio * 100} % in ${condition.windowMs / 1_000} s)`;
      }
      return undefined;
    },
  };
}
