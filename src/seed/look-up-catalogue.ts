import {
  customerCode,
  datasetPrefix,
  probeTillCode,
  productCode,
  promotionCode,
  storeCode,
  tillCode,
} from '../../generators/codes.ts';
import { STORE_PRODUCTS } from '../../generators/stores.ts';
import { many2oneId, numberOf, readRows } from '../clients/odoo/records.ts';
import { readNetMoves, readOnHand } from '../clients/odoo/stock.ts';
import type { OdooPort } from '../clients/ports.ts';
import { HarnessError, type Problem } from '../errors.ts';
import type { TargetCatalogue } from '../model/catalogue.ts';
import type { DatasetSpec } from '../model/plan.ts';
import { type Company, lookUpCompany } from './company.ts';
import { findByCode, SEED_TIMEOUT_MS } from './ensure-records.ts';
import { findStores, readPlaces } from './seed-stores.ts';
import { findCardMethod } from './seed-tills.ts';

/**
 * The ids that the target gave to a data set, without changing anything. Throws ERR_PREFLIGHT with one problem for each kind of
 * record of which some are missing.
 */
export async function lookUpCatalogue(
  odoo: OdooPort,
  dataset: DatasetSpec,
  seed: number,
  options: { readonly company?: Company; readonly signal?: AbortSignal } = {},
): Promise<TargetCatalogue> {
  const prefix = datasetPrefix(seed);
  const waiting = options.signal === undefined ? {} : { signal: options.signal };
  const company = options.company ?? (await lookUpCompany(odoo, { ownPrefix: prefix }));
  const problems: Problem[] = [];
  const pick = (what: string, codes: readonly string[], ids: ReadonlyMap<string, number>): readonly number[] => {
    const missing = codes.filter((code) => !ids.has(code));
    if (missing.length > 0) {
      problems.push({
        at: `${odoo.url} database ${odoo.database}`,
        message: `lacks ${missing.length} of ${codes.length} ${what} of data set ${prefix} (first: ${String(missing[0])})`,
        hint: 'run "peakproof seed" with this plan',
      });
    }
    return codes.map((code) => ids.get(code) ?? 0);
  };

  const products = await readProducts(odoo, prefix, waiting);
  const productCodes = Array.from({ length: dataset.products }, (_, index) => productCode(seed, index));
  const productIds = pick('products', productCodes, new Map([...products].map(([code, { id }]) => [code, id])));

  const customers = await findByCode(odoo, { model: 'res.partner', codeField: 'ref', prefix: `${prefix}K` }, waiting);
  const customerCodes = Array.from({ length: dataset.customers }, (_, index) => customerCode(seed, index));
  const partners = pick('customers', customerCodes, customers);

  const lists = await findByCode(odoo, { model: 'product.pricelist', codeField: 'name', prefix }, waiting);
  const [promotion = 0] = pick('price lists', [promotionCode(seed)], lists);

  const warehouses = await findStores(odoo, seed, waiting);
  const storeCodes = Array.from({ length: dataset.stores }, (_, store) => storeCode(seed, store));
  pick('warehouses', storeCodes, warehouses);

  const configs = await findByCode(odoo, { model: 'pos.config', codeField: 'name', prefix }, waiting);
  const places = Array.from({ length: dataset.stores * dataset.tillsPerStore }, (_, n) => ({
    store: Math.floor(n / dataset.tillsPerStore),
    till: n % dataset.tillsPerStore,
  }));
  const tillCodes = places.map(({ store, till }) => tillCode(seed, store, till));
  const [probeConfig = 0, ...configIds] = pick('tills', [probeTillCode(seed), ...tillCodes], configs);
  const [paymentMethodId = 0] = pick('payment methods', ['card'], await cardMethod(odoo, company.companyId));

  if (problems.length > 0) {
    throw new HarnessError('ERR_PREFLIGHT', `${odoo.url} ${problems.map(({ message }) => message).join('; ')}`, {
      hint: 'run "peakproof seed" with this plan',
      problems,
    });
  }
  const stocked = productCodes.map((code) => ({ code, ...(products.get(code) ?? { id: 0, listPrice: 0, templateId: 0 }) }));
  const stores = await readPlaces(odoo, dataset, seed, warehouses);
  const locations = [company.stockLocationId, ...stores.map(({ stockLocationId }) => stockLocationId)];
  const onHand = await readOnHand(odoo, stocked, locations);
  const moved = await readNetMoves(odoo, stocked, locations);
  const shelfIds = productIds.slice(0, STORE_PRODUCTS);
  return {
    schemaVersion: 1,
    prefix,
    serverVersion: await odoo.version(),
    userId: company.userId,
    companyId: company.companyId,
    products: stocked,
    hotProducts: Math.min(dataset.hotProducts, dataset.products),
    partners,
    pricelists: { regular: company.regularPricelist, promotion },
    journals: company.journals,
    accounts: company.accounts,
    tills: places.map((place, n) => ({ configId: configIds[n] ?? 0, paymentMethodId, ...place })),
    probeTill: { configId: probeConfig, paymentMethodId },
    stockLocationId: company.stockLocationId,
    openingQuants: asRecord(productIds, onHand.get(company.stockLocationId)),
    openingMoves: asRecord(productIds, moved.get(company.stockLocationId)),
    stores: stores.map((place) => ({
      ...place,
      openingQuants: asRecord(shelfIds, onHand.get(place.stockLocationId)),
      openingMoves: asRecord(shelfIds, moved.get(place.stockLocationId)),
    })),
    storeProducts: shelfIds.length,
  };
}

interface FoundProduct {
  readonly id: number;
  readonly listPrice: number;
  readonly templateId: number;
}

async function readProducts(
  odoo: OdooPort,
  prefix: string,
  waiting: { readonly signal?: AbortSignal },
): Promise<ReadonlyMap<string, FoundProduct>> {
  const products = new Map<string, FoundProduct>();
  const options = { timeoutMs: SEED_TIMEOUT_MS, ...waiting };
  const domain = [['default_code', '=like', `${prefix}P%`]];
  for await (const row of readRows(odoo, 'product.product', domain, ['default_code', 'list_price', 'product_tmpl_id'], options)) {
    const code = String(row.default_code);
    if (!products.has(code)) {
      const templateId = many2oneId(row.product_tmpl_id) ?? 0;
      products.set(code, { id: numberOf(row.id), listPrice: numberOf(row.list_price), templateId });
    }
  }
  return products;
}

async function cardMethod(odoo: OdooPort, companyId: number): Promise<ReadonlyMap<string, number>> {
  const id = await findCardMethod(odoo, companyId);
  return new Map(id === null ? [] : [['card', id]]);
}

function asRecord(ids: readonly number[], amounts: ReadonlyMap<number, number> | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(ids.map((id) => [String(id), amounts?.get(id) ?? 0]));
}
