/** Order capture: confirm creates the delivery and reserves stock; cancel gives it back. */
import { num, type Row, str } from '../db/transaction.ts';
import { type Env, withContext } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { missingError, userError } from '../rpc/faults.ts';
import { releaseMoves } from './picking.ts';
import { reserveStatement } from './quants.ts';

async function requireOrders(env: Env, ids: readonly number[]): Promise<readonly Row[]> {
  const rows = await env.tx.query('SELECT id, name, state, locked FROM sale_order WHERE id = ANY($1::int[])', [[...ids]]);
  const found = new Set(rows.map((row) => num(row, 'id')));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) throw missingError('sale.order', missing, env.uid);
  return rows;
}

export async function confirmOrders(env: Env, ids: readonly number[]): Promise<Value> {
  const orderIds = [...new Set(ids)];
  // The reservation comes last, because from there to the commit the quants of hot products are locked.
  const [confirmed] = await env.tx.executeAll([
    { sql: CONFIRM, params: [orderIds, env.uid] },
    { sql: DELIVER, params: [orderIds, env.uid] },
    reserveStatement('orders', orderIds),
  ]);
  if (confirmed === orderIds.length) return true;
  // Not all were there to be confirmed: say why; what was done above is rolled back.
  await requireOrders(env, ids);
  throw userError('Some orders are not in a state requiring confirmation.');
}

const GOODS = "t.type = 'consu' AND l.product_uom_qty > 0";
const LINES = `sale_order_line l JOIN product_product p ON p.id = l.product_id JOIN product_template t ON t.id = p.product_tmpl_id`;
const NOW = "now() AT TIME ZONE 'UTC'";

const CONFIRM = `
  UPDATE sale_order o SET state = 'sale', date_order = ${NOW}, delivery_status = 'pending', write_uid = $2, write_date = ${NOW},
    invoice_status = CASE WHEN EXISTS (SELECT 1 FROM ${LINES} WHERE l.order_id = o.id AND t.invoice_policy = 'order' AND l.product_uom_qty <> 0) THEN 'to invoice' ELSE 'no' END
  WHERE o.id = ANY($1::int[]) AND o.state IN ('draft', 'sent')`;

/** One delivery an order that has goods, one move a line of goods. */
const DELIVER = `
  WITH made AS (
    INSERT INTO stock_picking (name, origin, state, partner_id, picking_type_id, location_id, location_dest_id, sale_id, scheduled_date, company_id, create_uid, create_date, write_uid, write_date)
    SELECT w.code || '/OUT/' || lpad(nextval('stock_picking_name_seq')::text, 5, '0'), o.name, 'confirmed', COALESCE(o.partner_shipping_id, o.partner_id), w.out_type_id, w.lot_stock_id,
      (SELECT id FROM stock_location WHERE usage = 'customer' ORDER BY id LIMIT 1), o.id, ${NOW}, o.company_id, $2::int, ${NOW}, $2::int, ${NOW}
    FROM sale_order o JOIN stock_warehouse w ON w.id = COALESCE(o.warehouse_id, 1)
    WHERE o.id = ANY($1::int[]) AND EXISTS (SELECT 1 FROM ${LINES} WHERE l.order_id = o.id AND ${GOODS})
    RETURNING id, name, sale_id, location_id, location_dest_id, company_id)
  INSERT INTO stock_move (name, reference, origin, state, product_id, product_uom, product_uom_qty, quantity, picked, is_inventory, date, location_id, location_dest_id, picking_id, sale_line_id, company_id, create_uid, create_date, write_uid, write_date)
  SELECT l.name, m.name, m.name, 'confirmed', l.product_id, l.product_uom, l.product_uom_qty, 0, false, false, ${NOW}, m.location_id, m.location_dest_id, m.id, l.id, m.company_id, $2::int, ${NOW}, $2::int, ${NOW}
  FROM made m JOIN ${LINES} ON l.order_id = m.sale_id
  WHERE ${GOODS} ORDER BY l.product_id, l.id`;

/**
 * As in Odoo, a confirmed order is not cancelled by this call: it answers with the wizard that asks whether to tell the customer.
 * The context key `disable_cancel_warning` (or the wizard's own action_cancel) does it.
 */
export async function cancelOrders(env: Env, ids: readonly number[]): Promise<Value> {
  const orders = await requireOrders(env, ids);
  if (orders.some((row) => row.locked === true)) throw userError('You cannot cancel a locked order. Please unlock it first.');
  if (env.context.disable_cancel_warning !== true && orders.some((row) => str(row, 'state') !== 'draft'))
    return {
      name: 'Cancel Sales Order',
      view_mode: 'form',
      res_model: 'sale.order.cancel',
      type: 'ir.actions.act_window',
      context: { default_order_id: ids[0] ?? false },
      target: 'new',
    };
  const pickings = await env.tx.query(
    "SELECT id FROM stock_picking WHERE sale_id = ANY($1::int[]) AND state NOT IN ('done', 'cancel')",
    [[...ids]],
  );
  const pickingIds = pickings.map((row) => num(row, 'id'));
  await env.tx.execute(
    "UPDATE sale_order SET state = 'cancel', invoice_status = 'no', write_uid = $2, write_date = now() AT TIME ZONE 'UTC' WHERE id = ANY($1::int[])",
    [[...ids], env.uid],
  );
  if (pickingIds.length > 0) {
    await env.tx.execute("UPDATE stock_picking SET state = 'cancel' WHERE id = ANY($1::int[])", [pickingIds]);
    await releaseMoves(env, pickingIds);
  }
  return true;
}

export async function draftOrders(env: Env, ids: readonly number[]): Promise<Value> {
  const orders = await requireOrders(env, ids);
  const back = orders.filter((row) => ['cancel', 'sent'].includes(str(row, 'state'))).map((row) => num(row, 'id'));
  await env.tx.execute("UPDATE sale_order SET state = 'draft' WHERE id = ANY($1::int[])", [back]);
  return true;
}

export async function wizardCancel(env: Env, ids: readonly number[]): Promise<Value> {
  const rows = await env.tx.query('SELECT order_id FROM sale_order_cancel WHERE id = ANY($1::int[])', [[...ids]]);
  return await cancelOrders(
    withContext(env, { disable_cancel_warning: true }),
    rows.map((row) => num(row, 'order_id')),
  );
}
