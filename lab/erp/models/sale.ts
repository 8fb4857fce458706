import { createInvoices } from '../flows/invoice.ts';
import { cancelOrders, confirmOrders, draftOrders, wizardCancel } from '../flows/sale.ts';
import { afterOrders, prepareLines, prepareOrders, refreshTotals, unlinkOrders, writeLines } from '../flows/sale-lines.ts';
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
  monetary,
  one2many,
  selection,
  text,
} from '../orm/fields.ts';

const ORDER_STATES = ['draft', 'sent', 'sale', 'cancel'];

export const saleOrder: ModelSpec = {
  name: 'sale.order',
  label: 'Sales Order',
  table: 'sale_order',
  order: 'date_order desc, id desc',
  display: (alias) => `${alias}.name`,
  fields: {
    name: char('Order Reference', { index: true }),
    partner_id: many2one('Customer', 'res.partner', { required: true, index: true }),
    partner_invoice_id: many2one('Invoice Address', 'res.partner'),
    partner_shipping_id: many2one('Delivery Address', 'res.partner'),
    client_order_ref: char('Customer Reference', { index: true }),
    origin: char('Source Document'),
    reference: char('Payment Ref.'),
    note: text('Terms and conditions'),
    state: selection('Status', ORDER_STATES, { default: 'draft', index: true }),
    locked: boolean('Locked', { default: false }),
    date_order: datetime('Order Date', { default: (env) => env.now, required: true }),
    validity_date: date('Expiration'),
    commitment_date: datetime('Delivery Date'),
    pricelist_id: many2one('Pricelist', 'product.pricelist'),
    currency_id: many2one('Currency', 'res.currency', { default: 1 }),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId, required: true }),
    user_id: many2one('Salesperson', 'res.users', { default: (env) => env.uid }),
    warehouse_id: many2one('Warehouse', 'stock.warehouse', { default: 1 }),
    payment_term_id: many2one('Payment Terms', 'account.payment.term'),
    picking_policy: selection('Shipping Policy', ['direct', 'one'], { default: 'direct' }),
    invoice_status: selection('Invoice Status', ['upselling', 'invoiced', 'to invoice', 'no'], { default: 'no' }),
    delivery_status: selection('Delivery Status', ['pending', 'started', 'partial', 'full']),
    amount_untaxed: monetary('Untaxed Amount', { default: 0 }),
    amount_tax: monetary('Taxes', { default: 0 }),
    amount_total: monetary('Total', { default: 0 }),
    order_line: one2many('Order Lines', 'sale.order.line', 'order_id'),
    picking_ids: one2many('Transfers', 'stock.picking', 'sale_id'),
    delivery_count: integer('Delivery Orders', {
      sql: (alias) => `(SELECT count(*)::int FROM stock_picking p WHERE p.sale_id = ${alias}.id)`,
    }),
    invoice_ids: many2many('Invoices', 'account.move', ['sale_order_invoice_rel', 'order_id', 'move_id']),
    invoice_count: integer('Invoice Count', {
      sql: (alias) => `(SELECT count(*)::int FROM sale_order_invoice_rel r WHERE r.order_id = ${alias}.id)`,
    }),
  },
  prepareCreate: prepareOrders,
  afterCreate: afterOrders,
  write: async (env, ids, vals, base) => {
    await base(ids, vals);
    if ('order_line' in vals) await refreshTotals(env, ids);
  },
  beforeUnlink: unlinkOrders,
  methods: {
    action_confirm: { kind: 'record', run: confirmOrders },
    action_cancel: { kind: 'record', run: cancelOrders },
    action_draft: { kind: 'record', run: draftOrders },
  },
};

export const saleOrderLine: ModelSpec = {
  name: 'sale.order.line',
  label: 'Sales Order Line',
  table: 'sale_order_line',
  order: 'order_id, sequence, id',
  display: (alias) => `(SELECT o.name FROM sale_order o WHERE o.id = ${alias}.order_id) || ' - ' || ${alias}.name`,
  fields: {
    order_id: many2one('Order Reference', 'sale.order', { required: true, onDelete: 'cascade', index: true }),
    sequence: integer('Sequence', { default: 10 }),
    name: text('Description'),
    display_type: selection('Display Type', ['line_section', 'line_note']),
    product_id: many2one('Product', 'product.product', { index: true, onDelete: 'restrict' }),
    product_template_id: many2one('Product Template', 'product.template', { related: ['product_id', 'product_tmpl_id'] }),
    product_uom_qty: float('Quantity', { default: 1 }),
    product_uom: many2one('Unit of Measure', 'uom.uom', { default: 1 }),
    price_unit: float('Unit Price'),
    discount: float('Discount (%)', { default: 0 }),
    price_subtotal: monetary('Subtotal', { default: 0 }),
    price_tax: float('Total Tax', { default: 0 }),
    price_total: monetary('Total', { default: 0 }),
    qty_delivered: float('Delivery Quantity', { default: 0 }),
    qty_invoiced: float('Invoiced Quantity', { default: 0 }),
    tax_id: many2many('Taxes', 'account.tax', ['account_tax_sale_order_line_rel', 'sale_order_line_id', 'account_tax_id']),
    state: char('Order Status', { related: ['order_id', 'state'] }),
    order_partner_id: many2one('Customer', 'res.partner', { related: ['order_id', 'partner_id'] }),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
    move_ids: one2many('Stock Moves', 'stock.move', 'sale_line_id'),
  },
  prepareCreate: prepareLines,
  afterCreate: async (env, _ids, vals) =>
    refreshTotals(
      env,
      vals.map((item) => Number(item.order_id)),
    ),
  write: writeLines,
};

export const saleOrderCancel: ModelSpec = {
  name: 'sale.order.cancel',
  label: 'Sales Order Cancel',
  table: 'sale_order_cancel',
  order: 'id',
  display: (alias) => `'sale.order.cancel,' || ${alias}.id`,
  fields: { order_id: many2one('Sale Order', 'sale.order', { required: true, onDelete: 'cascade' }) },
  methods: { action_cancel: { kind: 'record', run: wizardCancel } },
};

export const advancePayment: ModelSpec = {
  name: 'sale.advance.payment.inv',
  label: 'Sales Advance Payment Invoice',
  table: 'sale_advance_payment_inv',
  order: 'id',
  display: (alias) => `'sale.advance.payment.inv,' || ${alias}.id`,
  fields: {
    advance_payment_method: selection('Create Invoice', ['delivered', 'percentage', 'fixed'], {
      default: 'delivered',
      required: true,
    }),
    amount: float('Down Payment', { default: 0 }),
    fixed_amount: monetary('Down Payment Amount (Fixed)', { default: 0 }),
    consolidated_billing: boolean('Consolidated Billing', { default: true }),
    sale_order_ids: many2many('Sales Orders', 'sale.order', [
      'sale_advance_payment_inv_sale_order_rel',
      'sale_advance_payment_inv_id',
      'sale_order_id',
    ]),
  },
  methods: { create_invoices: { kind: 'record', run: createInvoices } },
};
