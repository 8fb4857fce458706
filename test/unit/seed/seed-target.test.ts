import { beforeEach, describe, expect, it } from 'vitest';
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
  'product.product',
  'res.partner',
  'product.pricelist',
  'product.pricelist.item',
  'stock.quant',
  'stock.move',
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
      'product.product': 250,
      'res.partner': 20,
      'product.pricelist': 1,
      'product.pricelist.item': 5,
      'stock.quant': 250,
      'stock.move': 250,
      'pos.config': 5,
    });
    expect(odoo.count('product.product.create')).toBe(2);
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
    expect(new Set(seen.map(({ what }) => what)).size).toBe(7);
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

  it('counts up stock that a run has used, and nothing else', async () => {
    await seedTarget(odoo, dataset, 42);
    const [quant] = odoo.rows('stock.quant');
    if (quant !== undefined) quant.quantity = 60;
    const catalogue = await seedTarget(odoo, dataset, 42);
    expect(quant?.quantity).toBe(100);
    expect(odoo.rows('stock.move')).toHaveLength(251);
    expect(Object.values(catalogue.openingQuants)).toEqual(new Array(250).fill(100));
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('goes on after a kill at write %i', async (killedAt) => {
    let writes = 0;
    odoo.intercept = (call) => {
      if (call.method !== 'create' && call.method !== 'action_apply_inventory') return undefined;
      writes += 1;
      return writes === killedAt ? refused : undefined;
    };
    await expect(seedTarget(odoo, dataset, 42)).rejects.toBeInstanceOf(HarnessError);
    odoo.intercept = () => undefined;
    const catalogue = await seedTarget(odoo, dataset, 42);
    const whole = new FakeOdoo();
    await seedTarget(whole, dataset, 42);
    expect(sizes()).toEqual(Object.fromEntries(MODELS.map((model) => [model, whole.rows(model).length])));
    expect(Object.values(catalogue.openingQuants)).toEqual(new Array(250).fill(100));
  });

  it('takes a batch for created when its answer was lost but its codes are there', async () => {
    odoo.after = (call, reply) => (call.model === 'res.partner' && call.method === 'create' ? timedOut : reply);
    expect((await seedTarget(odoo, dataset, 42)).partners).toHaveLength(20);
    expect(odoo.rows('res.partner')).toHaveLength(20);
  });

  it('names the first record of a batch that the target refused', async () => {
    odoo.intercept = (call) =>
      call.model === 'product.product' && call.method === 'create' ? fault('Barcode(s) already assigned') : undefined;
    await expect(seedTarget(odoo, dataset, 42)).rejects.toMatchObject({
      code: 'ERR_ODOO_FAULT',
      message: expect.stringContaining('seeding products (product.product, from PP42-P000001 on) failed'),
    });
  });

  it('leaves out fields that the target does not have', async () => {
    odoo.intercept = (call) =>
      call.method === 'fields_get' && call.model === 'product.product'
        ? { outcome: 'ok', value: { barcode: { type: 'char' } } }
        : undefined;
    await seedTarget(odoo, dataset, 42);
    expect(odoo.rows('product.product')[0]).toHaveProperty('barcode');
    expect(odoo.rows('product.product')[0]).not.toHaveProperty('available_in_pos');
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
      if (call.model === 'product.product' && call.method === 'create') interrupt.abort(new Error('SIGINT'));
      return undefined;
    };
    await expect(seedTarget(odoo, dataset, 42, { signal: interrupt.signal })).rejects.toThrow('SIGINT');
    expect(odoo.rows('product.product')).toHaveLength(200);
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
      'lacks 2 of 7 tills of data set PP42- (first: PP42-S003-T01)',
    ]);
  });

  it('does not take data set 42 for data set 4', async () => {
    await seedTarget(odoo, dataset, 42);
    await expect(lookUpCatalogue(odoo, dataset, 4)).rejects.toMatchObject({ code: 'ERR_PREFLIGHT' });
  });
});
