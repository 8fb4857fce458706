/** Whether anybody is there to feel what a fault does: a client that was connected to something that went away may notice late. */
import type { FaultSpec, Plan } from '../../model/plan.ts';
import { scenarioEndMs } from '../../plan/check-references.ts';
import type { Findings, PreflightContext } from './findings.ts';

/**
 * Load must go on this long after the last fault. Dialling a pod address that is gone times out after 30 s, so a second wave of
 * failures comes then (seen with k6 on Kubernetes); with a load that ended before, a run would report a recovery that never was.
 */
export const LOAD_AFTER_FAULT_MS = 35_000;

/** Faults that take no process, pod or connection away: what they do is over when they are. */
const TAKES_NOTHING_AWAY: ReadonlySet<FaultSpec['kind']> = new Set(['redis/flood']);

export function checkLoadAfterFaults({ plan }: Pick<PreflightContext, 'plan'>, findings: Findings): void {
  const { phases, load } = plan;
  const faults = plan.faults.filter(({ kind }) => !TAKES_NOTHING_AWAY.has(kind));
  if (faults.length === 0) return;
  const loadEndMs = Math.max(0, ...load.scenarios.map(scenarioEndMs));
  const ends = faults.map((fault) => ({
    fault,
    endMs: phases.warmUpMs + phases.baselineMs + fault.atMs + plannedDurationMs(fault),
  }));
  const last = ends.reduce((latest, one) => (one.endMs > latest.endMs ? one : latest));
  const keptMs = loadEndMs - last.endMs;
  const finding = { check: 'load-after-faults', at: `fault ${last.fault.id}` };
  const told = `the last fault, "${last.fault.id}", ends at ${last.endMs / 1_000} s of the run and the load at ${loadEndMs / 1_000} s`;
  if (keptMs >= LOAD_AFTER_FAULT_MS) {
    findings.ok(finding, told);
    return;
  }
  findings.fail(
    finding,
    `${told}: clients that were connected to what it takes away may notice only 30 s later`,
    `let a scenario last ${Math.ceil((LOAD_AFTER_FAULT_MS - keptMs) / 1_000)} s longer, or the fault come earlier: at least ${LOAD_AFTER_FAULT_MS / 1_000} s of load after it`,
  );
}

/** Litmus' first kill comes 11-13 s after the engine, and its rounds outlast the duration by up to 6 s (seen with 3.8.0). */
const LITMUS_LAG_MS = 20_000;

/** What the plan itself says about how long a fault lasts. */
function plannedDurationMs(fault: Plan['faults'][number]): number {
  if (fault.kind === 'kubernetes/kill-pods') return fault.repeat?.durationMs ?? 0;
  if (fault.kind === 'litmus/engine') return fault.durationMs + LITMUS_LAG_MS;
  if ('holdMs' in fault) return fault.holdMs;
  return 'durationMs' in fault ? (fault.durationMs ?? 0) : 0;
}
