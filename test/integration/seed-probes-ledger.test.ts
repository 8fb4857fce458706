/** Seeding, probes, read-back and invariants against the lab's ERP on a real PostgreSQL. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clients/clock.ts';
import { createOdooClient } from '../../src/clients/odoo/client.ts';
import { preflightOdoo } from '../../src/clients/odoo/preflight.ts';
import type { OdooPort } from '../../src/clients/ports.ts';
import type { TargetCatalogue } from '../../src/model/catalogue.ts';
import type { DatasetSpec } from '../../src/model/plan.ts';
import type { LedgerReadBack, LedgerWrite, ProbeRecord } from '../../src/model/run-records.ts';
import { awaitQuiet } from '../../src/observe/ledger/await-quiet.ts';
import { checkInvariants } from '../../src/observe/ledger/check-invariants.ts';
import { readBack } from '../../src/observe/ledger/read-back.ts';
import { startProbes } from '../../src/observe/probes/start-probes.ts';
import { lookUpCatalogue } from '../../src/seed/look-up-catalogue.ts';
import { seedTarget } from '../../src/seed/seed-target.ts';
import { TestErp, type TestWorker } from './lab-erp-support.ts';

const dataset: DatasetSpec = {
  products: 250,
  categories: 4,
  customers: 40,
  stores: 2,
  tillsPerStore: 2,
  openingStock: 500,
  hotProducts: 5,
};
const SEED = 42;
const RUN = '20260101-000000-test-ab12';

let erp: TestErp;
let worker: TestWorker;
let sql: pg.Client;
let odoo: OdooPort;
let catalogue: TargetCatalogue;
const probeWrites: LedgerWrite[] = [];
const BILLED = `PP-${RUN}-billed`;

const client = (url: string, changes: { database?: string; password?: string; login?: string } = {}): OdooPort =>
  createOdooClient({ url, database: 'erp', login: 'admin', password: 'admin', ...changes });

beforeAll(async () => {
  erp = await TestErp.start();
  worker = await erp.startWorker({ ERP_SERVICE_TIMES: '{"sale.order.create": 400}', ERP_SERVICE_FACTOR: '0' });
  sql = await erp.connect();
  odoo = client(worker.url);
});
afterAll(async () => {
  await sql?.end();
  await erp?.stop();
});

async function countOf(table: string, where = 'true'): Promise<number> {
  const { rows } = await sql.query<{ n: string }>(`SELECT count(*) AS n FROM ${table} WHERE ${where}`);
  return Number(rows[0]?.n);
}

async function violationsOf(): Promise<Record<string, readonly string[] | string>> {
  const found: Record<string, readonly string[] | string> = {};
  for await (const row of checkInvariants(odoo, { catalogue, runId: RUN, clock: systemClock, writes: probeWrites })) {
    if (row.row === 'gap') found[row.what] = row.detail;
    else found[row.invariant] = row.violations;
  }
  return found;
}

describe('the Odoo client', () => {
  it('tells wrong password, wrong database and a target that is down apart', async () => {
    await expect(client(worker.url, { password: 'wrong' }).login()).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    await expect(client(worker.url, { login: 'nobody' }).login()).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    await expect(client(worker.url, { database: 'nope' }).login()).rejects.toMatchObject({ code: 'ERR_DATABASE_MISSING' });
    await expect(client('http://127.0.0.1:9').login()).rejects.toMatchObject({ code: 'ERR_TARGET_UNREACHABLE' });
    await expect(odoo.require('no.such.model', 'search', [[]])).rejects.toMatchObject({ code: 'ERR_MODEL_MISSING' });
  });

  it('finds all the models that are needed', async () => {
    expect(await preflightOdoo(odoo)).toMatchObject({ warnings: [] });
  });

  it('works over JSON-RPC too', async () => {
    const json = createOdooClient({ url: worker.url, database: 'erp', login: 'admin', password: 'admin', transport: 'jsonrpc' });
    expect(await json.require('res.partner', 'search_count', [[]])).toBe(await odoo.require('res.partner', 'search_count', [[]]));
  });
});

describe('seedTarget', () => {
  it('says what is missing before anything is seeded', async () => {
    await expect(lookUpCatalogue(odoo, dataset, SEED)).rejects.toMatchObject({
      code: 'ERR_PREFLIGHT',
      message: expect.stringContaining('lacks 250 of 250 products of data set PP42-'),
    });
  });

  it('goes on after the worker was killed in the middle, without doubles', async () => {
    const victim = await erp.startWorker();
    let killed: Promise<unknown> | null = null;
    const seeding = seedTarget(client(victim.url), dataset, SEED, {
      onProgress: ({ what, done }) => {
        if (what === 'products' && done >= 200) killed ??= victim.stop('SIGKILL');
      },
    });
    await expect(seeding).rejects.toMatchObject({ code: expect.stringMatching(/ERR_TARGET_UNREACHABLE|ERR_ODOO_FAULT/) });
    await killed;
    catalogue = await seedTarget(odoo, dataset, SEED);
    expect(await countOf('product_template', "name LIKE 'PP42-M%'")).toBe(72);
    expect(await countOf('product_product', "default_code LIKE 'PP42-P%'")).toBe(250);
    expect(await countOf('product_product', 'default_code IS NULL')).toBe(0);
    expect(await countOf('stock_warehouse', "name LIKE 'PP42-S%'")).toBe(2);
    expect(await countOf('res_partner', "ref LIKE 'PP42-K%'")).toBe(40);
    expect(await countOf('pos_config', "name LIKE 'PP42-%'")).toBe(5);
    expect(await countOf('product_pricelist_item')).toBe(5);
    expect(catalogue.tills).toHaveLength(4);
    expect(new Set(Object.values(catalogue.openingQuants))).toEqual(new Set([500]));
  });

  it('goes on after the harness itself was killed with -9', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./seed-child.ts', import.meta.url)), worker.url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = once(child, 'exit');
    // Its first batch of customers is in: the stock and the tills are not.
    for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('customers')) child.kill('SIGKILL');
    expect((await gone)[1]).toBe('SIGKILL');
    // The 250th product is in the middle of a model, and a template makes all its variants.
    expect(await countOf('product_product', "default_code LIKE 'PP7-P%'")).toBe(252);
    await expect(lookUpCatalogue(odoo, dataset, 7)).rejects.toMatchObject({ code: 'ERR_PREFLIGHT' });
    await seedTarget(odoo, dataset, 7);
    expect(await countOf('product_product', "default_code LIKE 'PP7-P%'")).toBe(252);
    expect(await countOf('res_partner', "ref LIKE 'PP7-K%'")).toBe(40);
    expect(await countOf('pos_config', "name LIKE 'PP7-%'")).toBe(5);
  });

  it('changes nothing when it is repeated', async () => {
    expect(await seedTarget(odoo, dataset, SEED)).toEqual(catalogue);
    // Two data sets: 250 products for the shop, 40 in each of two stores.
    expect(await countOf('stock_move')).toBe(660);
  });
});

describe('probes, read-back and invariants', () => {
  it('shoots at all three services and finds every write again', async () => {
    const records: ProbeRecord[] = [];
    const probes = await startProbes({
      specs: (['order-capture', 'pos', 'financial-posting'] as const).map((service) => ({
        service,
        intervalMs: 250,
        timeoutMs: 5000,
        slowMs: 2000,
      })),
      odoo,
      catalogue,
      runId: RUN,
      clock: systemClock,
      write: (record) => records.push(record),
      ledger: (write) => probeWrites.push(write),
    });
    await sleep(2000);
    expect(await probes.stop()).toEqual([]);
    expect(records.length).toBeGreaterThanOrEqual(21);
    expect(records.filter(({ good }) => !good)).toEqual([]);
    expect(await countOf('pos_session', "state <> 'closed'")).toBe(0);
    expect(await awaitQuiet(odoo, { runId: RUN, timeoutMs: 20_000, clock: systemClock })).toBe(true);
    const found = await readAll(probeWrites);
    expect(found.length).toBe(records.length);
    expect(found.filter(({ count }) => count !== 1)).toEqual([]);
  });

  it('has nothing to say about invoices while there are none', async () => {
    for await (const row of checkInvariants(odoo, { catalogue, runId: RUN, clock: systemClock, writes: probeWrites }))
      if (row.row === 'invariant' && row.invariant === 'one-invoice-per-order') expect(row.checked).toBe(0);
  });

  it('holds all invariants, with something looked at in each', async () => {
    const order = {
      partner_id: catalogue.partners[0] ?? 0,
      client_order_ref: BILLED,
      order_line: [[0, 0, { product_id: catalogue.products[1]?.id ?? 0, product_uom_qty: 2 }]],
    };
    await odoo.require('sale.order', 'action_confirm', [[await odoo.require('sale.order', 'create', [order])]]);
    await invoice(BILLED);
    const rows = [];
    for await (const row of checkInvariants(odoo, { catalogue, runId: RUN, clock: systemClock, writes: probeWrites }))
      rows.push(row);
    expect(rows).toHaveLength(4);
    for (const row of rows) {
      expect(row).toMatchObject({ row: 'invariant', violations: [] });
      if (row.row === 'invariant') expect(row.checked).toBeGreaterThan(0);
    }
  });

  it('holds them with stock reserved and delivered', async () => {
    const product = catalogue.products[0]?.id ?? 0;
    const ids = [];
    for (const n of [1, 2]) {
      const order = {
        partner_id: catalogue.partners[0] ?? 0,
        client_order_ref: `PP-${RUN}-x-${n}`,
        order_line: [[0, 0, { product_id: product, product_uom_qty: 3 }]],
      };
      ids.push(Number(await odoo.require('sale.order', 'create', [order])));
    }
    await odoo.require('sale.order', 'action_confirm', [ids]);
    const pickings = (await odoo.require('sale.order', 'read', [[ids[0] ?? 0], ['picking_ids']])) as { picking_ids: number[] }[];
    await odoo.require('stock.picking', 'action_assign', [pickings[0]?.picking_ids ?? []]);
    await odoo.require('stock.picking', 'button_validate', [pickings[0]?.picking_ids ?? []]);
    expect(
      await countOf('stock_move', `product_id = ${product} AND state = 'done' AND location_id = ${catalogue.stockLocationId}`),
    ).toBe(1);
    expect(await violationsOf()).toMatchObject({ 'stock-moves-match-quants': [] });
  });

  it("takes what a till sold from its store's stock, and holds the invariants there", async () => {
    const [till] = catalogue.tills;
    const store = catalogue.stores?.find((candidate) => candidate.store === till?.store);
    const product = catalogue.products[3];
    const config = till?.configId ?? 0;
    await odoo.require('pos.config', 'open_ui', [[config]]);
    const [session = 0] = (await odoo.require('pos.session', 'search', [[['config_id', '=', config]]])) as number[];
    await odoo.call('pos.session', 'set_opening_control', [[session], 0, '']);
    const price = product?.listPrice ?? 0;
    const line = {
      product_id: product?.id ?? 0,
      qty: 2,
      price_unit: price,
      price_subtotal: 2 * price,
      price_subtotal_incl: 2 * price,
    };
    const ticket = {
      uuid: '11111111-2222-4333-8444-555555555555',
      session_id: session,
      amount_total: 2 * price,
      amount_tax: 0,
      amount_paid: 2 * price,
      amount_return: 0,
      lines: [[0, 0, line]],
      payment_ids: [[0, 0, { amount: 2 * price, payment_method_id: till?.paymentMethodId ?? 0 }]],
    };
    await odoo.require('pos.order', 'sync_from_ui', [[ticket]]);
    await odoo.call('pos.session', 'update_closing_control_state_session', [[session], '']);
    expect(await odoo.require('pos.session', 'close_session_from_ui', [[session], []])).toMatchObject({ successful: true });
    const sold = `product_id = ${product?.id} AND state = 'done' AND location_id = ${store?.stockLocationId}`;
    expect(await countOf('stock_move', sold)).toBe(1);
    expect(await violationsOf()).toMatchObject({ 'stock-moves-match-quants': [] });
  });

  it('finds what was lost, what is there twice, and what happened without an answer', async () => {
    const write = probeWrites.find(({ model }) => model === 'sale.order');
    const twice = `PP-${RUN}-twice`;
    const order = (client_order_ref: string) => ({ partner_id: catalogue.partners[0] ?? 0, client_order_ref });
    await odoo.require('sale.order', 'create', [[order(twice), order(twice)]]);
    const slow = await erp.startWorker({ ERP_SERVICE_TIMES: '{"sale.order.create": 600}', ERP_SERVICE_FACTOR: '1' });
    const late = client(slow.url);
    await late.login();
    const answer = await late.call('sale.order', 'create', [order(`PP-${RUN}-late`)], {}, { timeoutMs: 300 });
    expect(answer.outcome).toBe('unknown');
    await awaitQuiet(odoo, { runId: RUN, timeoutMs: 20_000, clock: systemClock });
    await sql.query('DELETE FROM sale_order WHERE client_order_ref = $1', [write?.key]);
    const template = write ?? probeWrites[0];
    if (template === undefined) throw new Error('no write of a probe');
    const found = await readAll([
      template,
      { ...template, key: twice },
      { ...template, key: `PP-${RUN}-late`, outcome: 'unknown' },
    ]);
    expect(found.map(({ count }) => count)).toEqual([0, 2, 1]);
  });

  it('violates each invariant that is broken behind its back', async () => {
    const [first] = catalogue.products;
    const place = [first?.id, catalogue.stockLocationId];
    await sql.query('UPDATE stock_quant SET quantity = quantity - 2 WHERE product_id = $1 AND location_id = $2', place);
    await sql.query(
      'UPDATE account_move_line SET credit = credit - 0.01 WHERE id = (SELECT max(id) FROM account_move_line WHERE credit > 0.5 AND name LIKE $1)',
      [`%${RUN}%`],
    );
    const [line] = (await odoo.require('sale.order.line', 'search_read', [[['order_id.client_order_ref', '=', BILLED]]], {
      fields: ['product_uom_qty'],
    })) as { id: number; product_uom_qty: number }[];
    await odoo.require('sale.order.line', 'write', [[line?.id ?? 0], { product_uom_qty: (line?.product_uom_qty ?? 0) + 1 }]);
    await invoice(BILLED);
    await sql.query('UPDATE pos_order SET amount_paid = 0.01 WHERE id = (SELECT max(id) FROM pos_order WHERE uuid NOT LIKE $1)', [
      '1111%',
    ]);
    const violations = await violationsOf();
    expect(violations['stock-moves-match-quants']).toEqual([expect.stringContaining(String(first?.code))]);
    expect(violations['debit-equals-credit']).toEqual([expect.stringMatching(/debit 1\.00, credit 0\.99/)]);
    expect(violations['pos-sessions-match-payments']).toEqual([
      expect.stringMatching(/^ticket .* paid 0\.01$/),
      expect.stringMatching(/^POS session \d+: payments/),
    ]);
    expect(violations['one-invoice-per-order']).toEqual([expect.stringContaining(`order ${BILLED} has 2 invoices`)]);
  });
});

/** As a user does it: the wizard, whose answer is a fault after its commit, and posting. */
async function invoice(key: string): Promise<void> {
  const orders = await odoo.require('sale.order', 'search', [[['client_order_ref', '=', key]]]);
  const wizard = { advance_payment_method: 'delivered', sale_order_ids: [[6, 0, orders]] };
  const id = await odoo.require('sale.advance.payment.inv', 'create', [wizard]);
  expect((await odoo.call('sale.advance.payment.inv', 'create_invoices', [[id]])).message).toMatch(/cannot marshal None/);
  const draft = [
    ['ref', '=', key],
    ['state', '=', 'draft'],
  ];
  const moves = await odoo.require('account.move', 'search', [draft]);
  expect(moves).toHaveLength(1);
  await odoo.require('account.move', 'action_post', [moves]);
}

async function readAll(writes: readonly LedgerWrite[]): Promise<LedgerReadBack[]> {
  const found: LedgerReadBack[] = [];
  for await (const row of readBack(odoo, writes, { pass: 1, clock: systemClock })) {
    if (row.row === 'gap') throw new Error(row.detail);
    found.push(row);
  }
  return found;
}
