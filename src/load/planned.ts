/** What the arrival rates of a plan schedule. The shapes are those that k6 itself runs. */
import { journeyBudgetMs, plannedIterations, scenarioLengthMs } from '../../scenarios/shape.ts';
import type { ScenarioSpec } from '../model/plan.ts';

export { plannedIterations };

/** Last arrival of a load, from its start, ms. */
export function plannedEndMs(specs: readonly ScenarioSpec[]): number {
  return Math.max(0, ...specs.map((spec) => spec.startAtMs + scenarioLengthMs(spec)));
}

/** When the last iteration must have ended, however slow the target is. */
export function latestEndMs(specs: readonly ScenarioSpec[]): number {
  return Math.max(0, ...specs.map((spec) => spec.startAtMs + scenarioLengthMs(spec) + journeyBudgetMs(spec)));
}
