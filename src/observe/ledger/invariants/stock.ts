import { readNetMoves, readOnHand, type StockByPlace, type StockedProduct, sumByPlace } from '../../../clients/odoo/stock.ts';
import type { OdooPort } from '../../../clients/ports.ts';
import type { TargetCatalogue } from '../../../model/catalogue.ts';
import type { InvariantCheck } from './findings.ts';

/** Looks in all at a product that does not add up: a move may have been done between reading the quants and the moves. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 1_000;
const ROUNDING = 1e-6;

/** A product in a stock location that is watched. */
interface Shelf {
  readonly product: StockedProduct;
  readonly locationId: number;
  /** Of the location, for the report: '' for the one that the shop sells from. */
  readonly where: string;
  readonly openingQuants: number;
  readonly openingMoves: number;
}

/**
 * For each product of the data set, in the shop's stock location and in those of the stores that sell it: units on hand have
 * changed since the start by as much as done moves have brought and taken (odoo-behaviour.md section 3: quant sum = initial - done
 * moves), and the units that quants hold reserved are those that open moves hold.
 */
export const checkStock: InvariantCheck = async (odoo, { catalogue, clock, signal }) => {
  const shelves = shelvesOf(catalogue);
  let suspects: readonly Shelf[] = shelves;
  let violations: readonly string[] = [];
  for (let look = 1; look <= LOOKS; look += 1) {
    const products = [...new Map(suspects.map(({ product }) => [product.id, product])).values()];
    const locations = [...new Set(suspects.map(({ locationId }) => locationId))];
    const onHand = await readOnHand(odoo, products, locations);
    const net = await readNetMoves(odoo, products, locations);
    const reserved = await readReserved(odoo, products, locations);
    const broken = suspects.flatMap((shelf) => {
      const units = (stock: StockByPlace): number => stock.get(shelf.locationId)?.get(shelf.product.id) ?? 0;
      const wrong = [
        ...describeHand(units(onHand) - shelf.openingQuants, units(net) - shelf.openingMoves),
        ...describeReserved({ quants: units(reserved.quants), moves: units(reserved.moves) }),
      ];
      return wrong.length === 0 ? [] : [{ shelf, text: `product ${shelf.product.code}${shelf.where}: ${wrong.join('; ')}` }];
    });
    suspects = broken.map(({ shelf }) => shelf);
    violations = broken.map(({ text }) => text);
    if (violations.length === 0) break;
    if (look < LOOKS) await clock.sleep(LOOK_AGAIN_MS, signal === undefined ? {} : { signal });
  }
  return { checked: shelves.length, violations };
};

function shelvesOf(catalogue: TargetCatalogue): readonly Shelf[] {
  const { products, stockLocationId, openingQuants, openingMoves, stores = [], storeProducts = products.length } = catalogue;
  const shop = products.map((product) => ({
    product,
    locationId: stockLocationId,
    where: '',
    // Without the moves of the start, all moves ever done must add up to what is there.
    openingQuants: openingMoves === undefined ? 0 : (openingQuants[product.id] ?? 0),
    openingMoves: openingMoves?.[product.id] ?? 0,
  }));
  const inStores = stores.flatMap((store) =>
    products.slice(0, storeProducts).map((product) => ({
      product,
      locationId: store.stockLocationId,
      where: ` in store ${store.store + 1}`,
      openingQuants: store.openingQuants[product.id] ?? 0,
      openingMoves: store.openingMoves[product.id] ?? 0,
    })),
  );
  return [...shop, ...inStores];
}

function describeHand(quants: number, moves: number): readonly string[] {
  if (Math.abs(quants - moves) < ROUNDING) return [];
  return [`units on hand changed by ${units(quants)}, done moves by ${units(moves)}`];
}

function describeReserved({ quants, moves }: { readonly quants: number; readonly moves: number }): readonly string[] {
  if (Math.abs(quants - moves) < ROUNDING) return [];
  return [`quants hold ${units(quants)} reserved, open moves ${units(moves)}`];
}

const units = (amount: number): string => String(Math.round(amount * 1e6) / 1e6);

/** Reserved units, as the quants and as the open moves have them. */
async function readReserved(
  odoo: OdooPort,
  products: readonly StockedProduct[],
  locationIds: readonly number[],
): Promise<{ readonly quants: StockByPlace; readonly moves: StockByPlace }> {
  const here = ['location_id', 'in', locationIds];
  const open = ['state', 'in', ['assigned', 'partially_available']];
  const place = 'location_id';
  return {
    quants: await sumByPlace(odoo, products, { model: 'stock.quant', field: 'reserved_quantity', domain: [here], place }),
    moves: await sumByPlace(odoo, products, { model: 'stock.move', field: 'quantity', domain: [here, open], place }),
  };
}
