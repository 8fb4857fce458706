import { chunksOf, many2oneId, numberOf, readRows, sumById } from '../../../clients/odoo/records.ts';
import { differ, type InvariantCheck, money } from './findings.ts';
import { sessionIdsOf } from './run-sessions.ts';

/** Odoo repeats the domain, with all these ids, in each group of its answer. */
const BATCH_SESSIONS = 50;
const PAID_STATES = ['paid', 'done', 'invoiced'];

/**
 * In every POS session of the run, payments add up to what its tickets say was paid, and every ticket that counts as paid is:
 * Odoo itself takes an underpaid one (docs/reference/odoo-behaviour.md section 3, silent change 4).
 */
export const checkPosSessions: InvariantCheck = async (odoo, options) => {
  const sessions = await sessionIdsOf(odoo, options);
  const violations: string[] = [];
  for (const batch of chunksOf(sessions, BATCH_SESSIONS)) {
    const paid = new Map<number, number>();
    const fields = ['uuid', 'session_id', 'state', 'amount_total', 'amount_paid'];
    for await (const row of readRows(odoo, 'pos.order', [['session_id', 'in', batch]], fields)) {
      const session = many2oneId(row.session_id) ?? 0;
      const amountPaid = numberOf(row.amount_paid);
      const amountTotal = numberOf(row.amount_total);
      paid.set(session, (paid.get(session) ?? 0) + amountPaid);
      if (PAID_STATES.includes(String(row.state)) && differ(amountTotal, amountPaid)) {
        violations.push(`ticket ${String(row.uuid)}: total ${money(amountTotal)}, paid ${money(amountPaid)}`);
      }
    }
    const request = { fields: ['amount'], groupBy: 'session_id' };
    const payments = await sumById(odoo, 'pos.payment', [['session_id', 'in', batch]], request);
    for (const session of batch) {
      const amount = payments.get(session)?.amount ?? 0;
      const tickets = paid.get(session) ?? 0;
      if (differ(amount, tickets)) {
        violations.push(`POS session ${session}: payments ${money(amount)}, tickets paid ${money(tickets)}`);
      }
    }
  }
  return { checked: sessions.length, violations };
};
