import type { OdooPort } from '../ports.ts';
import { chunksOf, type Domain, sumByTwo } from './records.ts';

export interface StockedProduct {
  readonly id: number;
  readonly code: string;
}

/** Units by stock location and product; what is not there has none. */
export type StockByPlace = ReadonlyMap<number, ReadonlyMap<number, number>>;

interface Sums {
  readonly field: string;
  readonly model: string;
  readonly domain: Domain;
  /** Field of the location. */
  readonly place: string;
}

const BATCH_PRODUCTS = 500;
/** Up to this many, products are named one by one. */
const NAMED_PRODUCTS = 50;

/** Units of each product in each of the locations. */
export async function readOnHand(
  odoo: OdooPort,
  products: readonly StockedProduct[],
  locationIds: readonly number[],
): Promise<StockByPlace> {
  const domain = [['location_id', 'in', locationIds]];
  return await sumByPlace(odoo, products, { model: 'stock.quant', field: 'quantity', domain, place: 'location_id' });
}

/** Units that done stock moves have brought into each of the locations, less those taken out. */
export async function readNetMoves(
  odoo: OdooPort,
  products: readonly StockedProduct[],
  locationIds: readonly number[],
): Promise<StockByPlace> {
  const moved = (place: 'location_dest_id' | 'location_id'): Promise<StockByPlace> => {
    const domain = [
      [place, 'in', locationIds],
      ['state', '=', 'done'],
    ];
    return sumByPlace(odoo, products, { model: 'stock.move', field: 'quantity', domain, place });
  };
  const into = await moved('location_dest_id');
  const out = await moved('location_id');
  return new Map(
    locationIds.map((place) => [
      place,
      new Map(products.map(({ id }) => [id, (into.get(place)?.get(id) ?? 0) - (out.get(place)?.get(id) ?? 0)])),
    ]),
  );
}

/** Sums by location and product; without rows there is none. Products should come in the order of their codes. */
export async function sumByPlace(
  odoo: OdooPort,
  products: readonly StockedProduct[],
  { model, field, domain, place }: Sums,
): Promise<StockByPlace> {
  const found = new Map<number, Map<number, number>>();
  for (const batch of chunksOf(products, BATCH_PRODUCTS)) {
    const request = { field, groupBy: [place, 'product_id'] as const };
    const sums = await sumByTwo(odoo, model, [...domain, ...productDomain(batch)], request);
    const wanted = new Set(batch.map(({ id }) => id));
    for (const [location, byProduct] of sums) {
      const here = found.get(location) ?? new Map<number, number>();
      for (const [product, units] of byProduct) if (wanted.has(product)) here.set(product, units);
      found.set(location, here);
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
