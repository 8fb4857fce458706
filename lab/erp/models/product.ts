/** Templates and variants. A variant reads and writes the fields of its template as its own (`_inherits`). */

import { createTemplates, createVariants, writeTemplate, writeVariant } from '../flows/product.ts';
import {
  boolean,
  char,
  type FieldSpec,
  float,
  integer,
  type ModelSpec,
  many2many,
  many2one,
  monetary,
  one2many,
  selection,
  text,
} from '../orm/fields.ts';
import { quantitySql } from './stock-quantities.ts';

const byName = (alias: string): string => `${alias}.name`;

export const category: ModelSpec = {
  name: 'product.category',
  label: 'Product Category',
  table: 'product_category',
  order: 'name, id',
  display: byName,
  parent: 'parent_id',
  fields: {
    name: char('Name', { required: true }),
    complete_name: char('Complete Name', {
      sql: (alias) =>
        `COALESCE((SELECT p.name || ' / ' FROM product_category p WHERE p.id = ${alias}.parent_id), '') || ${alias}.name`,
    }),
    parent_id: many2one('Parent Category', 'product.category', { onDelete: 'cascade', index: true }),
    child_id: one2many('Child Categories', 'product.category', 'parent_id'),
  },
};

export const posCategory: ModelSpec = {
  name: 'pos.category',
  label: 'Point of Sale Category',
  table: 'pos_category',
  order: 'name, id',
  display: byName,
  fields: { name: char('Category Name', { required: true }), parent_id: many2one('Parent Category', 'pos.category') },
};

/** Stored in the template, visible on the variant too. */
export const sharedFields: Readonly<Record<string, FieldSpec>> = {
  name: char('Name', { required: true, index: true }),
  sequence: integer('Sequence', { default: 1 }),
  type: selection('Product Type', ['consu', 'service', 'combo'], { default: 'consu' }),
  is_storable: boolean('Track Inventory', { default: false }),
  categ_id: many2one('Product Category', 'product.category', { default: 1, required: true, index: true }),
  list_price: monetary('Sales Price', { default: 1 }),
  uom_id: many2one('Unit of Measure', 'uom.uom', { default: 1, required: true }),
  uom_po_id: many2one('Purchase UoM', 'uom.uom', { default: 1 }),
  sale_ok: boolean('Sales', { default: true }),
  purchase_ok: boolean('Purchase', { default: true }),
  available_in_pos: boolean('Available in POS', { default: false }),
  to_weight: boolean('To Weigh With Scale', { default: false }),
  invoice_policy: selection('Invoicing Policy', ['order', 'delivery'], { default: 'order' }),
  tracking: selection('Tracking', ['serial', 'lot', 'none'], { default: 'none' }),
  description: text('Description'),
  description_sale: text('Sales Description'),
  company_id: many2one('Company', 'res.company'),
};

const variantOf = (alias: string, column: string): string =>
  `(SELECT CASE WHEN count(*) = 1 THEN min(v.${column}) END FROM product_product v WHERE v.product_tmpl_id = ${alias}.id AND v.active)`;

export const template: ModelSpec = {
  name: 'product.template',
  label: 'Product',
  table: 'product_template',
  order: 'sequence, name, id',
  display: byName,
  fields: {
    ...sharedFields,
    active: boolean('Active', { default: true }),
    default_code: char('Internal Reference', { sql: (alias) => variantOf(alias, 'default_code') }),
    barcode: char('Barcode', { sql: (alias) => variantOf(alias, 'barcode') }),
    standard_price: float('Cost', { sql: (alias) => variantOf(alias, 'standard_price') }),
    weight: float('Weight', { sql: (alias) => variantOf(alias, 'weight') }),
    volume: float('Volume', { sql: (alias) => variantOf(alias, 'volume') }),
    product_variant_ids: one2many('Products', 'product.product', 'product_tmpl_id'),
    product_variant_id: many2one('Product', 'product.product', {
      sql: (alias) => `(SELECT min(v.id) FROM product_product v WHERE v.product_tmpl_id = ${alias}.id AND v.active)`,
    }),
    product_variant_count: integer('# Product Variants', {
      sql: (alias) => `(SELECT count(*)::int FROM product_product v WHERE v.product_tmpl_id = ${alias}.id AND v.active)`,
    }),
    attribute_line_ids: one2many('Product Attributes', 'product.template.attribute.line', 'product_tmpl_id'),
    taxes_id: many2many('Sales Taxes', 'account.tax', ['product_taxes_rel', 'prod_id', 'tax_id']),
    supplier_taxes_id: many2many('Purchase Taxes', 'account.tax', ['product_supplier_taxes_rel', 'prod_id', 'tax_id']),
    pos_categ_ids: many2many('Point of Sale Category', 'pos.category', [
      'pos_category_product_template_rel',
      'product_template_id',
      'pos_category_id',
    ]),
  },
  create: createTemplates,
  write: writeTemplate,
};

const inherited = Object.fromEntries(
  Object.entries(sharedFields).map(([name, field]): [string, FieldSpec] => [
    name,
    {
      type: field.type,
      label: field.label,
      ...(field.relation === undefined ? {} : { relation: field.relation }),
      ...(field.selection === undefined ? {} : { selection: field.selection }),
      related: ['product_tmpl_id', name],
    },
  ]),
);

