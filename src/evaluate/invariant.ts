/** Objective `invariant`: a rule of the business that must hold over the whole run. */
import type { ObjectiveResult } from '../model/evaluation.ts';
import type { InvariantObjectiveSpec } from '../model/plan.ts';
import { inconclusive } from './evidence.ts';
import type { LedgerFigures } from './ledger.ts';
import { type Part, resultOf } from './verdict.ts';

export function judgeInvariant(objective: InvariantObjectiveSpec, ledger: LedgerFigures): ObjectiveResult {
  const found = ledger.invariants.find((candidate) => candidate.invariant === objective.invariant);
  return resultOf(objective, [invariantPart(objective, ledger)], {
    service: 'platform',
    evidence:
      found === undefined
        ? []
        : [{ text: `${found.checked} checked, ${found.violationCount} violations`, file: 'ledger.ndjson' }].concat(
            found.violations.slice(0, 10).map((text) => ({ text, file: 'ledger.ndjson' })),
          ),
    details: [
      { name: 'checked', value: found?.checked ?? null },
      { name: 'violations', value: found?.violationCount ?? null, target: objective.maxViolations },
    ],
  });
}

/** Without these an invariant has nothing to hold for. */
const SUBJECTS: Readonly<Record<InvariantObjectiveSpec['invariant'], string>> = {
  'stock-moves-match-quants': 'no products',
  'debit-equals-credit': 'no posted entries',
  'one-invoice-per-order': 'no invoices of orders',
  'pos-sessions-match-payments': 'no POS sessions',
};

/** Violations that were seen are real even when the look was not complete. */
function invariantPart(objective: InvariantObjectiveSpec, ledger: LedgerFigures): Part {
  const base = { name: 'violations', target: objective.maxViolations, unit: 'violations', direction: 'at-most' } as const;
  const found = ledger.invariants.find((candidate) => candidate.invariant === objective.invariant);
  const gap = ledger.gaps.find((candidate) => candidate.what.includes(objective.invariant));
  if (found !== undefined && found.violationCount > objective.maxViolations) {
    return {
      ...base,
      measured: found.violationCount,
      verdict: 'fail',
      reason: `${objective.invariant}: ${found.violationCount} violations in ${found.checked} checked, allowed ${objective.maxViolations}`,
    };
  }
  if (gap !== undefined) return inconclusive(base, `${objective.invariant} could not be checked completely: ${gap.detail}`);
  if (found === undefined) return inconclusive(base, `${objective.invariant} was not checked`);
  if (found.checked === 0) {
    return inconclusive(
      base,
      `${objective.invariant}: ${SUBJECTS[objective.invariant]} in this run, so nothing to check was found`,
    );
  }
  return {
    ...base,
    measured: found.violationCount,
    verdict: 'pass',
    reason: `${objective.invariant}: ${found.violationCount} violations in ${found.checked} checked, allowed ${objective.maxViolations}`,
  };
}
