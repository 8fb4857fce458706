/**
 * Quants: rows that every order of a product fights for. They are locked in the order of their product, so that two transactions
 * meet as "wait, then serialization failure" (which Odoo repeats) and only rarely as a deadlock.
 */
import { num, type Statement } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';

export interface Demand {
  readonly productId: number;
  readonly locationId: number;
  readonly quantity: number;
}

const keyOf = (productId: number, locationId: number): string => `${productId}/${locationId}`;

export function sumDemand(demands: readonly Demand[]): readonly Demand[] {
  const sums = new Map<string, Demand>();
  for (const demand of demands) {
    const key = keyOf(demand.productId, demand.locationId);
    const known = sums.get(key);
    sums.set(key, known ? { ...known, quantity: known.quantity + demand.quantity } : demand);
  }
  return [...sums.values()]
    .filter((demand) => demand.quantity !== 0)
    .sort((a, b) => a.productId - b.productId || a.locationId - b.locationId);
}

const columns = (demands: readonly Demand[]): readonly unknown[] => [
  demands.map((demand) => demand.productId),
  demands.map((demand) => demand.locationId),
  demands.map((demand) => demand.quantity),
];

/** Locks the quants of these products; gives the keys of those that are there. */
async function lockQuants(env: Env, demands: readonly Demand[]): Promise<ReadonlySet<string>> {
  const wanted = sumDemand(demands);
  if (wanted.length === 0) return new Set();
  const rows = await env.tx.query(
    `SELECT q.product_id, q.location_id FROM stock_quant q
     WHERE (q.product_id, q.location_id) IN (SELECT * FROM unnest($1::int[], $2::int[])) ORDER BY q.product_id, q.location_id, q.id FOR UPDATE`,
    columns(wanted).slice(0, 2),
  );
  return new Set(rows.map((row) => keyOf(num(row, 'product_id'), num(row, 'location_id'))));
}

/**
 * Reserves what the open moves of these transfers still lack, first come first served, and sets the states of moves and transfers.
 * One statement, because the quants stay locked from here to the commit. Goods that are not tracked are always there.
 */
export function reserveStatement(of: 'transfers' | 'orders', ids: readonly number[]): Statement {
  const chosen =
    of === 'transfers'
      ? 'm.picking_id = ANY($1::int[])'
      : 'm.picking_id IN (SELECT id FROM stock_picking WHERE sale_id = ANY($1::int[]))';
  return {
    sql: `WITH need AS (
       SELECT m.id, m.picking_id, m.product_id, m.location_id, m.product_uom_qty - m.quantity AS lacking, t.is_storable AND l.usage = 'internal' AS tracked
       FROM stock_move m JOIN product_product p ON p.id = m.product_id JOIN product_template t ON t.id = p.product_tmpl_id JOIN stock_location l ON l.id = m.location_id
       WHERE ${chosen} AND m.state IN ('confirmed', 'waiting', 'partially_available')),
     locked AS (
       SELECT q.id, q.product_id, q.location_id, q.quantity - q.reserved_quantity AS free FROM stock_quant q
       WHERE (q.product_id, q.location_id) IN (SELECT product_id, location_id FROM need WHERE tracked) ORDER BY q.product_id, q.location_id, q.id FOR UPDATE),
     asked AS (SELECT n.*, sum(n.lacking) OVER (PARTITION BY n.product_id, n.location_id ORDER BY n.id) - n.lacking AS ahead FROM need n),
     taken AS (
       SELECT a.id, a.picking_id, a.tracked, k.id AS quant_id,
         CASE WHEN a.tracked THEN GREATEST(0, LEAST(a.lacking, COALESCE(k.free, 0) - a.ahead)) ELSE a.lacking END AS quantity
       FROM asked a LEFT JOIN locked k ON k.product_id = a.product_id AND k.location_id = a.location_id),
     quants AS (
       UPDATE stock_quant q SET reserved_quantity = q.reserved_quantity + s.quantity
       FROM (SELECT quant_id, sum(quantity) AS quantity FROM taken WHERE tracked AND quantity > 0 GROUP BY quant_id) s WHERE q.id = s.quant_id),
     moves AS (
       UPDATE stock_move m SET quantity = m.quantity + s.quantity,
         state = CASE WHEN m.quantity + s.quantity >= m.product_uom_qty THEN 'assigned' WHEN m.quantity + s.quantity > 0 THEN 'partially_available' ELSE 'confirmed' END
       FROM taken s WHERE m.id = s.id RETURNING m.picking_id, m.state)
     UPDATE stock_picking p SET state = CASE WHEN s.ready THEN 'assigned' ELSE 'confirmed' END
     FROM (SELECT picking_id, bool_and(state = 'assigned') AS ready FROM moves GROUP BY picking_id) s WHERE p.id = s.picking_id AND p.state NOT IN ('done', 'cancel')`,
    params: [[...ids]],
  };
}

/** Negative quantities release. */
export async function addReserved(env: Env, demands: readonly Demand[]): Promise<void> {
  const sums = sumDemand(demands);
  if (sums.length === 0) return;
  await env.tx.execute(
    `UPDATE stock_quant q SET reserved_quantity = GREATEST(0, q.reserved_quantity + u.quantity)
     FROM unnest($1::int[], $2::int[], $3::numeric[]) AS u(product_id, location_id, quantity)
     WHERE q.product_id = u.product_id AND q.location_id = u.location_id`,
    columns(sums),
  );
}

/** Adds to the quantity on hand, making quants that are not there yet. */
export async function addQuantity(env: Env, demands: readonly Demand[]): Promise<void> {
  const sums = sumDemand(demands);
  if (sums.length === 0) return;
  const known = await lockQuants(env, sums);
  const fresh = sums.filter((demand) => !known.has(keyOf(demand.productId, demand.locationId)));
  const present = sums.filter((demand) => known.has(keyOf(demand.productId, demand.locationId)));
  if (present.length > 0)
    await env.tx.execute(
      `UPDATE stock_quant q SET quantity = q.quantity + u.quantity
       FROM unnest($1::int[], $2::int[], $3::numeric[]) AS u(product_id, location_id, quantity)
       WHERE q.product_id = u.product_id AND q.location_id = u.location_id`,
      columns(present),
    );
  if (fresh.length > 0)
    await env.tx.execute(
      `INSERT INTO stock_quant (product_id, location_id, quantity, reserved_quantity, inventory_quantity, inventory_quantity_set, company_id, in_date, create_uid, create_date)
       SELECT u.p, u.l, u.q, 0, 0, false, $4, now() AT TIME ZONE 'UTC', $5, now() AT TIME ZONE 'UTC' FROM unnest($1::int[], $2::int[], $3::numeric[]) AS u(p, l, q)`,
      [...columns(fresh), env.companyId, env.uid],
    );
}
