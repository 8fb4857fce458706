/** res.* and the small tables every other model points to. */
import {
  boolean,
  char,
  date,
  datetime,
  float,
  integer,
  type ModelSpec,
  many2many,
  many2one,
  one2many,
  selection,
  text,
} from '../orm/fields.ts';

const byName = (alias: string): string => `${alias}.name`;

export const currency: ModelSpec = {
  name: 'res.currency',
  label: 'Currency',
  table: 'res_currency',
  order: 'id',
  display: byName,
  fields: {
    name: char('Currency', { required: true }),
    symbol: char('Symbol'),
    active: boolean('Active', { default: true }),
    rounding: float('Rounding', { default: 0.01 }),
  },
};

export const country: ModelSpec = {
  name: 'res.country',
  label: 'Country',
  table: 'res_country',
  order: 'name',
  display: byName,
  fields: { name: char('Country Name', { required: true }), code: char('Country Code', { index: true }) },
};

export const uom: ModelSpec = {
  name: 'uom.uom',
  label: 'Product Unit of Measure',
  table: 'uom_uom',
  order: 'id',
  display: byName,
  fields: {
    name: char('Unit of Measure', { required: true }),
    factor: float('Ratio', { default: 1 }),
    active: boolean('Active', { default: true }),
  },
};

export const tax: ModelSpec = {
  name: 'account.tax',
  label: 'Tax',
  table: 'account_tax',
  order: 'id',
  display: byName,
  fields: {
    name: char('Tax Name', { required: true }),
    type_tax_use: selection('Tax Type', ['sale', 'purchase', 'none'], { default: 'sale' }),
    amount: float('Amount'),
    active: boolean('Active', { default: true }),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
  },
};

export const paymentTerm: ModelSpec = {
  name: 'account.payment.term',
  label: 'Payment Terms',
  table: 'account_payment_term',
  order: 'id',
  display: byName,
  fields: { name: char('Payment Terms', { required: true }), active: boolean('Active', { default: true }) },
};

export const partner: ModelSpec = {
  name: 'res.partner',
  label: 'Contact',
  table: 'res_partner',
  order: 'name, id',
  display: byName,
  parent: 'parent_id',
  fields: {
    name: char('Name', { required: true, index: true }),
    ref: char('Reference', { index: true }),
    email: char('Email', { index: true }),
    phone: char('Phone'),
    mobile: char('Mobile'),
    street: char('Street'),
    street2: char('Street2'),
    zip: char('Zip'),
    city: char('City'),
    vat: char('Tax ID'),
    website: char('Website'),
    comment: text('Notes'),
    lang: char('Language', { default: 'en_US' }),
    barcode: char('Barcode'),
    is_company: boolean('Is a Company', { default: false }),
    active: boolean('Active', { default: true }),
    type: selection('Address Type', ['contact', 'invoice', 'delivery', 'other'], { default: 'contact' }),
    customer_rank: integer('Customer Rank', { default: 0 }),
    supplier_rank: integer('Supplier Rank', { default: 0 }),
    parent_id: many2one('Related Company', 'res.partner'),
    child_ids: one2many('Contact', 'res.partner', 'parent_id'),
    country_id: many2one('Country', 'res.country'),
    company_id: many2one('Company', 'res.company'),
    user_id: many2one('Salesperson', 'res.users'),
    property_product_pricelist: many2one('Pricelist', 'product.pricelist'),
    property_account_receivable_id: many2one('Account Receivable', 'account.account', { default: () => false }),
  },
};

export const irModel: ModelSpec = {
  name: 'ir.model',
  label: 'Models',
  table: 'ir_model',
  order: 'model',
  display: byName,
  fields: {
    name: char('Model Description', { required: true }),
    model: char('Model', { required: true, index: true }),
    transient: boolean('Transient Model'),
    state: char('Type', { default: 'base' }),
  },
};

export const irModule: ModelSpec = {
  name: 'ir.module.module',
  label: 'Module',
  table: 'ir_module_module',
  order: 'name',
  display: byName,
  fields: {
    name: char('Technical Name', { required: true, index: true }),
    shortdesc: char('Module Name'),
    state: selection('Status', ['uninstalled', 'installed', 'to_upgrade', 'to_install', 'to_remove'], { default: 'uninstalled' }),
    latest_version: char('Installed Version'),
  },
};

export const users: ModelSpec = {
  name: 'res.users',
  label: 'User',
  table: 'res_users',
  order: 'id',
  display: (alias) => `(SELECT p.name FROM res_partner p WHERE p.id = ${alias}.partner_id)`,
  fields: {
    login: char('Login', { required: true, unique: 'You can not have two users with the same login!' }),
    partner_id: many2one('Related Partner', 'res.partner'),
    name: char('Name', { related: ['partner_id', 'name'] }),
    email: char('Email', { related: ['partner_id', 'email'] }),
    lang: char('Language', { related: ['partner_id', 'lang'] }),
    tz: char('Timezone', { default: 'UTC' }),
    active: boolean('Active', { default: true }),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
    company_ids: many2many('Companies', 'res.company', ['res_company_users_rel', 'user_id', 'cid']),
  },
  create: async (env, vals, base) => {
    const partners: number[] = [];
    for (const item of vals) {
      const [row] = await env.tx.query('INSERT INTO res_partner (name, email, active) VALUES ($1, $2, true) RETURNING id', [
        String(item.name ?? item.login),
        item.email || null,
      ]);
      partners.push(Number(row?.id));
    }
    return await base(vals.map((item, index) => ({ ...item, partner_id: item.partner_id ?? partners[index] ?? false })));
  },
};

export const cron: ModelSpec = {
  name: 'ir.cron',
  label: 'Scheduled Actions',
  table: 'ir_cron',
  order: 'id',
  display: (alias) => `${alias}.cron_name`,
  fields: {
    cron_name: char('Name', { required: true }),
    name: char('Action Name', { sql: (alias) => `${alias}.cron_name` }),
    active: boolean('Active', { default: true }),
    interval_number: integer('Interval Number', { default: 1 }),
    interval_type: selection('Interval Unit', ['minutes', 'hours', 'days', 'weeks', 'months'], { default: 'days' }),
    nextcall: datetime('Next Execution Date', { default: (env) => env.now }),
    lastcall: datetime('Last Execution Date'),
    priority: integer('Priority', { default: 5 }),
  },
};

const lockDate = (label: string) => date(label);

export const companyFields = {
  name: char('Company Name', { required: true }),
  partner_id: many2one('Partner', 'res.partner'),
  currency_id: many2one('Currency', 'res.currency', { default: 1 }),
  email: char('Email'),
  phone: char('Phone'),
  fiscalyear_lock_date: lockDate('Global Lock Date'),
  tax_lock_date: lockDate('Tax Return Lock Date'),
  sale_lock_date: lockDate('Sales Lock Date'),
  purchase_lock_date: lockDate('Purchase Lock date'),
  hard_lock_date: lockDate('Hard Lock Date'),
};
