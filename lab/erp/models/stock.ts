import { applyInventory, createQuants, writeQuant } from '../flows/inventory.ts';
import { assignPickings, cancelPickings, confirmPickings, validatePickings } from '../flows/picking.ts';
import { createWarehouseParts } from '../flows/warehouse.ts';
import { boolean, char, datetime, float, integer, type ModelSpec, many2one, one2many, selection } from '../orm/fields.ts';

const byName = (alias: string): string => `${alias}.name`;

export const location: ModelSpec = {
  name: 'stock.location',
  label: 'Inventory Locations',
  table: 'stock_location',
  order: 'complete_name, id',
  display: (alias) => `${alias}.complete_name`,
  parent: 'location_id',
  fields: {
    name: char('Location Name', { required: true }),
    complete_name: char('Full Location Name'),
    usage: selection('Location Type', ['supplier', 'view', 'internal', 'customer', 'inventory', 'production', 'transit'], {
      default: 'internal',
      index: true,
    }),
    location_id: many2one('Parent Location', 'stock.location'),
    active: boolean('Active', { default: true }),
    barcode: char('Barcode'),
    warehouse_id: many2one('Warehouse', 'stock.warehouse'),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
  },
  prepareCreate: async (env, vals) => {
    const parents = await env.tx.query('SELECT id, complete_name FROM stock_location WHERE id = ANY($1::int[])', [
      vals.map((item) => item.location_id).filter((id) => typeof id === 'number'),
    ]);
    const names = new Map(parents.map((row) => [Number(row.id), String(row.complete_name)]));
    return vals.map((item) => {
      const above = names.get(Number(item.location_id));
      return {
        ...item,
        complete_name: item.complete_name ?? (above === undefined ? String(item.name) : `${above}/${String(item.name)}`),
      };
    });
  },
};

export const warehouse: ModelSpec = {
  name: 'stock.warehouse',
  label: 'Warehouse',
  table: 'stock_warehouse',
  order: 'sequence, id',
  display: byName,
  fields: {
    name: char('Warehouse', { required: true }),
    code: char('Short Name', { required: true }),
    active: boolean('Active', { default: true }),
    sequence: integer('Sequence', { default: 10 }),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
    partner_id: many2one('Address', 'res.partner'),
    view_location_id: many2one('View Location', 'stock.location'),
    lot_stock_id: many2one('Location Stock', 'stock.location'),
    out_type_id: many2one('Out Type', 'stock.picking.type'),
    in_type_id: many2one('In Type', 'stock.picking.type'),
    int_type_id: many2one('Internal Type', 'stock.picking.type'),
    pos_type_id: many2one('Point of Sale Operation Type', 'stock.picking.type'),
  },
  afterCreate: createWarehouseParts,
};

export const pickingType: ModelSpec = {
  name: 'stock.picking.type',
  label: 'Picking Type',
  table: 'stock_picking_type',
  order: 'sequence, id',
  display: (alias) =>
    `COALESCE((SELECT w.name || ': ' FROM stock_warehouse w WHERE w.id = ${alias}.warehouse_id), '') || ${alias}.name`,
  fields: {
    name: char('Operation Type', { required: true }),
    code: selection('Type of Operation', ['incoming', 'outgoing', 'internal'], { default: 'incoming' }),
    sequence_code: char('Sequence Prefix'),
    sequence: integer('Sequence', { default: 10 }),
    active: boolean('Active', { default: true }),
    warehouse_id: many2one('Warehouse', 'stock.warehouse', { onDelete: 'cascade' }),
    default_location_src_id: many2one('Source Location', 'stock.location'),
    default_location_dest_id: many2one('Destination Location', 'stock.location'),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
  },
};

const STATES = ['draft', 'waiting', 'confirmed', 'assigned', 'done', 'cancel'];