export const product: ModelSpec = {
  name: 'product.product',
  label: 'Product Variant',
  table: 'product_product',
  order: 'default_code, id',
  display: (alias) =>
    `COALESCE('[' || ${alias}.default_code || '] ', '') || (SELECT pt.name FROM product_template pt WHERE pt.id = ${alias}.product_tmpl_id)`,
  fields: {
    ...inherited,
    product_tmpl_id: many2one('Product Template', 'product.template', { required: true, onDelete: 'cascade', index: true }),
    default_code: char('Internal Reference', { index: true }),
    barcode: char('Barcode', { unique: 'Barcode(s) already assigned' }),
    active: boolean('Active', { default: true }),
    standard_price: float('Cost', { default: 0 }),
    weight: float('Weight', { default: 0 }),
    volume: float('Volume', { default: 0 }),
    lst_price: monetary('Sales Price', { related: ['product_tmpl_id', 'list_price'] }),
    product_template_attribute_value_ids: many2many('Attribute Values', 'product.template.attribute.value', [
      'product_variant_combination',
      'product_product_id',
      'product_template_attribute_value_id',
    ]),
    // Odoo reads these through the template; the lab keeps them beside the variant, because nothing here taxes anything.
    taxes_id: many2many('Sales Taxes', 'account.tax', ['product_variant_taxes_rel', 'prod_id', 'tax_id']),
    pos_categ_ids: many2many('Point of Sale Category', 'pos.category', [
      'pos_category_product_rel',
      'product_id',
      'pos_category_id',
    ]),
    qty_available: float('Quantity On Hand', { sql: (alias) => quantitySql(alias, 'on-hand') }),
    free_qty: float('Free To Use Quantity', { sql: (alias) => quantitySql(alias, 'free') }),
    incoming_qty: float('Incoming', { sql: (alias) => quantitySql(alias, 'incoming') }),
    outgoing_qty: float('Outgoing', { sql: (alias) => quantitySql(alias, 'outgoing') }),
    virtual_available: float('Forecasted Quantity', { sql: (alias) => quantitySql(alias, 'forecast') }),
    stock_quant_ids: one2many('Stock Quants', 'stock.quant', 'product_id'),
  },
  create: createVariants,
  write: writeVariant,
};

export const attribute: ModelSpec = {
  name: 'product.attribute',
  label: 'Product Attribute',
  table: 'product_attribute',
  order: 'sequence, id',
  display: byName,
  fields: {
    name: char('Attribute', { required: true }),
    sequence: integer('Sequence', { default: 20 }),
    create_variant: selection('Variant Creation', ['always', 'dynamic', 'no_variant'], { default: 'always' }),
    display_type: selection('Display Type', ['radio', 'pills', 'select', 'color', 'multi'], { default: 'radio' }),
    active: boolean('Active', { default: true }),
    value_ids: one2many('Values', 'product.attribute.value', 'attribute_id'),
  },
};

export const attributeValue: ModelSpec = {
  name: 'product.attribute.value',
  label: 'Attribute Value',
  table: 'product_attribute_value',
  order: 'attribute_id, sequence, id',
  display: (alias) => `(SELECT a.name FROM product_attribute a WHERE a.id = ${alias}.attribute_id) || ': ' || ${alias}.name`,
  fields: {
    name: char('Value', { required: true }),
    sequence: integer('Sequence', { default: 1 }),
    active: boolean('Active', { default: true }),
    attribute_id: many2one('Attribute', 'product.attribute', { required: true, onDelete: 'cascade', index: true }),
  },
};

export const attributeLine: ModelSpec = {
  name: 'product.template.attribute.line',
  label: 'Product Template Attribute Line',
  table: 'product_template_attribute_line',
  order: 'sequence, id',
  display: (alias) => `(SELECT a.name FROM product_attribute a WHERE a.id = ${alias}.attribute_id)`,
  fields: {
    product_tmpl_id: many2one('Product Template', 'product.template', { required: true, onDelete: 'cascade', index: true }),
    attribute_id: many2one('Attribute', 'product.attribute', { required: true }),
    sequence: integer('Sequence', { default: 10 }),
    active: boolean('Active', { default: true }),
    value_ids: many2many('Values', 'product.attribute.value', [
      'product_attribute_value_product_template_attribute_line_rel',
      'product_template_attribute_line_id',
      'product_attribute_value_id',
    ]),
  },
};

export const templateAttributeValue: ModelSpec = {
  name: 'product.template.attribute.value',
  label: 'Product Template Attribute Value',
  table: 'product_template_attribute_value',
  order: 'attribute_line_id, id',
  display: (alias) => `(SELECT v.name FROM product_attribute_value v WHERE v.id = ${alias}.product_attribute_value_id)`,
  fields: {
    attribute_line_id: many2one('Attribute Line', 'product.template.attribute.line', {
      required: true,
      onDelete: 'cascade',
      index: true,
    }),
    product_attribute_value_id: many2one('Attribute Value', 'product.attribute.value', { required: true }),
    product_tmpl_id: many2one('Product Template', 'product.template', { onDelete: 'cascade', index: true }),
    attribute_id: many2one('Attribute', 'product.attribute'),
    name: char('Value', { related: ['product_attribute_value_id', 'name'] }),
    price_extra: float('Value Price Extra', { default: 0 }),
  },
};
