/** The damage that is done behind the back: consistent in itself, so that only the reader of keys or sums can find it. */
import { num, type Row, str } from '../db/transaction.ts';
import { invoiceWhole } from '../flows/invoice.ts';
import { releaseMoves } from '../flows/picking.ts';
import { postMoves } from '../flows/posting.ts';
import { confirmOrders } from '../flows/sale.ts';
import type { Env } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { createRecords } from '../orm/write.ts';

export interface Victim {
  readonly id: number;
  /** Business key that the client gave. */
  readonly key: string;
}

const victims = (rows: readonly Row[]): readonly Victim[] => rows.map((row) => ({ id: num(row, 'id'), key: str(row, 'key') }));

/** Orders of a run that were confirmed long enough ago to have been acknowledged, in random order. */
export async function confirmedOrders(env: Env, afterId: number): Promise<readonly Victim[]> {
  return victims(
    await env.tx.query(
      `SELECT o.id, o.client_order_ref AS key FROM sale_order o
       WHERE o.id > $1 AND o.state = 'sale' AND COALESCE(o.client_order_ref, '') <> '' AND o.write_date < (now() AT TIME ZONE 'UTC') - interval '4 seconds'
         AND NOT EXISTS (SELECT 1 FROM sale_order_invoice_rel r WHERE r.order_id = o.id)
         AND NOT EXISTS (SELECT 1 FROM stock_picking p WHERE p.sale_id = o.id AND p.state = 'done')
         AND NOT EXISTS (SELECT 1 FROM sale_order d WHERE d.client_order_ref = o.client_order_ref AND d.id <> o.id)
       ORDER BY random()`,
      [afterId],
    ),
  );
}

/** Orders of a run that have one invoice, posted long enough ago to have been acknowledged, in random order. */
export async function invoicedOrders(env: Env, afterId: number): Promise<readonly Victim[]> {
  return victims(
    await env.tx.query(
      `SELECT o.id, min(o.client_order_ref) AS key FROM sale_order o JOIN sale_order_invoice_rel r ON r.order_id = o.id JOIN account_move m ON m.id = r.move_id
       WHERE o.id > $1 AND COALESCE(o.client_order_ref, '') <> ''
       GROUP BY o.id HAVING count(*) = 1 AND bool_and(m.state = 'posted' AND m.write_date < (now() AT TIME ZONE 'UTC') - interval '4 seconds')
       ORDER BY random()`,
      [afterId],
    ),
  );
}

/** Posted entries that clients made (not those of tills, payments or reversals), in random order. */
export async function postedEntries(env: Env, afterId: number): Promise<readonly Victim[]> {
  return victims(
    await env.tx.query(
      `SELECT m.id, m.ref AS key FROM account_move m JOIN account_journal j ON j.id = m.journal_id
       WHERE m.id > $1 AND m.state = 'posted' AND m.move_type = 'entry' AND COALESCE(m.ref, '') <> '' AND m.reversed_entry_id IS NULL
         AND j.type = 'general' AND j.code <> 'POSS' AND m.write_date < (now() AT TIME ZONE 'UTC') - interval '4 seconds'
       ORDER BY random()`,
      [afterId],
    ),
  );
}

/** As if they had never been: lines, moves and transfers go too, and what they reserved is free again. */
export async function eraseOrders(env: Env, orders: readonly Victim[]): Promise<void> {
  const ids = orders.map((order) => order.id);
  const rows = await env.tx.query('SELECT id FROM stock_picking WHERE sale_id = ANY($1::int[])', [ids]);
  const pickings = rows.map((row) => num(row, 'id'));
  await releaseMoves(env, pickings);
  await env.tx.execute('DELETE FROM stock_move WHERE picking_id = ANY($1::int[])', [pickings]);
  await env.tx.execute('DELETE FROM stock_picking WHERE id = ANY($1::int[])', [pickings]);
  await env.tx.execute('DELETE FROM sale_order_line WHERE order_id = ANY($1::int[])', [ids]);
  await env.tx.execute('DELETE FROM sale_order WHERE id = ANY($1::int[])', [ids]);
}

/** A second confirmed order under the same reference, with its own delivery. */
export async function doubleOrder(env: Env, order: Victim): Promise<void> {
  const [original] = await env.tx.query('SELECT partner_id, pricelist_id, warehouse_id FROM sale_order WHERE id = $1', [
    order.id,
  ]);
  const lines = await env.tx.query(
    'SELECT product_id, product_uom_qty, price_unit FROM sale_order_line WHERE order_id = $1 ORDER BY id',
    [order.id],
  );
  const made = await createRecords(env, env.models.require('sale.order'), [
    {
      partner_id: num(original, 'partner_id'),
      pricelist_id: num(original, 'pricelist_id') || false,
      warehouse_id: num(original, 'warehouse_id') || 1,
      client_order_ref: order.key,
      order_line: lines.map(
        (line): Value => [
          0,
          0,
          {
            product_id: num(line, 'product_id'),
            product_uom_qty: num(line, 'product_uom_qty'),
            price_unit: num(line, 'price_unit'),
          },
        ],
      ),
    },
  ]);
  await confirmOrders(env, made);
}

/** A second posted invoice of the same order. */
export async function doubleInvoice(env: Env, order: Victim): Promise<void> {
  await env.tx.execute('UPDATE sale_order_line SET qty_invoiced = 0 WHERE order_id = $1', [order.id]);
  const invoice = await invoiceWhole(env, order.id);
  await postMoves(env, [invoice]);
}

/** Adds 1.00 to one debit of each entry. */
export async function unbalanceEntries(env: Env, entries: readonly Victim[]): Promise<void> {
  await env.tx.execute(
    `UPDATE account_move_line SET debit = debit + 1, balance = balance + 1 WHERE id IN
       (SELECT DISTINCT ON (move_id) id FROM account_move_line WHERE move_id = ANY($1::int[]) AND debit > 0 ORDER BY move_id, id)`,
    [entries.map((entry) => entry.id)],
  );
}
