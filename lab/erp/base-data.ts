/** What a fresh Odoo 18 database with sale_management, stock, account and point_of_sale holds, as far as callers can tell. */
import { num } from './db/transaction.ts';
import type { Env } from './orm/env.ts';
import { ident } from './orm/sql.ts';
import type { Vals, Value } from './orm/value.ts';
import { createRecords } from './orm/write.ts';

const MODULES = [
  'base',
  'web',
  'product',
  'uom',
  'sale',
  'sale_management',
  'sale_stock',
  'stock',
  'stock_account',
  'account',
  'point_of_sale',
];

const ACCOUNTS: readonly (readonly [string, string, string, boolean])[] = [
  ['101000', 'Current Assets', 'asset_current', false],
  ['101401', 'Bank', 'asset_cash', false],
  ['101402', 'Bank Suspense Account', 'asset_current', false],
  ['101403', 'Outstanding Receipts', 'asset_current', true],
  ['101404', 'Outstanding Payments', 'asset_current', true],
  ['101501', 'Cash', 'asset_cash', false],
  ['110100', 'Stock Valuation', 'asset_current', false],
  ['121000', 'Account Receivable', 'asset_receivable', true],
  ['121100', 'Account Receivable (PoS)', 'asset_receivable', true],
  ['151000', 'Fixed Asset', 'asset_fixed', false],
  ['201000', 'Current Liabilities', 'liability_current', false],
  ['211000', 'Account Payable', 'liability_payable', true],
  ['251000', 'Tax Received', 'liability_current', false],
  ['301000', 'Capital', 'equity', false],
  ['400000', 'Product Sales', 'income', false],
  ['441000', 'Foreign Exchange Gain', 'income', false],
  ['500000', 'Cost of Goods Sold', 'expense_direct_cost', false],
  ['600000', 'Expenses', 'expense', false],
  ['611000', 'Purchase of Equipments', 'expense', false],
  ['612000', 'Rent', 'expense', false],
  ['630000', 'Salary Expenses', 'expense', false],
  ['999999', 'Undistributed Profits/Losses', 'equity_unaffected', false],
];

const JOURNALS: readonly (readonly [string, string, string, string | null])[] = [
  ['Customer Invoices', 'INV', 'sale', '400000'],
  ['Vendor Bills', 'BILL', 'purchase', '600000'],
  ['Miscellaneous Operations', 'MISC', 'general', null],
  ['Exchange Difference', 'EXCH', 'general', null],
  ['Bank', 'BNK1', 'bank', '101401'],
  ['Cash', 'CSH1', 'cash', '101501'],
  ['Inventory Valuation', 'STJ', 'general', null],
  ['Point of Sale', 'POSS', 'general', null],
];

/** Inserts rows with fixed ids where none has that id, then moves the sequence past them. */
async function fixed(env: Env, table: string, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
  for (const row of rows) {
    const names = Object.keys(row);
    await env.tx.execute(
      `INSERT INTO ${ident(table)} (${names.map(ident).join(', ')}, create_uid, create_date, write_uid, write_date)
       VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')}, 1, now() AT TIME ZONE 'UTC', 1, now() AT TIME ZONE 'UTC') ON CONFLICT (id) DO NOTHING`,
      Object.values(row),
    );
  }
  await env.tx.query(
    `SELECT setval(pg_get_serial_sequence('${table}', 'id'), GREATEST((SELECT max(id) FROM ${ident(table)}), 1))`,
  );
}

async function count(env: Env, table: string): Promise<number> {
  const [row] = await env.tx.query(`SELECT count(*)::int AS n FROM ${ident(table)}`);
  return num(row, 'n');
}

export async function seedBaseData(env: Env, passwordHash: string): Promise<void> {
  await seedPeople(env, passwordHash);
  await seedStock(env);
  await seedAccounting(env);
  await seedTechnical(env);
}

async function seedPeople(env: Env, passwordHash: string): Promise<void> {
  await fixed(env, 'res_currency', [
    { id: 1, name: 'USD', symbol: '$', active: true, rounding: 0.01 },
    { id: 2, name: 'EUR', symbol: '€', active: true, rounding: 0.01 },
  ]);
  await fixed(env, 'res_country', [
    { id: 1, name: 'Germany', code: 'DE' },
    { id: 2, name: 'France', code: 'FR' },
    { id: 3, name: 'United States', code: 'US' },
  ]);
  await fixed(env, 'res_company', [{ id: 1, name: 'Practice Retail', currency_id: 1 }]);
  await fixed(env, 'res_partner', [
    {
      id: 1,
      name: 'Practice Retail',
      is_company: true,
      active: true,
      lang: 'en_US',
      type: 'contact',
      customer_rank: 0,
      supplier_rank: 0,
    },
    {
      id: 2,
      name: 'OdooBot',
      is_company: false,
      active: false,
      lang: 'en_US',
      type: 'contact',
      customer_rank: 0,
      supplier_rank: 0,
    },
    {
      id: 3,
      name: 'Administrator',
      is_company: false,
      active: true,
      lang: 'en_US',
      type: 'contact',
      customer_rank: 0,
      supplier_rank: 0,
    },
  ]);
  await env.tx.execute('UPDATE res_company SET partner_id = 1 WHERE id = 1 AND partner_id IS NULL');
  await fixed(env, 'res_users', [
    { id: 1, login: '__system__', partner_id: 2, active: false, company_id: 1, tz: 'UTC' },
    { id: 2, login: 'admin', partner_id: 3, active: true, company_id: 1, tz: 'UTC' },
  ]);
  await env.tx.execute('INSERT INTO res_company_users_rel (user_id, cid) VALUES (1, 1), (2, 1) ON CONFLICT DO NOTHING');
  await env.tx.execute(
    'INSERT INTO lab_user_password (user_id, hash) VALUES (2, $1) ON CONFLICT (user_id) DO UPDATE SET hash = EXCLUDED.hash',
    [passwordHash],
  );
  await fixed(env, 'uom_uom', [
    { id: 1, name: 'Units', factor: 1, active: true },
    { id: 2, name: 'Dozens', factor: 12, active: true },
  ]);
  await fixed(env, 'product_category', [
    { id: 1, name: 'All' },
    { id: 2, name: 'Saleable', parent_id: 1 },
  ]);
  await fixed(env, 'product_pricelist', [{ id: 1, name: 'Default', active: true, sequence: 1, currency_id: 1 }]);
  await fixed(env, 'account_payment_term', [
    { id: 1, name: 'Immediate Payment', active: true },
    { id: 2, name: '30 Days', active: true },
  ]);
}

