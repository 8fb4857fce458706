import type { OdooPort } from '../../clients/ports.ts';
import { HarnessError } from '../../errors.ts';
import type { InvariantName } from '../../model/plan.ts';
import type { LedgerGap, LedgerInvariant } from '../../model/run-records.ts';
import { checkEntries } from './invariants/entries.ts';
import type { InvariantCheck, InvariantOptions } from './invariants/findings.ts';
import { checkInvoices } from './invariants/invoices.ts';
import { checkPosSessions } from './invariants/pos-sessions.ts';
import { checkStock } from './invariants/stock.ts';
import { Patience } from './patience.ts';

export type { InvariantOptions } from './invariants/findings.ts';

const CHECKS: Readonly<Record<InvariantName, InvariantCheck>> = {
  'stock-moves-match-quants': checkStock,
  'debit-equals-credit': checkEntries,
  'one-invoice-per-order': checkInvoices,
  'pos-sessions-match-payments': checkPosSessions,
};

/** Looks the invariants of the whole run up, over RPC and with fields of a stock Odoo 18 alone. One row each, or a gap. */
export async function* checkInvariants(
  odoo: OdooPort,
  options: InvariantOptions,
): AsyncGenerator<LedgerInvariant | LedgerGap, void, void> {
  const patience = new Patience(options);
  for (const invariant of Object.keys(CHECKS) as InvariantName[]) {
    options.signal?.throwIfAborted();
    try {
      const findings = await patience.read(() => CHECKS[invariant](odoo, options));
      yield { row: 'invariant', at: options.clock.now(), invariant, ...findings };
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      yield { row: 'gap', at: options.clock.now(), what: `invariant ${invariant}`, detail: error.message };
    }
  }
}
