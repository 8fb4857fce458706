/** Names, prices and totals of orders and their lines. */
import { num, str } from '../db/transaction.ts';
import type { Env } from '../orm/env.ts';
import type { BaseWrite } from '../orm/fields.ts';
import { asNumber, type Vals } from '../orm/value.ts';
import { missingRequired, userError } from '../rpc/faults.ts';

const round = (amount: number): number => Math.round((amount + Number.EPSILON) * 100) / 100;

export async function prepareOrders(env: Env, vals: readonly Vals[]): Promise<readonly Vals[]> {
  const names = await env.tx.query("SELECT nextval('sale_order_name_seq')::int AS n FROM generate_series(1, $1::int)", [
    vals.length,
  ]);
  const needPricelist = vals.filter((item) => !item.pricelist_id && typeof item.partner_id === 'number');
  const pricelists = await partnerPricelists(
    env,
    needPricelist.map((item) => asNumber(item.partner_id)),
  );
  return vals.map((item, index) => ({
    ...item,
    name: item.name || `S${String(num(names[index], 'n')).padStart(5, '0')}`,
    pricelist_id: item.pricelist_id || pricelists.get(asNumber(item.partner_id)) || false,
    partner_invoice_id: item.partner_invoice_id || item.partner_id || false,
    partner_shipping_id: item.partner_shipping_id || item.partner_id || false,
  }));
}

async function partnerPricelists(env: Env, partnerIds: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (partnerIds.length === 0) return new Map();
  const rows = await env.tx.query(
    `SELECT p.id, COALESCE(p.property_product_pricelist, (SELECT l.id FROM product_pricelist l WHERE l.active ORDER BY l.sequence, l.id LIMIT 1)) AS pricelist
     FROM res_partner p WHERE p.id = ANY($1::int[])`,
    [[...new Set(partnerIds)]],
  );
  return new Map(rows.flatMap((row) => (row.pricelist === null ? [] : [[num(row, 'id'), num(row, 'pricelist')] as const])));
}

export async function afterOrders(): Promise<void> {
  // Lines refresh the totals of their orders themselves.
}

const subtotal = (quantity: number, price: number, discount: number): number => round(quantity * price * (1 - discount / 100));

/** Fills description and price from product and price list. */
export async function prepareLines(env: Env, vals: readonly Vals[]): Promise<readonly Vals[]> {
  const label = env.models.require('sale.order.line').label;
  for (const item of vals)
    if (!item.product_id && !item.display_type) throw missingRequired(label, 'sale.order.line', 'Product', 'product_id');
  const orders = await env.tx.query('SELECT id, pricelist_id FROM sale_order WHERE id = ANY($1::int[])', [
    [...new Set(vals.map((item) => asNumber(item.order_id)))],
  ]);
  const pricelistOf = new Map(orders.map((row) => [num(row, 'id'), num(row, 'pricelist_id')]));
  const names = await productNames(env, vals);
  const prices = await linePrices(env, vals, pricelistOf);
  return vals.map((item, index) => {
    const price = item.price_unit === undefined ? (prices[index] ?? 0) : asNumber(item.price_unit);
    const amount = subtotal(asNumber(item.product_uom_qty), price, asNumber(item.discount));
    return {
      ...item,
      name: item.name || names.get(asNumber(item.product_id)) || '',
      price_unit: price,
      price_subtotal: amount,
      price_total: amount,
    };
  });
}

async function productNames(env: Env, vals: readonly Vals[]): Promise<ReadonlyMap<number, string>> {
  const rows = await env.tx.query(
    `SELECT p.id, COALESCE('[' || p.default_code || '] ', '') || t.name AS name FROM product_product p JOIN product_template t ON t.id = p.product_tmpl_id WHERE p.id = ANY($1::int[])`,
    [[...new Set(vals.map((item) => asNumber(item.product_id)))]],
  );
  return new Map(rows.map((row) => [num(row, 'id'), str(row, 'name')]));
}

async function linePrices(env: Env, vals: readonly Vals[], pricelistOf: ReadonlyMap<number, number>): Promise<readonly number[]> {
  const wanted = new Map<number, Set<number>>();
  for (const item of vals) {
    if (item.price_unit !== undefined || typeof item.product_id !== 'number') continue;
    const pricelist = pricelistOf.get(asNumber(item.order_id)) ?? 0;
    wanted.set(pricelist, (wanted.get(pricelist) ?? new Set()).add(item.product_id));
  }
  const found = new Map<string, number>();
  for (const [pricelist, products] of wanted) {
    const ids = [...products];
    const prices = await env.prices.prices(env.tx, pricelist, ids);
    for (const [index, id] of ids.entries()) found.set(`${pricelist}/${id}`, prices[index] ?? 0);
  }
  return vals.map((item) => found.get(`${pricelistOf.get(asNumber(item.order_id)) ?? 0}/${asNumber(item.product_id)}`) ?? 0);
}

export async function writeLines(env: Env, ids: readonly number[], vals: Vals, base: BaseWrite): Promise<void> {
  await base(ids, vals);
  const rows = await env.tx.query('SELECT DISTINCT order_id FROM sale_order_line WHERE id = ANY($1::int[])', [[...ids]]);
  if ('product_uom_qty' in vals || 'price_unit' in vals || 'discount' in vals)
    await env.tx.execute(
      'UPDATE sale_order_line SET price_subtotal = s.amount, price_total = s.amount FROM (SELECT id, round(product_uom_qty * COALESCE(price_unit, 0) * (1 - COALESCE(discount, 0) / 100), 2) AS amount FROM sale_order_line WHERE id = ANY($1::int[])) s WHERE sale_order_line.id = s.id',
      [[...ids]],
    );
  await refreshTotals(
    env,
    rows.map((row) => num(row, 'order_id')),
  );
}

export async function refreshTotals(env: Env, orderIds: readonly number[]): Promise<void> {
  await env.tx.execute(
    `UPDATE sale_order o SET amount_untaxed = s.total, amount_total = s.total FROM
       (SELECT i.id, COALESCE(sum(l.price_subtotal), 0) AS total FROM unnest($1::int[]) AS i(id) LEFT JOIN sale_order_line l ON l.order_id = i.id GROUP BY i.id) s
     WHERE o.id = s.id`,
    [[...new Set(orderIds)]],
  );
}

export async function unlinkOrders(env: Env, ids: readonly number[]): Promise<void> {
  const rows = await env.tx.query("SELECT id FROM sale_order WHERE id = ANY($1::int[]) AND state NOT IN ('draft', 'cancel')", [
    [...ids],
  ]);
  if (rows.length > 0)
    throw userError('You can not delete a sent quotation or a confirmed sales order. You must first cancel it.');
}
