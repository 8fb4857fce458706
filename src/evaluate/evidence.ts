/** When there is too little to judge. */
import type { PhaseName } from '../model/plan.ts';
import type { History } from './history.ts';
import { phaseNamed } from './phases.ts';
import type { Part } from './verdict.ts';

export type PartBase = Pick<Part, 'name' | 'target' | 'unit' | 'direction'>;

export function inconclusive(base: PartBase, reason: string, measured: number | null = null): Part {
  return { ...base, measured, verdict: 'inconclusive', reason };
}

/** At least one sample is always needed, whatever the plan says. */
export function notEnough(base: PartBase, got: number, needed: number, what: string): Part | null {
  if (got >= Math.max(1, needed)) return null;
  return inconclusive(base, got === 0 ? `no ${what} to judge` : `got ${got} ${what}, need ${needed}`);
}

/** A pass over phases that never took place is none; a miss in those that did stays one. */
export function missingPhases(part: Part, phases: readonly PhaseName[], history: History): Part {
  const missing = phases.filter((name) => phaseNamed(history.phases, name) === undefined);
  if (missing.length === 0 || part.verdict !== 'pass') return part;
  return { ...part, verdict: 'inconclusive', reason: `the run never came to ${missing.join(', ')}; before that ${part.reason}` };
}
