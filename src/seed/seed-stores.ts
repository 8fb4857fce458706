/** A warehouse for each store, as Odoo makes it: with its own stock location and an operation type for its tills. */
import { datasetPrefix, storeCode } from '../../generators/codes.ts';
import { generateStores } from '../../generators/stores.ts';
import type { Vocabulary } from '../../generators/vocabulary.ts';
import { many2oneId, readRows } from '../clients/odoo/records.ts';
import type { OdooPort } from '../clients/ports.ts';
import { HarnessError } from '../errors.ts';
import type { DatasetSpec } from '../model/plan.ts';
import { ensureRecords, findByCode, mapped, SEED_TIMEOUT_MS, type Seeding } from './ensure-records.ts';

/** Each makes locations, operation types, routes and rules. */
const WAREHOUSE_BATCH = 10;

/** Where a store keeps its goods, and how its tills take them. */
export interface StorePlace {
  readonly store: number;
  readonly warehouseId: number;
  readonly stockLocationId: number;
  readonly posTypeId: number;
}

const WANTED = { model: 'stock.warehouse', codeField: 'name', codeIsFirstWord: true } as const;

/** Throws ERR_ODOO_FAULT, with Odoo's words, when another warehouse of the company has the short name already. */
export async function seedStores(
  seeding: Seeding,
  dataset: DatasetSpec,
  seed: number,
  context: { readonly words: Vocabulary; readonly companyId: number },
): Promise<readonly StorePlace[]> {
  const ids = await ensureRecords(seeding, {
    ...WANTED,
    what: 'warehouses',
    prefix: `${datasetPrefix(seed)}S`,
    total: dataset.stores,
    records: mapped(generateStores(dataset, seed, context.words), ({ code, name, warehouse }) => ({
      code,
      values: { name: `${code} ${name}`, code: warehouse.code, company_id: context.companyId },
    })),
    batchSize: WAREHOUSE_BATCH,
  });
  return await readPlaces(seeding.odoo, dataset, seed, ids);
}

/** The stores' warehouses by code, without changing anything. */
export async function findStores(
  odoo: OdooPort,
  seed: number,
  waiting: { readonly signal?: AbortSignal },
): Promise<ReadonlyMap<string, number>> {
  return await findByCode(odoo, { ...WANTED, prefix: `${datasetPrefix(seed)}S` }, waiting);
}

/** Throws ERR_PREFLIGHT when a warehouse has no operation type for tills. */
export async function readPlaces(
  odoo: OdooPort,
  dataset: DatasetSpec,
  seed: number,
  ids: ReadonlyMap<string, number>,
): Promise<readonly StorePlace[]> {
  const rows = new Map<number, { readonly stock: number | null; readonly pos: number | null }>();
  const domain = [['id', 'in', [...ids.values()]]];
  const waiting = { timeoutMs: SEED_TIMEOUT_MS };
  for await (const row of readRows(odoo, 'stock.warehouse', domain, ['lot_stock_id', 'pos_type_id'], waiting))
    rows.set(Number(row.id), { stock: many2oneId(row.lot_stock_id), pos: many2oneId(row.pos_type_id) });
  return Array.from({ length: dataset.stores }, (_, store) => {
    const warehouseId = ids.get(storeCode(seed, store)) ?? 0;
    const { stock = null, pos = null } = rows.get(warehouseId) ?? {};
    if (stock === null || pos === null) {
      throw new HarnessError(
        'ERR_PREFLIGHT',
        `${odoo.url}: the warehouse ${storeCode(seed, store)} has no stock location or no operation type for tills`,
        {
          hint: 'set both in Inventory > Configuration > Warehouses; Point of Sale makes the operation type when it is installed',
        },
      );
    }
    return { store, warehouseId, stockLocationId: stock, posTypeId: pos };
  });
}
