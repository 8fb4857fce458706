import { beforeEach, describe, expect, it } from 'vitest';
import { generateModels } from '../../../generators/catalogue.ts';
import { drawVocabulary } from '../../../generators/vocabulary.ts';
import { HarnessError } from '../../../src/errors.ts';
import type { DatasetSpec } from '../../../src/model/plan.ts';
import { lookUpCatalogue } from '../../../src/seed/look-up-catalogue.ts';
import { type SeedProgress, seedTarget } from '../../../src/seed/seed-target.ts';
import { FakeOdoo, fault, list, type Row, refused, timedOut } from '../../fakes/fake-odoo.ts';

const dataset: DatasetSpec = {
  products: 250,
  categories: 3,
  customers: 20,
  stores: 2,
  tillsPerStore: 2,
  openingStock: 100,
  hotProducts: 5,
};
const MODELS = [
  'product.category',
  'product.attribute',
  'product.attribute.value',
  'product.template',
  'product.product',
  'res.partner',
  'product.pricelist',
  'product.pricelist.item',
  'stock.quant',
  'stock.move',
  'stock.warehouse',
  'pos.config',
];
let odoo: FakeOdoo;
const sizes = (): Record<string, number> => Object.fromEntries(MODELS.map((model) => [model, odoo.rows(model).length]));

beforeEach(() => {
  odoo = new FakeOdoo();
});

