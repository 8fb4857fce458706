/** Merging verdicts, and turning measured figures into an objective's result. No data is never a pass. */
import type { Evidence, ObjectiveResult, Verdict } from '../model/evaluation.ts';
import type { ObjectiveSpec } from '../model/plan.ts';

const SEVERITY = { pass: 0, inconclusive: 1, fail: 2 } as const satisfies Record<Verdict, number>;

/** fail > inconclusive > pass; associative and commutative. */
export function worse(a: Verdict, b: Verdict): Verdict {
  return SEVERITY[a] >= SEVERITY[b] ? a : b;
}

/** Verdict of the run. Without any objective nothing was shown: inconclusive. */
export function mergeVerdicts(verdicts: readonly Verdict[]): Verdict {
  return verdicts.length === 0 ? 'inconclusive' : verdicts.reduce(worse);
}

/** One figure against one limit. An objective of several parts is as good as its worst. */
export interface Part {
  readonly name: string;
  /** Null: not measured, or larger than anything seen (`censored`). */
  readonly measured: number | null;
  readonly target: number;
  readonly unit: ObjectiveResult['unit'];
  readonly direction: ObjectiveResult['direction'];
  readonly errorBar?: number | null;
  readonly censored?: boolean;
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Exactly on the limit passes. */
export function meets(measured: number, target: number, direction: ObjectiveResult['direction']): boolean {
  return direction === 'at-most' ? measured <= target : measured >= target;
}

export function marginOf(measured: number | null, target: number, direction: ObjectiveResult['direction']): number | null {
  if (measured === null || target === 0) return null;
  return (direction === 'at-most' ? target - measured : measured - target) / Math.abs(target);
}

export interface ResultContext {
  readonly service: ObjectiveResult['service'];
  readonly evidence: readonly Evidence[];
  readonly details?: ObjectiveResult['details'];
}

/** The part that decides the verdict is the headline; the first of them, so the primary part goes first. */
export function resultOf(objective: ObjectiveSpec, parts: readonly [Part, ...Part[]], context: ResultContext): ObjectiveResult {
  const verdict = mergeVerdicts(parts.map((part) => part.verdict));
  const headline = parts.find((part) => part.verdict === verdict) ?? parts[0];
  const deciding = verdict === 'pass' ? parts : parts.filter((part) => part.verdict === verdict);
  return {
    id: objective.id,
    kind: objective.kind,
    service: context.service,
    verdict,
    measured: headline.measured,
    target: headline.target,
    unit: headline.unit,
    direction: headline.direction,
    margin: headline.censored === true ? null : marginOf(headline.measured, headline.target, headline.direction),
    errorBar: headline.errorBar ?? null,
    censored: headline.censored ?? false,
    reason: deciding.map((part) => part.reason).join('; '),
    evidence: context.evidence,
    ...(objective.source === undefined ? {} : { source: objective.source }),
    details: context.details ?? [],
  };
}
