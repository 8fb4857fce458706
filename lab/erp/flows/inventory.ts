/** Counting stock: a counted quantity on a quant, applied as a stock move from or to the inventory adjustment location. */
import { num } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { BaseCreate, BaseWrite } from '../orm/fields.ts';
import type { Vals, Value } from '../orm/value.ts';
import { userError } from '../rpc/faults.ts';
import { addQuantity, type Demand } from './quants.ts';

const key = (product: unknown, location: unknown): string => `${Number(product)}/${Number(location)}`;

/** A quant of this product and place that is there already takes the counted quantity instead of a second row. */
export async function createQuants(env: Env, vals: readonly Vals[], base: BaseCreate): Promise<readonly number[]> {
  const rows = await env.tx.query(
    'SELECT id, product_id, location_id FROM stock_quant WHERE (product_id, location_id) IN (SELECT * FROM unnest($1::int[], $2::int[]))',
    [vals.map((item) => Number(item.product_id) || 0), vals.map((item) => Number(item.location_id) || 0)],
  );
  const known = new Map(rows.map((row) => [key(row.product_id, row.location_id), num(row, 'id')]));
  const counted = vals.map(
    (item): Vals => (item.inventory_quantity === undefined ? item : { ...item, inventory_quantity_set: true }),
  );
  const fresh = counted.filter((item) => !known.has(key(item.product_id, item.location_id)));
  const made = await base(
    fresh.map((item) => ({ ...item, quantity: item.inventory_quantity === undefined ? (item.quantity ?? 0) : 0 })),
  );
  for (const [index, item] of fresh.entries()) known.set(key(item.product_id, item.location_id), made[index] ?? 0);
  for (const item of counted)
    if (!fresh.includes(item) && item.inventory_quantity !== undefined)
      await env.tx.execute('UPDATE stock_quant SET inventory_quantity = $2, inventory_quantity_set = true WHERE id = $1', [
        known.get(key(item.product_id, item.location_id)),
        Number(item.inventory_quantity),
      ]);
  return counted.map((item) => known.get(key(item.product_id, item.location_id)) ?? 0);
}

export async function writeQuant(_env: Env, ids: readonly number[], vals: Vals, base: BaseWrite): Promise<void> {
  if ('quantity' in vals || 'reserved_quantity' in vals)
    throw userError("Quant's editing is restricted, you can't do this operation.");
  await base(ids, vals.inventory_quantity === undefined ? vals : { inventory_quantity_set: true, ...vals });
}

/** Returns Python's None: over XML-RPC the caller gets Fault 1 although the work is committed. */
export async function applyInventory(env: Env, ids: readonly number[]): Promise<Value | undefined> {
  const rows = await env.tx.query(
    `SELECT q.id, q.product_id, q.location_id, q.inventory_quantity - q.quantity AS diff FROM stock_quant q
     WHERE q.id = ANY($1::int[]) AND q.inventory_quantity_set ORDER BY q.product_id, q.id FOR UPDATE`,
    [[...ids]],
  );
  const [place] = await env.tx.query("SELECT id FROM stock_location WHERE usage = 'inventory' ORDER BY id LIMIT 1");
  const loss = num(place, 'id');
  const moved = rows.filter((row) => num(row, 'diff') !== 0);
  await env.tx.execute(
    `INSERT INTO stock_move (name, reference, state, product_id, product_uom, product_uom_qty, quantity, picked, is_inventory, date, location_id, location_dest_id, company_id, create_uid, create_date, write_uid, write_date)
     SELECT 'Product Quantity Updated', 'Product Quantity Updated', 'done', u.p, 1, abs(u.d), abs(u.d), true, true, now() AT TIME ZONE 'UTC',
            CASE WHEN u.d > 0 THEN $4::int ELSE u.l END, CASE WHEN u.d > 0 THEN u.l ELSE $4::int END, $5, $6, now() AT TIME ZONE 'UTC', $6, now() AT TIME ZONE 'UTC'
     FROM unnest($1::int[], $2::int[], $3::numeric[]) AS u(p, l, d)`,
    [
      moved.map((row) => num(row, 'product_id')),
      moved.map((row) => num(row, 'location_id')),
      moved.map((row) => num(row, 'diff')),
      loss,
      env.companyId,
      env.uid,
    ],
  );
  const lossDemand = moved.map(
    (row): Demand => ({ productId: num(row, 'product_id'), locationId: loss, quantity: -num(row, 'diff') }),
  );
  await addQuantity(env, lossDemand);
  await env.tx.execute(
    'UPDATE stock_quant SET quantity = inventory_quantity, inventory_quantity = 0, inventory_quantity_set = false WHERE id = ANY($1::int[]) AND inventory_quantity_set',
    [[...ids]],
  );
  return undefined;
}
