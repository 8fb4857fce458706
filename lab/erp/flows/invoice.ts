/** Invoices from sales orders. */
import { num, type Row, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { createRecords } from '../orm/write.ts';
import { userError } from '../rpc/faults.ts';
import { roundMoney } from './entries.ts';

const INVOICEABLE = `
  SELECT l.id, l.order_id, l.product_id, l.name, l.price_unit, l.discount, o.name AS order_name, o.partner_id, o.client_order_ref,
    CASE WHEN t.invoice_policy = 'delivery' THEN l.qty_delivered ELSE l.product_uom_qty END - l.qty_invoiced AS quantity
  FROM sale_order_line l JOIN sale_order o ON o.id = l.order_id JOIN product_product p ON p.id = l.product_id JOIN product_template t ON t.id = p.product_tmpl_id
  WHERE o.id = ANY($1::int[]) AND o.state = 'sale' ORDER BY l.order_id, l.sequence, l.id`;

/** Returns Python's None, as the wizard of Odoo does. */
export async function createInvoices(env: Env, ids: readonly number[]): Promise<Value | undefined> {
  const linked = await env.tx.query(
    'SELECT sale_order_id FROM sale_advance_payment_inv_sale_order_rel WHERE sale_advance_payment_inv_id = ANY($1::int[])',
    [[...ids]],
  );
  const orderIds = linked.map((row) => num(row, 'sale_order_id'));
  // Two wizards on one order must not both see "nothing invoiced yet".
  await env.tx.query('SELECT id FROM sale_order WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE', [orderIds]);
  const lines = (await env.tx.query(INVOICEABLE, [orderIds])).filter((row) => num(row, 'quantity') > 0);
  if (lines.length === 0)
    throw userError(
      'Cannot create an invoice. No items are available to invoice.\n\nTo resolve this issue, please ensure that:\n   • The products have been delivered before attempting to invoice them.\n   • The invoicing policy of the product is configured correctly.',
    );
  const byOrder = Map.groupBy(lines, (row) => num(row, 'order_id'));
  for (const [orderId, items] of byOrder) await invoiceOrder(env, orderId, items);
  return undefined;
}

/** Everything that one order has to invoice, on one new draft. */
export async function invoiceWhole(env: Env, orderId: number): Promise<number> {
  const lines = (await env.tx.query(INVOICEABLE, [[orderId]])).filter((row) => num(row, 'quantity') > 0);
  return await invoiceOrder(env, orderId, lines);
}

async function invoiceOrder(env: Env, orderId: number, items: readonly Row[]): Promise<number> {
  const [first] = items;
  const commands = items.map(
    (row): Value => [
      0,
      0,
      {
        product_id: num(row, 'product_id'),
        name: str(row, 'name'),
        quantity: num(row, 'quantity'),
        price_unit: roundMoney(num(row, 'price_unit') * (1 - num(row, 'discount') / 100)),
      },
    ],
  );
  const [invoice = 0] = await createRecords(env, env.models.require('account.move'), [
    {
      move_type: 'out_invoice',
      partner_id: num(first, 'partner_id'),
      invoice_origin: str(first, 'order_name'),
      ref: str(first, 'client_order_ref') || false,
      invoice_line_ids: commands,
    },
  ]);
  await env.tx.execute('INSERT INTO sale_order_invoice_rel (order_id, move_id) VALUES ($1, $2)', [orderId, invoice]);
  await env.tx.execute(
    'UPDATE sale_order_line l SET qty_invoiced = l.qty_invoiced + u.q FROM unnest($1::int[], $2::numeric[]) AS u(id, q) WHERE l.id = u.id',
    [items.map((row) => num(row, 'id')), items.map((row) => num(row, 'quantity'))],
  );
  await env.tx.execute(
    `UPDATE sale_order SET invoice_status = CASE WHEN EXISTS (SELECT 1 FROM sale_order_line l WHERE l.order_id = $1 AND l.qty_invoiced < l.product_uom_qty) THEN 'to invoice' ELSE 'invoiced' END WHERE id = $1`,
    [orderId],
  );
  return invoice;
}
