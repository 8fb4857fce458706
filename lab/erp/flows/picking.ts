/** Transfers: confirm, reserve, validate, cancel. */
import { num, type Row, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { Value } from '../orm/value.ts';
import { missingError, userError } from '../rpc/faults.ts';
import { addQuantity, addReserved, type Demand, reserveStatement } from './quants.ts';

async function requirePickings(env: Env, ids: readonly number[]): Promise<readonly Row[]> {
  const rows = await env.tx.query('SELECT id, name, state FROM stock_picking WHERE id = ANY($1::int[])', [[...ids]]);
  const found = new Set(rows.map((row) => num(row, 'id')));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) throw missingError('stock.picking', missing, env.uid);
  return rows;
}

const openMoves = (env: Env, pickingIds: readonly number[]): Promise<readonly Row[]> =>
  env.tx.query(
    `SELECT m.id, m.picking_id, m.product_id, m.location_id, m.location_dest_id, m.product_uom_qty, m.quantity, m.state,
       t.is_storable AS storable, l.usage = 'internal' AS from_stock
     FROM stock_move m JOIN product_product p ON p.id = m.product_id JOIN product_template t ON t.id = p.product_tmpl_id JOIN stock_location l ON l.id = m.location_id
     WHERE m.picking_id = ANY($1::int[]) AND m.state NOT IN ('done', 'cancel') ORDER BY m.product_id, m.id`,
    [[...pickingIds]],
  );

const demandOf = (row: Row, quantity: number, place: 'location_id' | 'location_dest_id' = 'location_id'): Demand => ({
  productId: num(row, 'product_id'),
  locationId: num(row, place),
  quantity,
});

/** Only tracked goods that leave our own stock are reserved on a quant; everything else is always there. */
const needsQuant = (row: Row): boolean => row.storable === true && row.from_stock === true;

export async function confirmPickings(env: Env, ids: readonly number[]): Promise<Value> {
  await requirePickings(env, ids);
  await env.tx.execute("UPDATE stock_move SET state = 'confirmed' WHERE picking_id = ANY($1::int[]) AND state = 'draft'", [
    [...ids],
  ]);
  await env.tx.execute("UPDATE stock_picking SET state = 'confirmed' WHERE id = ANY($1::int[]) AND state = 'draft'", [[...ids]]);
  return true;
}

export async function assignPickings(env: Env, ids: readonly number[]): Promise<Value> {
  await confirmPickings(env, ids);
  if ((await openMoves(env, ids)).length === 0) throw userError('Nothing to check the availability for.');
  await env.tx.executeAll([reserveStatement('transfers', ids)]);
  return true;
}

export async function validatePickings(env: Env, ids: readonly number[]): Promise<Value> {
  const pickings = await requirePickings(env, ids);
  await confirmPickings(
    env,
    pickings.filter((row) => str(row, 'state') === 'draft').map((row) => num(row, 'id')),
  );
  const moves = await openMoves(env, ids);
  if (moves.length === 0) throw userError('Please add some items to move.');
  if (moves.every((row) => num(row, 'quantity') <= 0))
    throw userError('You cannot validate a transfer if no quantities are reserved. To force the transfer, encode quantities.');
  if (moves.some((row) => num(row, 'quantity') < num(row, 'product_uom_qty')) && env.context.skip_backorder !== true)
    return {
      name: 'Create Backorder?',
      type: 'ir.actions.act_window',
      view_mode: 'form',
      res_model: 'stock.backorder.confirmation',
      target: 'new',
      context: { default_pick_ids: ids.map((id): Value => [4, id]) },
    };
  await doneMoves(env, moves);
  await env.tx.execute(
    "UPDATE stock_picking SET state = 'done', date_done = now() AT TIME ZONE 'UTC' WHERE id = ANY($1::int[])",
    [[...ids]],
  );
  return true;
}

/** Moves the reserved quantities for good. */
async function doneMoves(env: Env, moves: readonly Row[]): Promise<void> {
  await addReserved(
    env,
    moves.filter(needsQuant).map((row) => demandOf(row, -num(row, 'quantity'))),
  );
  await addQuantity(
    env,
    moves
      .filter((row) => row.storable === true)
      .flatMap((row) => [demandOf(row, -num(row, 'quantity')), demandOf(row, num(row, 'quantity'), 'location_dest_id')]),
  );
  await env.tx.execute(
    "UPDATE stock_move SET state = 'done', picked = true, product_uom_qty = quantity, date = now() AT TIME ZONE 'UTC' WHERE id = ANY($1::int[])",
    [moves.map((row) => num(row, 'id'))],
  );
  await env.tx.execute(
    `UPDATE sale_order_line l SET qty_delivered = COALESCE(l.qty_delivered, 0) + d.quantity
     FROM (SELECT sale_line_id, sum(quantity) AS quantity FROM stock_move WHERE id = ANY($1::int[]) AND sale_line_id IS NOT NULL GROUP BY 1) d WHERE l.id = d.sale_line_id`,
    [moves.map((row) => num(row, 'id'))],
  );
}

export async function cancelPickings(env: Env, ids: readonly number[]): Promise<Value> {
  const pickings = await requirePickings(env, ids);
  if (pickings.some((row) => str(row, 'state') === 'done'))
    throw userError(
      "You cannot cancel a stock move that has been set to 'Done'. Create a return in order to reverse the moves which took place.",
    );
  await releaseMoves(env, ids);
  await env.tx.execute("UPDATE stock_picking SET state = 'cancel' WHERE id = ANY($1::int[])", [[...ids]]);
  return true;
}

/** Gives reserved quantities back and cancels the moves. */
export async function releaseMoves(env: Env, pickingIds: readonly number[]): Promise<void> {
  const moves = await openMoves(env, pickingIds);
  await addReserved(
    env,
    moves.filter(needsQuant).map((row) => demandOf(row, -num(row, 'quantity'))),
  );
  await env.tx.execute("UPDATE stock_move SET state = 'cancel', quantity = 0 WHERE id = ANY($1::int[])", [
    moves.map((row) => num(row, 'id')),
  ]);
}
