/**
 * Quants: rows that every order of a product fights for. They are locked in the order of their product, so that two transactions
 * meet as "wait, then serialization failure" (which Odoo repeats) and only rarely as a deadlock.
 */
import { num } from '../db/transaction.ts';
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

interface Available {
  readonly quantId: number;
  free: number;
}

/** Locks the quants of these products and says what is free in each. */
export async function lockQuants(env: Env, demands: readonly Demand[]): Promise<ReadonlyMap<string, Available>> {
  const wanted = sumDemand(demands);
  if (wanted.length === 0) return new Map();
  const rows = await env.tx.query(
    `SELECT q.id, q.product_id, q.location_id, q.quantity - q.reserved_quantity AS free FROM stock_quant q
     WHERE (q.product_id, q.location_id) IN (SELECT * FROM unnest($1::int[], $2::int[])) ORDER BY q.product_id, q.location_id, q.id FOR UPDATE`,
    columns(wanted).slice(0, 2),
  );
  return new Map(
    rows.map((row) => [
      keyOf(num(row, 'product_id'), num(row, 'location_id')),
      { quantId: num(row, 'id'), free: num(row, 'free') },
    ]),
  );
}

/** Reserves what is there for each demand, first come first served; gives the reserved quantity of each. */
export async function reserve(env: Env, demands: readonly Demand[]): Promise<readonly number[]> {
  const quants = await lockQuants(env, demands);
  const taken = demands.map((demand) => {
    const quant = quants.get(keyOf(demand.productId, demand.locationId));
    const quantity = quant ? Math.max(0, Math.min(quant.free, demand.quantity)) : 0;
    if (quant) quant.free -= quantity;
    return quantity;
  });
  await addReserved(
    env,
    demands.map((demand, index) => ({ ...demand, quantity: taken[index] ?? 0 })),
  );
  return taken;
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