export const picking: ModelSpec = {
  name: 'stock.picking',
  label: 'Transfer',
  table: 'stock_picking',
  order: 'id desc',
  display: byName,
  fields: {
    name: char('Reference', { index: true }),
    origin: char('Source Document', { index: true }),
    state: selection('Status', STATES, { default: 'draft', index: true }),
    partner_id: many2one('Contact', 'res.partner'),
    picking_type_id: many2one('Operation Type', 'stock.picking.type', { required: true }),
    picking_type_code: char('Type of Operation', { related: ['picking_type_id', 'code'] }),
    location_id: many2one('Source Location', 'stock.location', { required: true }),
    location_dest_id: many2one('Destination Location', 'stock.location', { required: true }),
    sale_id: many2one('Sales Order', 'sale.order', { index: true }),
    pos_session_id: many2one('POS Session', 'pos.session', { index: true }),
    scheduled_date: datetime('Scheduled Date', { default: (env) => env.now }),
    date_done: datetime('Date of Transfer'),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
    user_id: many2one('Responsible', 'res.users'),
    move_ids: one2many('Stock Moves', 'stock.move', 'picking_id'),
    move_ids_without_package: one2many('Stock Moves not in package', 'stock.move', 'picking_id'),
  },
  prepareCreate: async (env, vals) => {
    const rows = await env.tx.query("SELECT nextval('stock_picking_name_seq')::int AS n FROM generate_series(1, $1::int)", [
      vals.length,
    ]);
    return vals.map((item, index) => ({ ...item, name: item.name || `WH/OP/${String(rows[index]?.n).padStart(5, '0')}` }));
  },
  methods: {
    action_confirm: { kind: 'record', run: confirmPickings },
    action_assign: { kind: 'record', run: assignPickings },
    button_validate: { kind: 'record', run: validatePickings },
    action_cancel: { kind: 'record', run: cancelPickings },
  },
};

export const move: ModelSpec = {
  name: 'stock.move',
  label: 'Stock Move',
  table: 'stock_move',
  order: 'id',
  display: (alias) => `COALESCE(${alias}.reference, ${alias}.name, 'Move ' || ${alias}.id)`,
  fields: {
    name: char('Description'),
    reference: char('Reference', { index: true }),
    origin: char('Source Document'),
    state: selection('Status', ['draft', 'waiting', 'confirmed', 'partially_available', 'assigned', 'done', 'cancel'], {
      default: 'draft',
      index: true,
    }),
    product_id: many2one('Product', 'product.product', { required: true, index: true }),
    product_uom: many2one('UoM', 'uom.uom', { default: 1 }),
    product_uom_qty: float('Demand', { default: 0 }),
    product_qty: float('Real Quantity', { sql: (alias) => `${alias}.product_uom_qty` }),
    quantity: float('Quantity', { default: 0 }),
    picked: boolean('Picked', { default: false }),
    is_inventory: boolean('Inventory', { default: false }),
    date: datetime('Date Scheduled', { default: (env) => env.now }),
    location_id: many2one('Source Location', 'stock.location', { required: true }),
    location_dest_id: many2one('Destination Location', 'stock.location', { required: true }),
    picking_id: many2one('Transfer', 'stock.picking', { onDelete: 'cascade', index: true }),
    sale_line_id: many2one('Sale Line', 'sale.order.line', { index: true }),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
  },
};

export const quant: ModelSpec = {
  name: 'stock.quant',
  label: 'Quants',
  table: 'stock_quant',
  order: 'id',
  display: (alias) => `'Quant ' || ${alias}.id`,
  indexes: [['product_id', 'location_id']],
  fields: {
    product_id: many2one('Product', 'product.product', { required: true, onDelete: 'restrict' }),
    location_id: many2one('Location', 'stock.location', { required: true, index: true }),
    quantity: float('Quantity', { default: 0 }),
    reserved_quantity: float('Reserved Quantity', { default: 0 }),
    available_quantity: float('Available Quantity', { sql: (alias) => `(${alias}.quantity - ${alias}.reserved_quantity)` }),
    inventory_quantity: float('Counted Quantity', { default: 0 }),
    inventory_quantity_set: boolean('Inventory Quantity Set', { default: false }),
    inventory_diff_quantity: float('Difference', {
      sql: (alias) => `CASE WHEN ${alias}.inventory_quantity_set THEN ${alias}.inventory_quantity - ${alias}.quantity ELSE 0 END`,
    }),
    inventory_date: datetime('Scheduled Date'),
    in_date: datetime('Incoming Date', { default: (env) => env.now }),
    user_id: many2one('Assigned To', 'res.users'),
    company_id: many2one('Company', 'res.company', { default: (env) => env.companyId }),
    product_tmpl_id: many2one('Product Template', 'product.template', { related: ['product_id', 'product_tmpl_id'] }),
  },
  create: createQuants,
  write: writeQuant,
  methods: { action_apply_inventory: { kind: 'record', run: applyInventory } },
};
