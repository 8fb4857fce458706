import { boolean, char, datetime, type FieldSpec, float, integer, type ModelSpec, many2one, one2many } from '../orm/fields.ts';
import { userError } from '../rpc/faults.ts';

const choice = (label: string, values: readonly (readonly [string, string])[], initial: string): FieldSpec => ({
  type: 'selection',
  label,
  selection: values,
  default: initial,
});

export const pricelist: ModelSpec = {
  name: 'product.pricelist',
  label: 'Pricelist',
  table: 'product_pricelist',
  order: 'sequence, id',
  display: (alias) => `${alias}.name`,
  fields: {
    name: char('Pricelist Name', { required: true }),
    active: boolean('Active', { default: true }),
    sequence: integer('Sequence', { default: 16 }),
    currency_id: many2one('Currency', 'res.currency', { default: 1, required: true }),
    company_id: many2one('Company', 'res.company'),
    item_ids: one2many('Pricelist Rules', 'product.pricelist.item', 'pricelist_id'),
  },
};

export const pricelistItem: ModelSpec = {
  name: 'product.pricelist.item',
  label: 'Pricelist Rule',
  table: 'product_pricelist_item',
  order: 'applied_on, min_quantity desc, categ_id desc, id desc',
  display: (alias) => `'Rule ' || ${alias}.id`,
  fields: {
    pricelist_id: many2one('Pricelist', 'product.pricelist', { required: true, onDelete: 'cascade', index: true }),
    applied_on: choice(
      'Apply On',
      [
        ['3_global', 'All Products'],
        ['2_product_category', 'Product Category'],
        ['1_product', 'Product'],
        ['0_product_variant', 'Product Variant'],
      ],
      '3_global',
    ),
    display_applied_on: char('Display Applied On', { default: '1_product' }),
    product_tmpl_id: many2one('Product', 'product.template', { onDelete: 'cascade', index: true }),
    product_id: many2one('Variant', 'product.product', { onDelete: 'cascade', index: true }),
    categ_id: many2one('Category', 'product.category', { onDelete: 'cascade' }),
    base: choice(
      'Based on',
      [
        ['list_price', 'Sales Price'],
        ['standard_price', 'Cost'],
        ['pricelist', 'Other Pricelist'],
      ],
      'list_price',
    ),
    compute_price: choice(
      'Price Type',
      [
        ['percentage', 'Discount'],
        ['formula', 'Formula'],
        ['fixed', 'Fixed Price'],
      ],
      'fixed',
    ),
    fixed_price: float('Fixed Price', { default: 0 }),
    percent_price: float('Percentage Price', { default: 0 }),
    price_discount: float('Price Discount', { default: 0 }),
    price_surcharge: float('Extra Fee', { default: 0 }),
    min_quantity: float('Min. Quantity', { default: 0 }),
    date_start: datetime('Start Date'),
    date_end: datetime('End Date'),
    active: boolean('Active', { default: true }),
    company_id: many2one('Company', 'res.company'),
    currency_id: many2one('Currency', 'res.currency', { related: ['pricelist_id', 'currency_id'] }),
  },
  afterCreate: async (env, _ids, vals) => {
    if (vals.some((item) => item.applied_on === '2_product_category' && !item.categ_id))
      throw userError('Please specify the category for which this rule should be applied');
    await env.prices.forget();
  },
  write: async (env, ids, vals, base) => {
    await base(ids, vals);
    await env.prices.forget();
  },
  beforeUnlink: (env) => env.prices.forget(),
};
