/** When the load that the autoscaler must answer began to rise. */
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

export function riseOf(spec: ScenarioSpec): { readonly offsetMs: number; readonly text: string } {
  if (spec.kind !== 'flash-sale') return { offsetMs: 0, text: `start of ${spec.id}` };
  let offsetMs = 0;
  let from = 0;
  let best = { offsetMs: 0, rise: 0, text: `start of ${spec.id}` };
  for (const [i, stage] of spec.stages.entries()) {
    const rise = stage.ratePerSecond - from;
    if (i > 0 && rise > best.rise) best = { offsetMs, rise, text: `${spec.id} from ${from}/s to ${stage.ratePerSecond}/s` };
    offsetMs += stage.durationMs;
    from = stage.ratePerSecond;
  }
  return best;
}
