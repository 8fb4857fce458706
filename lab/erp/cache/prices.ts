/** Prices by price list: computed by SQL, remembered in Redis. Without the cache every line costs its computation. */
import { num, type Transaction } from '../db/transaction.ts';
import type { PriceBook } from '../orm/env.ts';
import type { Cache } from './redis.ts';

const TTL_SECONDS = 60;

export interface PriceOptions {
  /** Simulated cost of working out one price, ms. */
  readonly computeMs: number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

export function createPriceBook(cache: Cache, options: PriceOptions): PriceBook {
  return {
    async prices(tx, pricelistId, productIds) {
      const keys = productIds.map((id) => `price:${pricelistId}:${id}`);
      const cached = await cache.get(keys);
      const missing = productIds.filter((_, index) => cached[index] === null || cached[index] === undefined);
      const computed = missing.length > 0 ? await computePrices(tx, pricelistId, missing) : new Map<number, number>();
      if (missing.length > 0) {
        await options.sleep(options.computeMs * missing.length);
        await cache.set(
          [...computed].map(([id, price]) => [`price:${pricelistId}:${id}`, String(price)] as const),
          TTL_SECONDS,
        );
      }
      return productIds.map((id, index) => computed.get(id) ?? Number(cached[index] ?? 0));
    },
    forget: () => cache.forgetMatching('price:*'),
  };
}

/** The first rule by Odoo's order (variant, product, category, all; larger minimum first) decides. */
async function computePrices(
  tx: Transaction,
  pricelistId: number,
  productIds: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const rows = await tx.query(
    `SELECT p.id, t.list_price, p.standard_price, i.compute_price, i.fixed_price, i.percent_price, i.price_discount, i.price_surcharge, i.base
     FROM product_product p JOIN product_template t ON t.id = p.product_tmpl_id
     LEFT JOIN LATERAL (
       SELECT r.* FROM product_pricelist_item r
       WHERE r.pricelist_id = $1 AND r.active AND COALESCE(r.min_quantity, 0) <= 1
         AND (r.date_start IS NULL OR r.date_start <= now() AT TIME ZONE 'UTC') AND (r.date_end IS NULL OR r.date_end >= now() AT TIME ZONE 'UTC')
         AND ((r.applied_on = '0_product_variant' AND r.product_id = p.id) OR (r.applied_on = '1_product' AND r.product_tmpl_id = t.id)
           OR (r.applied_on = '2_product_category' AND r.categ_id = t.categ_id) OR r.applied_on = '3_global')
       ORDER BY r.applied_on, r.min_quantity DESC, r.id DESC LIMIT 1) i ON true
     WHERE p.id = ANY($2::int[])`,
    [pricelistId, [...productIds]],
  );
  return new Map(rows.map((row) => [num(row, 'id'), priceOf(row)]));
}

function priceOf(row: Readonly<Record<string, unknown>>): number {
  const base = row.base === 'standard_price' ? num(row, 'standard_price') : num(row, 'list_price');
  const round = (price: number): number => Math.round((price + Number.EPSILON) * 100) / 100;
  switch (row.compute_price) {
    case 'fixed':
      return num(row, 'fixed_price');
    case 'percentage':
      return round(base * (1 - num(row, 'percent_price') / 100));
    case 'formula':
      return round(base * (1 - num(row, 'price_discount') / 100) + num(row, 'price_surcharge'));
    default:
      return num(row, 'list_price');
  }
}
