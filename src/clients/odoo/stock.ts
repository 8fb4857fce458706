import type { OdooPort } from '../ports.ts';
import { chunksOf, sumById } from './records.ts';

const READ_BATCH = 1000;

/** Units of each product in the location. */
export async function readOnHand(
  odoo: OdooPort,
  productIds: readonly number[],
  locationId: number,
): Promise<ReadonlyMap<number, number>> {
  const onHand = new Map<number, number>();
  for (const batch of chunksOf(productIds, READ_BATCH)) {
    const domain = [
      ['location_id', '=', locationId],
      ['product_id', 'in', batch],
    ];
    const sums = await sumById(odoo, 'stock.quant', domain, { fields: ['quantity'], groupBy: 'product_id' });
    for (const [id, { quantity }] of sums) onHand.set(id, quantity ?? 0);
  }
  return onHand;
}

/** Units that done stock moves have brought into the location, less those taken out, by product. */
export async function readNetMoves(
  odoo: OdooPort,
  productIds: readonly number[],
  locationId: number,
): Promise<ReadonlyMap<number, number>> {
  const net = new Map<number, number>();
  for (const batch of chunksOf(productIds, READ_BATCH)) {
    for (const [side, sign] of [
      ['location_dest_id', 1],
      ['location_id', -1],
    ] as const) {
      const domain = [
        [side, '=', locationId],
        ['product_id', 'in', batch],
        ['state', '=', 'done'],
      ];
      const sums = await sumById(odoo, 'stock.move', domain, { fields: ['quantity'], groupBy: 'product_id' });
      for (const [id, { quantity }] of sums) net.set(id, (net.get(id) ?? 0) + sign * (quantity ?? 0));
    }
  }
  return net;
}
