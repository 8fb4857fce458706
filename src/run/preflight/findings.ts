/** What preflight has looked at: one line a check, with its evidence, whether it held or not. */
import { type ErrorCode, HarnessError, type Problem } from '../../errors.ts';
import type { Connections } from '../../model/connections.ts';
import type { Plan } from '../../model/plan.ts';
import type { Doors } from '../connections.ts';

export interface PreflightContext {
  readonly plan: Plan;
  readonly connections: Connections;
  readonly doors: Doors;
}

export interface PreflightCheck {
  /** Name of the check, `hpa-metrics`; several lines may have it. */
  readonly check: string;
  /** What was looked at: `hpa erp`, `faults[0] "kill"`. */
  readonly at: string;
  /** `warn`: worth knowing, the run can go on. `fail`: the run is refused. */
  readonly verdict: 'ok' | 'warn' | 'fail';
  /** What was seen, in a sentence. */
  readonly evidence: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Of a failed check. */
  readonly code?: ErrorCode;
}

interface Finding {
  readonly check: string;
  readonly at: string;
}

export class Findings {
  readonly checks: PreflightCheck[] = [];

  ok({ check, at }: Finding, evidence: string): void {
    this.checks.push({ check, at, verdict: 'ok', evidence });
  }

  warn({ check, at }: Finding, evidence: string, hint?: string): void {
    this.checks.push({ check, at, verdict: 'warn', evidence, ...(hint !== undefined && { hint }) });
  }

  fail({ check, at }: Finding, evidence: string, hint?: string, code: ErrorCode = 'ERR_PREFLIGHT'): void {
    this.checks.push({ check, at, verdict: 'fail', evidence, ...(hint !== undefined && { hint }), code });
  }

  /** `fail` when the plan asks for what is missing, `warn` when it does not. */
  missing(finding: Finding, needed: boolean, evidence: string, hint?: string): void {
    if (needed) this.fail(finding, evidence, hint);
    else this.warn(finding, evidence, hint);
  }

  /** The look's value; when it could not be had, that is the finding, and `undefined`. */
  async attempt<T>(finding: Finding, look: () => Promise<T>): Promise<T | undefined> {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      const own: Problem = { at: finding.at, message: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
      for (const { at, message, hint } of error.problems.length > 0 ? error.problems : [own])
        this.fail({ check: finding.check, at }, message, hint, error.code);
      return undefined;
    }
  }
}
