import type { OdooPort } from '../../../clients/ports.ts';
import type { TargetCatalogue } from '../../../model/catalogue.ts';
import type { LedgerWrite } from '../../../model/run-records.ts';
import type { PatienceOptions } from '../patience.ts';

export interface InvariantOptions extends PatienceOptions {
  readonly catalogue: TargetCatalogue;
  readonly runId: string;
  /** The run's writes: its POS sessions are found through their tickets. Absent: all sessions of the data set's tills. */
  readonly writes?: readonly LedgerWrite[];
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
