import type { Clock, OdooPort } from '../../../clients/ports.ts';
import type { TargetCatalogue } from '../../../model/catalogue.ts';
import type { LedgerWrite } from '../../../model/run-records.ts';

export interface InvariantOptions {
  readonly catalogue: TargetCatalogue;
  readonly runId: string;
  readonly clock: Clock;
  /** The run's writes: its POS sessions are found through their tickets. Absent: all sessions of the data set's tills. */
  readonly writes?: readonly LedgerWrite[];
  readonly signal?: AbortSignal;
  /** How long one invariant is tried before it becomes a gap. */
  readonly batchTimeoutMs?: number;
}

/** What an invariant was looked for on, and where it did not hold, a sentence each. */
export interface InvariantFindings {
  readonly checked: number;
  readonly violations: readonly string[];
}

export type InvariantCheck = (odoo: OdooPort, options: InvariantOptions) => Promise<InvariantFindings>;

/** Amounts are equal when they differ by less than half a cent: sums of floats come back with rounding errors. */
export function differ(one: number, other: number): boolean {
  return Math.abs(one - other) >= 0.005;
}

export function money(amount: number): string {
  return amount.toFixed(2);
}
