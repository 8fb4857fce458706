import type { OdooPort } from '../ports.ts';
import { chunksOf, type Domain, sumById } from './records.ts';

export interface StockedProduct {
  readonly id: number;
  readonly code: string;
}

interface Sums {
  readonly field: string;
  readonly model: string;
  readonly domain: Domain;
}

const BATCH_PRODUCTS = 500;
/** Up to this many, products are named one by one. */
const NAMED_PRODUCTS = 50;

/** Units of each product in the location. */
export async function readOnHand(
  odoo: OdooPort,
  products: readonly StockedProduct[],
  locationId: number,
): Promise<ReadonlyMap<number, number>> {
  const domain = [['location_id', '=', locationId]];
  return await sumByProduct(odoo, products, { model: 'stock.quant', field: 'quantity', domain });
}

/** Units that done stock moves have brought into the location, less those taken out, by product. */
export async function readNetMoves(
  odoo: OdooPort,
  products: readonly StockedProduct[],
  locationId: number,
): Promise<ReadonlyMap<number, number>> {
  const moved = (side: 'location_dest_id' | 'location_id'): Promise<ReadonlyMap<number, number>> => {
    const domain = [
      [side, '=', locationId],
      ['state', '=', 'done'],
    ];
    return sumByProduct(odoo, products, { model: 'stock.move', field: 'quantity', domain });
  };
  const into = await moved('location_dest_id');
  const out = await moved('location_id');
  return new Map(products.map(({ id }) => [id, (into.get(id) ?? 0) - (out.get(id) ?? 0)]));
}

/** Sums by product; a product without rows is left out. Products should come in the order of their codes. */
export async function sumByProduct(
  odoo: OdooPort,
  products: readonly StockedProduct[],
  { model, field, domain }: Sums,
): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  for (const batch of chunksOf(products, BATCH_PRODUCTS)) {
    const request = { fields: [field], groupBy: 'product_id' };
    const sums = await sumById(odoo, model, [...domain, ...productDomain(batch)], request);
    for (const { id } of batch) {
      const sum = sums.get(id)?.[field];
      if (sum !== undefined) found.set(id, sum);
    }
  }
  return found;
}

/** Odoo repeats the domain in each group of its answer, so a long list of ids would come back once a product. */
function productDomain(batch: readonly StockedProduct[]): Domain {
  if (batch.length <= NAMED_PRODUCTS) return [['product_id', 'in', batch.map(({ id }) => id)]];
  return [
    ['product_id.default_code', '>=', batch[0]?.code ?? ''],
    ['product_id.default_code', '<=', batch.at(-1)?.code ?? ''],
  ];
}
