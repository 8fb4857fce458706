/** One billing run of the month end: confirmed orders of this run are invoiced by the wizard, and the invoices posted. */
import type { Outcome } from '../../src/model/run-records.ts';
import { type OdooSession, worseOf } from '../odoo/call.ts';
import { decodeInt, decodeRows, int, ints, list, member, replaceWith, struct, term, text, texts } from '../odoo/xmlrpc.ts';

export interface BillingRun {
  /** `client_order_ref` of the orders that only this billing run invoices, so that no two runs can invoice one order. */
  readonly keys: readonly string[];
  readonly maxOrders: number;
}

const ORDER = 'sale.order';
const MOVE = 'account.move';
const WIZARD = 'sale.advance.payment.inv';
const DELIVERED = member('advance_payment_method', text('delivered'));
const ORDER_FIELDS = member('fields', texts(['client_order_ref', 'partner_invoice_id']));
const INVOICE_FIELDS = struct([member('fields', texts(['ref']))]);
/** Before the look for invoices whose creation was not answered. */
const LOOK_AFTER_MS = 1_000;

/**
 * Each order is asked for once in a run: when the answer is lost, its invoice is looked for by reference and posted when it is
 * there, and never made again. Without anything to invoice it is a look.
 */
export function invoiceOrders(odoo: OdooSession, run: BillingRun): Outcome {
  if (run.keys.length === 0) return 'ok';
  const found = odoo.call({
    step: 'find-orders',
    model: ORDER,
    method: 'search_read',
    args: list([
      list([
        term('client_order_ref', 'in', texts(run.keys)),
        term('state', '=', text('sale')),
        term('invoice_status', '=', text('to invoice')),
      ]),
    ]),
    kwargs: struct([ORDER_FIELDS, member('limit', int(2 * run.maxOrders)), member('order', text('id'))]),
  });
  if (found.outcome !== 'ok') return found.outcome;
  const orders = onePerCustomer(decodeRows(found.body), run.maxOrders);
  if (orders.length === 0) return 'ok';
  const keys = orders.map(({ key }) => key);
  const wizard = odoo.call({
    step: 'invoice-wizard',
    model: WIZARD,
    method: 'create',
    args: list([struct([DELIVERED, member('sale_order_ids', list([replaceWith(orders.map(({ id }) => id))]))])]),
  });
  const id = decodeInt(wizard.body);
  if (wizard.outcome !== 'ok' || id === undefined) return wizard.outcome === 'ok' ? 'fail' : wizard.outcome;
  const { outcome, invoices } = createInvoices(odoo, id, keys);
  if (outcome === 'fail' || invoices.length === 0) return outcome;
  const posted = odoo.call({
    step: 'post-invoices',
    model: MOVE,
    method: 'action_post',
    args: list([ints(invoices.map((invoice) => invoice.id))]),
    effect: 'post',
    keys: invoices.map(({ key }) => key).join(' '),
  });
  return worseOf(outcome, posted.outcome);
}

interface FoundOrder {
  readonly id: number;
  readonly key: string;
}

/** The wizard puts orders of one customer on one invoice, whose `ref` would then be none of their keys: so one a customer. */
function onePerCustomer(rows: ReturnType<typeof decodeRows>, limit: number): readonly FoundOrder[] {
  const customers: Record<string, true> = {};
  const orders: FoundOrder[] = [];
  for (const { id, client_order_ref: key, partner_invoice_id: partner } of rows) {
    const customer = String(Array.isArray(partner) ? partner[0] : partner);
    if (orders.length >= limit) break;
    if (typeof id !== 'number' || typeof key !== 'string' || customers[customer]) continue;
    customers[customer] = true;
    orders.push({ id, key });
  }
  return orders;
}

interface Invoiced {
  readonly outcome: Outcome;
  readonly invoices: readonly FoundInvoice[];
}

interface FoundInvoice {
  readonly id: number;
  readonly key: string;
}

/** `create_invoices` returns None and so answers a fault after its commit (odoo-behaviour.md section 3): a look tells. */
function createInvoices(odoo: OdooSession, wizard: number, keys: readonly string[]): Invoiced {
  let invoices: readonly FoundInvoice[] = [];
  const allThere = (): boolean => {
    invoices = findInvoices(odoo, keys);
    return invoices.length >= keys.length;
  };
  const answer = odoo.callReturningNone(
    {
      step: 'invoice',
      model: WIZARD,
      method: 'create_invoices',
      args: list([ints([wizard])]),
      effect: 'create',
      keys: keys.join(' '),
    },
    allThere,
  );
  if (answer.outcome === 'fail') return { outcome: 'fail', invoices };
  if (invoices.length < keys.length) {
    if (answer.outcome === 'unknown') odoo.pause(LOOK_AFTER_MS);
    allThere();
  }
  return { outcome: invoices.length >= keys.length ? 'ok' : 'unknown', invoices };
}

/** Drafts of these orders, one each; recorded as the fate of their creation when all are there. */
function findInvoices(odoo: OdooSession, keys: readonly string[]): readonly FoundInvoice[] {
  const answer = odoo.call({
    step: 'find-invoices',
    model: MOVE,
    method: 'search_read',
    args: list([
      list([term('ref', 'in', texts(keys)), term('move_type', '=', text('out_invoice')), term('state', '=', text('draft'))]),
    ]),
    kwargs: INVOICE_FIELDS,
    effect: 'create',
    keys: keys.join(' '),
    shows: (body) => invoicesOf(body).length >= keys.length,
  });
  return answer.outcome === 'ok' ? invoicesOf(answer.body) : [];
}

function invoicesOf(body: string): readonly FoundInvoice[] {
  const known: Record<string, true> = {};
  const invoices: FoundInvoice[] = [];
  for (const { id, ref: key } of decodeRows(body)) {
    if (typeof id !== 'number' || typeof key !== 'string' || known[key]) continue;
    known[key] = true;
    invoices.push({ id, key });
  }
  return invoices;
}