describe('seedTarget', () => {
  it('loads the whole data set in batches and gives the ids it got', async () => {
    const seen: SeedProgress[] = [];
    const catalogue = await seedTarget(odoo, dataset, 42, { onProgress: (progress) => seen.push(progress) });
    expect(sizes()).toEqual({
      'product.category': 3,
      'product.attribute': 2,
      'product.attribute.value': 28,
      'product.template': 72,
      'product.product': 250,
      'res.partner': 20,
      'product.pricelist': 1,
      'product.pricelist.item': 5,
      'stock.quant': 330,
      'stock.move': 330,
      'stock.warehouse': 3,
      'pos.config': 5,
    });
    expect(odoo.count('product.template.create')).toBe(2);
    expect(odoo.count('stock.quant.create')).toBe(4);
    expect(catalogue).toMatchObject({
      prefix: 'PP42-',
      serverVersion: '18.0',
      userId: 2,
      companyId: 1,
      hotProducts: 5,
      stockLocationId: 8,
    });
    expect(catalogue.products[0]?.code).toBe('PP42-P000001');
    expect(catalogue.products).toHaveLength(250);
    expect(catalogue.partners).toHaveLength(20);
    expect(catalogue.tills.map(({ store, till }) => `${store}.${till}`)).toEqual(['0.0', '0.1', '1.0', '1.1']);
    expect(Object.values(catalogue.openingQuants)).toEqual(new Array(250).fill(100));
    expect(catalogue.openingMoves).toEqual(catalogue.openingQuants);
    expect(seen.at(-1)).toEqual({ what: 'tills', done: 5, total: 5 });
    expect(new Set(seen.map(({ what }) => what)).size).toBe(11);
  });

  it('gives all tills the card method, since a cash method belongs to one till only', async () => {
    const catalogue = await seedTarget(odoo, dataset, 42);
    const card = odoo.rows('pos.payment.method').find(({ name }) => name === 'Card');
    expect(new Set([...catalogue.tills.map((till) => till.paymentMethodId), catalogue.probeTill?.paymentMethodId])).toEqual(
      new Set([card?.id]),
    );
    const seeded = odoo.rows('pos.config').filter(({ name }) => name !== 'PP42-PROBE');
    expect(seeded.map((config) => config.payment_method_ids)).toEqual(new Array(4).fill([card?.id]));
  });

  it('changes nothing when it is repeated', async () => {
    const first = await seedTarget(odoo, dataset, 42);
    const before = sizes();
    odoo.calls.length = 0;
    expect(await seedTarget(odoo, dataset, 42)).toEqual(first);
    expect(sizes()).toEqual(before);
    expect(odoo.calls.filter(({ method }) => method === 'create' || method === 'write')).toEqual([]);
  });

  it('makes a template with attribute lines for each model, whose variants get their own code and barcode', async () => {
    const catalogue = await seedTarget(odoo, dataset, 42);
    const models = [...generateModels(dataset, 42, drawVocabulary(42))];
    const linked = new Map(odoo.rows('product.template.attribute.value').map((row) => [row.id, row.product_attribute_value_id]));
    const nameOf = (id: unknown) => odoo.table('product.attribute.value').get(Number(linked.get(Number(id))))?.name;
    for (const { code, variants, name } of models) {
      for (const variant of variants) {
        const row = odoo.rows('product.product').find(({ default_code }) => default_code === variant.code);
        expect(row).toMatchObject({ barcode: variant.barcode, name: `${code} ${name}`, invoice_policy: 'order' });
        const values = list(row?.product_template_attribute_value_ids).map(nameOf);
        expect(values).toEqual(variants.length === 1 ? [] : [variant.color, variant.size]);
      }
    }
    expect(new Set(catalogue.products.map(({ templateId }) => templateId)).size).toBe(72);
    const [first] = catalogue.products;
    expect(odoo.table('product.template').get(first?.templateId ?? 0)?.name).toMatch(/^PP42-M000001 /);
  });

  it('knows the variants of an Odoo that leaves out the values of attributes that have only one', async () => {
    odoo.after = (call, reply) => {
      if (call.model !== 'product.template' || call.method !== 'create') return reply;
      for (const row of odoo.rows('product.product')) {
        const values = list(row.product_template_attribute_value_ids);
        const siblings = odoo.rows('product.product').filter(({ product_tmpl_id }) => product_tmpl_id === row.product_tmpl_id);
        const shared =
          siblings.length > 1
            ? values.filter((value) =>
                siblings.every((other) => list(other.product_template_attribute_value_ids).includes(value)),
              )
            : [];
        row.telling = values.filter((value) => !shared.includes(value));
      }
      for (const row of odoo.rows('product.product')) row.product_template_attribute_value_ids = row.telling ?? [];
      return reply;
    };
    expect((await seedTarget(odoo, dataset, 42)).products).toHaveLength(250);
    expect(new Set(odoo.rows('product.product').map(({ default_code }) => default_code)).size).toBe(250);
  });

  it('gives each store a warehouse with its share of the stock, and its tills that warehouse', async () => {
    const catalogue = await seedTarget(odoo, dataset, 42);
    const [first, second] = odoo.rows('stock.warehouse').slice(1);
    expect([first?.name, second?.name]).toEqual([expect.stringMatching(/^PP42-S001 /), expect.stringMatching(/^PP42-S002 /)]);
    expect([first?.code, second?.code]).toEqual([
      expect.stringMatching(/^W[0-9A-Z]{4}$/),
      expect.stringMatching(/^W[0-9A-Z]{4}$/),
    ]);
    expect(catalogue.stores?.map(({ store, warehouseId, posTypeId }) => ({ store, warehouseId, posTypeId }))).toEqual([
      { store: 0, warehouseId: first?.id, posTypeId: first?.pos_type_id },
      { store: 1, warehouseId: second?.id, posTypeId: second?.pos_type_id },
    ]);
    const till = odoo.rows('pos.config').find(({ name }) => name === 'PP42-S002-T01');
    expect(till).toMatchObject({ warehouse_id: second?.id, picking_type_id: second?.pos_type_id });
    expect(catalogue.storeProducts).toBe(40);
    for (const { openingQuants, openingMoves } of catalogue.stores ?? []) {
      expect(Object.values(openingQuants)).toEqual(new Array(40).fill(50));
      expect(openingMoves).toEqual(openingQuants);
    }
  });

  it('moves the tills of an earlier seeding to the warehouses of their stores', async () => {
    await seedTarget(odoo, dataset, 42);
    const till = odoo.rows('pos.config').find(({ name }) => name === 'PP42-S002-T01');
    const right = till?.picking_type_id;
    if (till !== undefined) till.picking_type_id = 3;
    await seedTarget(odoo, dataset, 42);
    expect(till?.picking_type_id).toBe(right);
  });

  it('counts up stock that a run has used, and nothing else', async () => {
    await seedTarget(odoo, dataset, 42);
    const [quant] = odoo.rows('stock.quant');
    if (quant !== undefined) quant.quantity = 60;
    const catalogue = await seedTarget(odoo, dataset, 42);
    expect(quant?.quantity).toBe(100);
    expect(odoo.rows('stock.move')).toHaveLength(331);
    expect(Object.values(catalogue.openingQuants)).toEqual(new Array(250).fill(100));
  });

  const isWrite = ({ method }: { readonly method: string }) => ['create', 'write', 'action_apply_inventory'].includes(method);

  // Below zero: counted from the last write of a whole seeding.
  const KILLS = [1, 2, 3, 4, 5, 6, 7, 8, 40, -17, -16, -15, -14, -13, -12, -10, -4, -3, -2, -1];
  it.each(KILLS)('goes on after a kill at write %i', async (at) => {
    const undisturbed = new FakeOdoo();
    await seedTarget(undisturbed, dataset, 42);
    const killedAt = at > 0 ? at : undisturbed.calls.filter(isWrite).length + 1 + at;
    let writes = 0;
    odoo.intercept = (call) => {
      if (!isWrite(call)) return undefined;
      writes += 1;
      return writes === killedAt ? refused : undefined;
    };
    await expect(seedTarget(odoo, dataset, 42)).rejects.toBeInstanceOf(HarnessError);
    odoo.intercept = () => undefined;
    const catalogue = await seedTarget(odoo, dataset, 42);
    expect(sizes()).toEqual(Object.fromEntries(MODELS.map((model) => [model, undisturbed.rows(model).length])));
    expect(catalogue.products.every(({ id }) => id > 0)).toBe(true);
    expect(Object.values(catalogue.openingQuants)).toEqual(new Array(250).fill(100));
  });

  it('takes a batch for created when its answer was lost but its codes are there', async () => {
    odoo.after = (call, reply) => (call.model === 'res.partner' && call.method === 'create' ? timedOut : reply);
    expect((await seedTarget(odoo, dataset, 42)).partners).toHaveLength(20);
    expect(odoo.rows('res.partner')).toHaveLength(20);
  });

  it('names the first record of a batch that the target refused', async () => {
    odoo.intercept = (call) =>
      call.model === 'product.template' && call.method === 'create' ? fault('Barcode(s) already assigned') : undefined;
    await expect(seedTarget(odoo, dataset, 42)).rejects.toMatchObject({
      code: 'ERR_ODOO_FAULT',
      message: expect.stringContaining('seeding models (product.template, from PP42-M000001 on) failed'),
    });
  });

  it('leaves out fields that the target does not have', async () => {
    odoo.intercept = (call) =>
      call.method === 'fields_get' && call.model === 'product.template'
        ? { outcome: 'ok', value: { invoice_policy: { type: 'selection' } } }
        : undefined;
    await seedTarget(odoo, dataset, 42);
    expect(odoo.rows('product.template')[0]).toHaveProperty('invoice_policy');
    expect(odoo.rows('product.template')[0]).not.toHaveProperty('available_in_pos');
  });

  it('names everything that the company lacks', async () => {
    odoo.table('account.account').clear();
    odoo.table('stock.warehouse').clear();
    const failure = await seedTarget(odoo, dataset, 42).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_PREFLIGHT' });
    expect((failure as HarnessError).problems.map(({ message }) => message)).toEqual([
      'has no account of type asset_receivable',
      'has no account of type income',
      'has no account of type expense',
      'has no account of type liability_payable',
      'has no warehouse',
    ]);
    expect(odoo.rows('product.product')).toHaveLength(0);
  });

  it('gives up a count that never takes effect', async () => {
    odoo.intercept = (call) => (call.method === 'action_apply_inventory' ? timedOut : undefined);
    await expect(seedTarget(odoo, dataset, 42)).rejects.toThrow('100 products still have too little stock after 3 counts');
  });

  it('stops between batches when it is interrupted', async () => {
    const interrupt = new AbortController();
    odoo.intercept = (call) => {
      if (call.model === 'product.template' && call.method === 'create') interrupt.abort(new Error('SIGINT'));
      return undefined;
    };
    await expect(seedTarget(odoo, dataset, 42, { signal: interrupt.signal })).rejects.toThrow('SIGINT');
    expect(odoo.rows('product.template')).toHaveLength(60);
  });

  it('adds the card method to a till that was left without it', async () => {
    await seedTarget(odoo, dataset, 42);
    const till = odoo.rows('pos.config').find(({ name }) => name === 'PP42-S001-T01');
    if (till !== undefined) till.payment_method_ids = [];
    await seedTarget(odoo, dataset, 42);
    expect(odoo.calls.filter(({ model, method }) => model === 'pos.config' && method === 'write')).toMatchObject([
      { args: [[till?.id], {}] },
    ]);
  });

  it('uses unique barcodes and refers to seeded categories', async () => {
    await seedTarget(odoo, dataset, 42);
    const categories = new Set(odoo.rows('product.category').map(({ id }) => id));
    const products: Row[] = odoo.rows('product.product');
    expect(new Set(products.map(({ barcode }) => barcode)).size).toBe(250);
    expect(
      products.every(({ categ_id, is_storable, type }) => categories.has(categ_id) && is_storable === true && type === 'consu'),
    ).toBe(true);
    expect(list(products[0]?.taxes_id)).toEqual([[6, 0, []]]);
  });
});

