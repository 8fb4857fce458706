/** When the load that the autoscaler must answer began to rise. */
import type { LoadStep as EvaluatedStep } from '../model/evaluation.ts';
import type { ScenarioSpec } from '../model/plan.ts';
import type { History } from './history.ts';

export interface LoadStep {
  readonly at: number;
  readonly text: string;
}

/**
 * The steepest rise of the scenario, from where it begins: of a flash sale its biggest upward stage after the first (which is
 * its start from nothing), of other loads their start. Null: the plan has no such scenario.
 */
export function loadStep(scenario: string, history: History): LoadStep | null {
  const spec = history.plan.load.scenarios.find((candidate) => candidate.id === scenario);
  if (spec === undefined) return null;
  const { offsetMs, text } = riseOf(spec);
  return { at: (history.phases[0]?.startAt ?? history.startedAt) + spec.startAtMs + offsetMs, text };
}

/** When the load that rose falls again by plan: its next stage with a lower rate, or its end. Null: the plan has no such scenario. */
export function loadFallAt(scenario: string, history: History): number | null {
  const spec = history.plan.load.scenarios.find((candidate) => candidate.id === scenario);
  if (spec === undefined) return null;
  return (history.phases[0]?.startAt ?? history.startedAt) + spec.startAtMs + fallOffsetMs(spec);
}

function fallOffsetMs(spec: ScenarioSpec): number {
  if (spec.kind === 'pos-sync-burst') return spec.catchUpMs;
  if (spec.kind === 'month-end-close') return spec.durationMs;
  const rise = riseOf(spec);
  let offsetMs = 0;
  for (const { ratePerSecond, durationMs } of spec.stages) {
    if (offsetMs > rise.offsetMs && ratePerSecond < rise.to) return offsetMs;
    offsetMs += durationMs;
  }
  return offsetMs;
}

/** The steps that the plan's autoscaling objectives are judged from, one a scenario, for the report's axis. */
export function judgedLoadSteps(history: History): readonly EvaluatedStep[] {
  const judged = new Set(
    history.plan.objectives.flatMap((objective) => (objective.kind === 'autoscaling' ? [objective.scenario] : [])),
  );
  return history.plan.load.scenarios.flatMap((spec) => {
    const step = judged.has(spec.id) ? loadStep(spec.id, history) : null;
    const { from, to } = riseOf(spec);
    return step === null ? [] : [{ scenario: spec.id, at: step.at, fromPerSecond: from, toPerSecond: to }];
  });
}

interface Rise {
  readonly offsetMs: number;
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export function riseOf(spec: ScenarioSpec): Rise {
  if (spec.kind !== 'flash-sale') return { offsetMs: 0, text: `start of ${spec.id}`, from: 0, to: 0 };
  let offsetMs = 0;
  let from = 0;
  let best: Rise = { offsetMs: 0, text: `start of ${spec.id}`, from: 0, to: spec.stages[0]?.ratePerSecond ?? 0 };
  let largest = 0;
  for (const [i, { ratePerSecond: to, durationMs }] of spec.stages.entries()) {
    if (i > 0 && to - from > largest) {
      largest = to - from;
      best = { offsetMs, text: `${spec.id} from ${from}/s to ${to}/s`, from, to };
    }
    offsetMs += durationMs;
    from = to;
  }
  return best;
}
