import { datasetPrefix, productCode } from '../../generators/codes.ts';
import { STORE_PRODUCTS } from '../../generators/stores.ts';
import { drawVocabulary } from '../../generators/vocabulary.ts';
import type { OdooPort } from '../clients/ports.ts';
import type { TargetCatalogue } from '../model/catalogue.ts';
import type { DatasetSpec } from '../model/plan.ts';
import { lookUpCompany } from './company.ts';
import type { Seeding, SeedProgress } from './ensure-records.ts';
import { lookUpCatalogue } from './look-up-catalogue.ts';
import { seedCustomers, seedPromotion } from './seed-goods.ts';
import { seedProducts } from './seed-products.ts';
import { seedStock } from './seed-stock.ts';
import { seedStores } from './seed-stores.ts';
import { seedTills } from './seed-tills.ts';

export type { SeedProgress } from './ensure-records.ts';

/**
 * Loads a data set into the target over RPC and gives the ids it got there. What is there already, by code, is left as it is, so
 * a killed seeding is continued and a finished one changes nothing but stock that has been used up. Throws ERR_PREFLIGHT when
 * the company lacks accounts or a warehouse, and what the target says when it refuses a record.
 */
export async function seedTarget(
  odoo: OdooPort,
  dataset: DatasetSpec,
  seed: number,
  options: { readonly onProgress?: (progress: SeedProgress) => void; readonly signal?: AbortSignal } = {},
): Promise<TargetCatalogue> {
  const { signal } = options;
  const seeding: Seeding = {
    odoo,
    onProgress: options.onProgress ?? (() => undefined),
    ...(signal === undefined ? {} : { signal }),
  };
  const company = await lookUpCompany(odoo, { ownPrefix: datasetPrefix(seed) });
  const words = drawVocabulary(seed);
  const products = await seedProducts(seeding, dataset, seed, words);
  await seedCustomers(seeding, dataset, seed, words);
  await seedPromotion(seeding, dataset, seed, { words, products });
  const stores = await seedStores(seeding, dataset, seed, { words, companyId: company.companyId });
  const stocked = Array.from({ length: dataset.products }, (_, index) => {
    const code = productCode(seed, index);
    return { code, id: products.get(code) ?? 0 };
  });
  const onShelves = stocked.slice(0, STORE_PRODUCTS);
  // What is put on stock for the shop once more, shared by all stores.
  const units = Math.max(1, Math.floor(dataset.openingStock / dataset.stores));
  await seedStock(seeding, [
    { locationId: company.stockLocationId, products: stocked, units: dataset.openingStock },
    ...stores.map(({ stockLocationId }) => ({ locationId: stockLocationId, products: onShelves, units })),
  ]);
  await seedTills(seeding, dataset, seed, { companyId: company.companyId, stores });
  return await lookUpCatalogue(odoo, dataset, seed, { company, ...(signal === undefined ? {} : { signal }) });
}
