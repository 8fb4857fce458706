import { datasetPrefix, probeTillCode, tillCode } from '../../generators/codes.ts';
import { idsOf, many2oneId, numberOf, readRows } from '../clients/odoo/records.ts';
import type { OdooPort } from '../clients/ports.ts';
import { HarnessError } from '../errors.ts';
import type { DatasetSpec } from '../model/plan.ts';
import { ensureRecords, type Seeding } from './ensure-records.ts';
import type { StorePlace } from './seed-stores.ts';

/** Each POS configuration makes sequences and checks of its own, so few at once. */
const TILL_BATCH = 20;

/** One POS configuration a till, which takes its goods from its store's warehouse, and one that only the POS probe uses. */
export async function seedTills(
  seeding: Seeding,
  dataset: DatasetSpec,
  seed: number,
  context: { readonly companyId: number; readonly stores: readonly StorePlace[] },
): Promise<void> {
  const { companyId, stores } = context;
  const probe = probeTillCode(seed);
  const wanted = {
    what: 'tills',
    model: 'pos.config',
    codeField: 'name',
    prefix: datasetPrefix(seed),
    total: dataset.stores * dataset.tillsPerStore + 1,
    batchSize: TILL_BATCH,
  };
  let method = await findCardMethod(seeding.odoo, companyId);
  if (method === null) {
    // The first POS configuration of a database makes the payment methods (docs/reference/odoo-behaviour.md section 3).
    await ensureRecords(seeding, { ...wanted, records: [{ code: probe, values: { name: probe } }] });
    method = await findCardMethod(seeding.odoo, companyId);
  }
  if (method === null) {
    throw new HarnessError('ERR_PREFLIGHT', `${seeding.odoo.url} has no POS payment method with a bank journal`, {
      hint: 'create one in Point of Sale > Configuration > Payment Methods',
    });
  }
  // Not cash: a cash method may belong to one till only, while all tills can share a card method.
  const payment_method_ids = [[6, 0, [method]]];
  const records = [{ code: probe, values: { name: probe, payment_method_ids } }];
  const typeOf = new Map<string, number>();
  for (const { store, warehouseId, posTypeId } of stores) {
    for (let till = 0; till < dataset.tillsPerStore; till += 1) {
      const code = tillCode(seed, store, till);
      typeOf.set(code, posTypeId);
      const values = { name: code, payment_method_ids, picking_type_id: posTypeId, warehouse_id: warehouseId };
      records.push({ code, values });
    }
  }
  const ids = await ensureRecords(seeding, { ...wanted, records, optionalFields: ['warehouse_id'] });
  await correctTills(seeding.odoo, [...ids.values()], { method, typeOf });
}

/** A till that an earlier seeding left without the card method, or with goods from elsewhere, gets both right. */
async function correctTills(
  odoo: OdooPort,
  configIds: readonly number[],
  { method, typeOf }: { readonly method: number; readonly typeOf: ReadonlyMap<string, number> },
): Promise<void> {
  const without: number[] = [];
  const elsewhere: (readonly [id: number, type: number])[] = [];
  const fields = ['name', 'payment_method_ids', 'picking_type_id'];
  for await (const row of readRows(odoo, 'pos.config', [['id', 'in', configIds]], fields)) {
    if (!idsOf(row.payment_method_ids).includes(method)) without.push(numberOf(row.id));
    const type = typeOf.get(String(row.name));
    if (type !== undefined && many2oneId(row.picking_type_id) !== type) elsewhere.push([numberOf(row.id), type]);
  }
  if (without.length > 0) await odoo.require('pos.config', 'write', [without, { payment_method_ids: [[4, method, 0]] }]);
  for (const [id, picking_type_id] of elsewhere) await odoo.require('pos.config', 'write', [[id], { picking_type_id }]);
}

/** A method that is neither cash nor on account: it has a journal and counts no cash. */
export async function findCardMethod(odoo: OdooPort, companyId: number): Promise<number | null> {
  const domain = [
    ['is_cash_count', '=', false],
    ['journal_id', '!=', false],
    ['company_id', '=', companyId],
  ];
  for await (const row of readRows(odoo, 'pos.payment.method', domain, ['journal_id'])) {
    if (typeof row.id === 'number' && many2oneId(row.journal_id) !== null) return row.id;
  }
  return null;
}