describe('lookUpCatalogue', () => {
  it('finds what was seeded without writing', async () => {
    const seeded = await seedTarget(odoo, dataset, 42);
    odoo.calls.length = 0;
    expect(await lookUpCatalogue(odoo, dataset, 42)).toEqual(seeded);
    expect(odoo.calls.some(({ method }) => method === 'create' || method === 'write')).toBe(false);
  });

  it('names each kind of record that is missing, with the first code', async () => {
    await seedTarget(odoo, { ...dataset, products: 240, customers: 19 }, 42);
    const failure = await lookUpCatalogue(odoo, { ...dataset, stores: 3 }, 42).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_PREFLIGHT' });
    expect((failure as HarnessError).problems.map(({ message }) => message)).toEqual([
      'lacks 10 of 250 products of data set PP42- (first: PP42-P000241)',
      'lacks 1 of 20 customers of data set PP42- (first: PP42-K000020)',
      'lacks 1 of 3 warehouses of data set PP42- (first: PP42-S003)',
      'lacks 2 of 7 tills of data set PP42- (first: PP42-S003-T01)',
    ]);
  });

  it('does not take data set 42 for data set 4', async () => {
    await seedTarget(odoo, dataset, 42);
    await expect(lookUpCatalogue(odoo, dataset, 4)).rejects.toMatchObject({ code: 'ERR_PREFLIGHT' });
  });
});
