import { chunksOf, idsOf, numberOf, readRows } from '../../../clients/odoo/records.ts';
import type { OdooPort } from '../../../clients/ports.ts';
import { runPattern } from '../run-pattern.ts';
import type { InvariantCheck } from './findings.ts';

const BATCH_MOVES = 500;

/**
 * Every order of the run that was invoiced, by its reference, has one invoice: an order that was doubled together with its invoice
 * counts too. Credit notes and cancelled invoices do not. Orders without an invoice say nothing and are not counted.
 */
export const checkInvoices: InvariantCheck = async (odoo, { runId }) => {
  const moves = new Map<string, Set<number>>();
  const domain = [['client_order_ref', 'like', runPattern(runId)]];
  for await (const row of readRows(odoo, 'sale.order', domain, ['client_order_ref', 'invoice_ids'])) {
    const reference = String(row.client_order_ref);
    const ofOrder = moves.get(reference) ?? new Set();
    for (const id of idsOf(row.invoice_ids)) ofOrder.add(id);
    moves.set(reference, ofOrder);
  }
  const invoices = await keepInvoices(
    odoo,
    [...moves.values()].flatMap((ids) => [...ids]),
  );
  const invoiced = [...moves]
    .map(([reference, ids]) => ({ reference, ids: [...ids].filter((id) => invoices.has(id)) }))
    .filter(({ ids }) => ids.length > 0);
  const violations = invoiced
    .filter(({ ids }) => ids.length > 1)
    .map(({ reference, ids }) => `order ${reference} has ${ids.length} invoices (ids ${ids.join(', ')})`);
  return { checked: invoiced.length, violations };
};

/** Of these entries, those that are invoices in force. */
async function keepInvoices(odoo: OdooPort, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const invoices = new Set<number>();
  for (const batch of chunksOf(ids, BATCH_MOVES)) {
    const domain = [
      ['id', 'in', batch],
      ['move_type', '=', 'out_invoice'],
      ['state', '!=', 'cancel'],
    ];
    for await (const row of readRows(odoo, 'account.move', domain, ['state'])) invoices.add(numberOf(row.id));
  }
  return invoices;
}
