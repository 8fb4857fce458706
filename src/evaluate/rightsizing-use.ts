/** What pods used and how many there were, by phase. A figure belongs to the phase in which the middle of its window lies. */
import type { UseFigures } from '../model/evaluation.ts';
import type { PhaseName } from '../model/plan.ts';
import type { PodUse } from '../model/run-records.ts';
import { hpaLooks, readyLooks, serverOffsetMs } from './autoscaling-looks.ts';
import type { History } from './history.ts';
import { totalUses } from './needed-replicas.ts';
import { nearestRank } from './percentile.ts';

export function useByPhase(history: History): readonly UseFigures[] {
  const uses = datedUses(history);
  const totals = totalUses(history);
  const ready = readyLooks(history);
  const hpa = hpaLooks(history);
  return history.phases.map(({ phase, startAt, endAt }): UseFigures => {
    const inside = ({ at }: { readonly at: number }): boolean => at >= startAt && at < endAt;
    const own = uses.filter(inside).map(({ use }) => use);
    const memory = own.flatMap(({ memoryBytes }) => memoryBytes ?? []);
    const replicas = ready.filter(inside).map((look) => look.ready);
    return {
      phase,
      samples: own.length,
      podCpuP95Cores: rounded(
        nearestRank(
          own.map(({ cpuCores }) => cpuCores),
          95,
        ),
      ),
      podCpuMaxCores: rounded(largest(own.map(({ cpuCores }) => cpuCores))),
      podMemoryMaxBytes: largest(memory),
      totalCpuP95Cores: rounded(
        nearestRank(
          totals.filter(inside).map(({ cores }) => cores),
          95,
        ),
      ),
      readyMin: replicas.length === 0 ? null : Math.min(...replicas),
      readyMax: largest(replicas),
      desiredMax: largest(hpa.filter(inside).map(({ desiredReplicas }) => desiredReplicas)),
    };
  });
}

/** Phases in which the load is what the plan says; a tie goes to the first. */
const LOADED: readonly PhaseName[] = ['disturbance', 'recovery', 'baseline'];

/** The phase in which the pods together used most. Null: nothing was measured. */
export function peakPhase(phases: readonly UseFigures[]): UseFigures | null {
  const measured = LOADED.flatMap((name) => phases.filter(({ phase, samples }) => phase === name && samples > 0));
  return measured.toSorted((a, b) => (b.totalCpuP95Cores ?? 0) - (a.totalCpuP95Cores ?? 0))[0] ?? null;
}

function datedUses(history: History): readonly { readonly at: number; readonly use: PodUse }[] {
  return history.observations.flatMap((look) =>
    look.source === 'pod-metrics' ? look.pods.map((use) => ({ at: middleOf(use, look.at, history), use })) : [],
  );
}

function middleOf({ serverAt, windowMs }: PodUse, lookAt: number, history: History): number {
  return serverAt === null ? lookAt : serverAt - serverOffsetMs(history) - (windowMs ?? 0) / 2;
}

function largest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

/** To a tenth of a millicore: enough, and the same text everywhere. */
function rounded(cores: number | null): number | null {
  return cores === null ? null : Math.round(cores * 10_000) / 10_000;
}