async function seedStock(env: Env): Promise<void> {
  await fixed(
    env,
    'stock_location',
    (
      [
        [1, 'Physical Locations', 'view', null],
        [2, 'Partners', 'view', null],
        [3, 'Virtual Locations', 'view', null],
        [4, 'Partners/Vendors', 'supplier', 2],
        [5, 'Partners/Customers', 'customer', 2],
        [6, 'Inter-company transit', 'transit', 1],
        [7, 'WH', 'view', 1],
        [8, 'WH/Stock', 'internal', 7],
        [14, 'Virtual Locations/Inventory adjustment', 'inventory', 3],
        [15, 'Virtual Locations/Production', 'production', 3],
      ] as const
    ).map(([id, path, usage, parent]) => ({
      id,
      name: path.split('/').at(-1) ?? path,
      complete_name: path,
      usage,
      location_id: parent,
      active: true,
      company_id: 1,
    })),
  );
  if ((await count(env, 'stock_warehouse')) > 0) return;
  const type = (name: string, code: string, sequence: string, source: number, target: number): Vals => ({
    name,
    code,
    sequence_code: sequence,
    default_location_src_id: source,
    default_location_dest_id: target,
  });
  const [into = 0, out = 0, internal = 0, pos = 0] = await createRecords(env, env.models.require('stock.picking.type'), [
    type('Receipts', 'incoming', 'IN', 4, 8),
    type('Delivery Orders', 'outgoing', 'OUT', 8, 5),
    type('Internal Transfers', 'internal', 'INT', 8, 8),
    type('PoS Orders', 'outgoing', 'POS', 8, 5),
  ]);
  await createRecords(env, env.models.require('stock.warehouse'), [
    {
      name: 'Practice Retail',
      code: 'WH',
      view_location_id: 7,
      lot_stock_id: 8,
      in_type_id: into,
      out_type_id: out,
      int_type_id: internal,
      pos_type_id: pos,
      partner_id: 1,
    },
  ]);
  await env.tx.execute('UPDATE stock_picking_type SET warehouse_id = 1 WHERE id = ANY($1::int[])', [[into, out, internal, pos]]);
  await env.tx.execute('UPDATE stock_location SET warehouse_id = 1 WHERE id IN (7, 8)');
}

async function seedAccounting(env: Env): Promise<void> {
  if ((await count(env, 'account_account')) > 0) return;
  const ids = await createRecords(
    env,
    env.models.require('account.account'),
    ACCOUNTS.map(
      ([code, name, type, reconcile]): Vals => ({ code, name, account_type: type, reconcile, company_ids: [[6, 0, [1]]] }),
    ),
  );
  const byCode = new Map(ACCOUNTS.map(([code], index) => [code, ids[index] ?? 0]));
  await createRecords(
    env,
    env.models.require('account.journal'),
    JOURNALS.map(
      ([name, code, type, account], index): Vals => ({
        name,
        code,
        type,
        sequence: 5 + index,
        default_account_id: account === null ? false : (byCode.get(account) ?? false),
      }),
    ),
  );
}

async function seedTechnical(env: Env): Promise<void> {
  const [day] = await env.tx.query("SELECT ((now() AT TIME ZONE 'UTC') + interval '1 day')::text AS tomorrow");
  const tomorrow = day?.tomorrow;
  await fixed(
    env,
    'ir_cron',
    (
      [
        [1, 'Base: Auto-vacuum internal data'],
        [18, 'Account: Post draft entries with auto_post enabled and accounting date up to today'],
        [19, 'Send invoices automatically'],
        [20, 'Procurement: run scheduler'],
      ] as const
    ).map(([id, name]) => ({
      id,
      cron_name: name,
      active: true,
      interval_number: 1,
      interval_type: 'days',
      priority: 5,
      nextcall: tomorrow,
    })),
  );
  const known = await env.tx.query('SELECT model FROM ir_model');
  const have = new Set(known.map((row) => String(row.model)));
  const fresh = env.models.names.filter((name) => !have.has(name));
  await createRecords(
    env,
    env.models.require('ir.model'),
    fresh.map((name): Vals => ({ name: env.models.require(name).label, model: name, state: 'base' })),
  );
  if ((await count(env, 'ir_module_module')) === 0)
    await createRecords(
      env,
      env.models.require('ir.module.module'),
      MODULES.map((name): Record<string, Value> => ({ name, shortdesc: name, state: 'installed', latest_version: '18.0.1.0' })),
    );
}
