import { generateProducts, generatePromotions } from '../../generators/catalogue.ts';
import { datasetPrefix, promotionCode } from '../../generators/codes.ts';
import { generateCustomers } from '../../generators/customers.ts';
import type { Vocabulary } from '../../generators/vocabulary.ts';
import { many2oneId, readRows } from '../clients/odoo/records.ts';
import type { OdooValue } from '../clients/ports.ts';
import type { DatasetSpec } from '../model/plan.ts';
import { ensureRecords, mapped, SEED_TIMEOUT_MS, type Seeding } from './ensure-records.ts';

const CUSTOMER_BATCH = 500;
const PROMOTION_BATCH = 200;

export async function seedCustomers(seeding: Seeding, dataset: DatasetSpec, seed: number, words: Vocabulary): Promise<void> {
  await ensureRecords(seeding, {
    what: 'customers',
    model: 'res.partner',
    codeField: 'ref',
    prefix: `${datasetPrefix(seed)}K`,
    total: dataset.customers,
    records: mapped(generateCustomers(dataset.customers, seed, words), ({ code, name, email, phone, street, city, zip }) => ({
      code,
      values: { name, ref: code, email, phone, street, city, zip },
    })),
    optionalFields: ['email', 'phone', 'street', 'city', 'zip'],
    batchSize: CUSTOMER_BATCH,
  });
}

/** The promotional price list, with a fixed price for each hot product. */
export async function seedPromotion(
  seeding: Seeding,
  dataset: DatasetSpec,
  seed: number,
  context: { readonly words: Vocabulary; readonly products: ReadonlyMap<string, number> },
): Promise<void> {
  const code = promotionCode(seed);
  const lists = await ensureRecords(seeding, {
    what: 'price lists',
    model: 'product.pricelist',
    codeField: 'name',
    prefix: code,
    total: 1,
    records: [{ code, values: { name: code } }],
    batchSize: 1,
  });
  const pricelist = lists.get(code) ?? 0;
  const { odoo, onProgress, signal } = seeding;
  const waiting = { timeoutMs: SEED_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  const priced = new Set<number>();
  for await (const row of readRows(odoo, 'product.pricelist.item', [['pricelist_id', '=', pricelist]], ['product_id'], waiting)) {
    priced.add(many2oneId(row.product_id) ?? 0);
  }
  const missing: Readonly<Record<string, OdooValue>>[] = [];
  for (const promotion of generatePromotions(generateProducts(dataset, seed, context.words), dataset.hotProducts, seed)) {
    const product = context.products.get(promotion.product);
    if (product === undefined || priced.has(product)) continue;
    missing.push({
      pricelist_id: pricelist,
      applied_on: '0_product_variant',
      product_id: product,
      compute_price: 'fixed',
      fixed_price: promotion.price,
    });
  }
  for (let start = 0; start < missing.length; start += PROMOTION_BATCH) {
    signal?.throwIfAborted();
    await odoo.require('product.pricelist.item', 'create', [missing.slice(start, start + PROMOTION_BATCH)], {}, waiting);
  }
  onProgress({ what: 'promotional prices', done: dataset.hotProducts, total: dataset.hotProducts });
}
