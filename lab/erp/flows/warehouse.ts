import type { Env } from '../orm/env.ts';
import type { Vals } from '../orm/value.ts';
import { createRecords, writeRecords } from '../orm/write.ts';

/** Locations and operation types of a new warehouse, unless they were given. */
export async function createWarehouseParts(env: Env, ids: readonly number[], vals: readonly Vals[]): Promise<void> {
  const locations = env.models.require('stock.location');
  const types = env.models.require('stock.picking.type');
  const [customers] = await env.tx.query("SELECT id FROM stock_location WHERE usage = 'customer' ORDER BY id LIMIT 1");
  const [suppliers] = await env.tx.query("SELECT id FROM stock_location WHERE usage = 'supplier' ORDER BY id LIMIT 1");
  const customer = Number(customers?.id) || false;
  const supplier = Number(suppliers?.id) || false;
  for (const [index, id] of ids.entries()) {
    const item = vals[index] ?? {};
    if (item.lot_stock_id) continue;
    const code = String(item.code);
    const [view = 0] = await createRecords(env, locations, [{ name: code, usage: 'view', location_id: false, warehouse_id: id }]);
    const [stock = 0] = await createRecords(env, locations, [
      { name: 'Stock', usage: 'internal', location_id: view, warehouse_id: id },
    ]);
    const [out = false, into = false, internal = false, pos = false] = await createRecords(env, types, [
      {
        name: 'Delivery Orders',
        code: 'outgoing',
        sequence_code: 'OUT',
        warehouse_id: id,
        default_location_src_id: stock,
        default_location_dest_id: customer,
      },
      {
        name: 'Receipts',
        code: 'incoming',
        sequence_code: 'IN',
        warehouse_id: id,
        default_location_src_id: supplier,
        default_location_dest_id: stock,
      },
      {
        name: 'Internal Transfers',
        code: 'internal',
        sequence_code: 'INT',
        warehouse_id: id,
        default_location_src_id: stock,
        default_location_dest_id: stock,
      },
      {
        name: 'PoS Orders',
        code: 'outgoing',
        sequence_code: 'POS',
        warehouse_id: id,
        default_location_src_id: stock,
        default_location_dest_id: customer,
      },
    ]);
    await writeRecords(env, env.models.require('stock.warehouse'), [id], {
      view_location_id: view,
      lot_stock_id: stock,
      out_type_id: out,
      in_type_id: into,
      int_type_id: internal,
      pos_type_id: pos,
    });
  }
}
