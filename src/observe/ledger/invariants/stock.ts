import { readNetMoves, readOnHand, type StockedProduct, sumByProduct } from '../../../clients/odoo/stock.ts';
import type { OdooPort } from '../../../clients/ports.ts';

import type { InvariantCheck } from './findings.ts';

/** Looks in all at a product that does not add up: a move may have been done between reading the quants and the moves. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 1_000;
const ROUNDING = 1e-6;

/**
 * For each product of the data set, in the stock location: units on hand have changed since the start by as much as done moves
 * have brought and taken (odoo-behaviour.md section 3: quant sum = initial - done moves), and the units that quants hold reserved
 * are those that open moves hold.
 */
export const checkStock: InvariantCheck = async (odoo, { catalogue, clock, signal }) => {
  const { products, stockLocationId, openingQuants, openingMoves } = catalogue;
  let violations = new Map<number, string>();
  for (let look = 1; look <= LOOKS; look += 1) {
    const suspects = look === 1 ? products : products.filter(({ id }) => violations.has(id));
    const onHand = await readOnHand(odoo, suspects, stockLocationId);
    const net = await readNetMoves(odoo, suspects, stockLocationId);
    const reserved = await readReserved(odoo, suspects, stockLocationId);
    violations = new Map();
    for (const { id, code } of suspects) {
      // Without the moves of the start, all moves ever done must add up to what is there.
      const before =
        openingMoves === undefined ? { quants: 0, moves: 0 } : { quants: openingQuants[id] ?? 0, moves: openingMoves[id] ?? 0 };
      const wrong = [
        ...describeHand((onHand.get(id) ?? 0) - before.quants, (net.get(id) ?? 0) - before.moves),
        ...describeReserved(reserved.get(id) ?? { quants: 0, moves: 0 }),
      ];
      if (wrong.length > 0) violations.set(id, `product ${code}: ${wrong.join('; ')}`);
    }
    if (violations.size === 0) break;
    if (look < LOOKS) await clock.sleep(LOOK_AGAIN_MS, signal === undefined ? {} : { signal });
  }
  return { checked: products.length, violations: [...violations.values()] };
};

function describeHand(quants: number, moves: number): readonly string[] {
  if (Math.abs(quants - moves) < ROUNDING) return [];
  return [`units on hand changed by ${units(quants)}, done moves by ${units(moves)}`];
}

function describeReserved({ quants, moves }: { readonly quants: number; readonly moves: number }): readonly string[] {
  if (Math.abs(quants - moves) < ROUNDING) return [];
  return [`quants hold ${units(quants)} reserved, open moves ${units(moves)}`];
}

const units = (amount: number): string => String(Math.round(amount * 1e6) / 1e6);

/** Reserved units by product, as the quants and as the open moves have them. */
async function readReserved(
  odoo: OdooPort,
  products: readonly StockedProduct[],
  locationId: number,
): Promise<ReadonlyMap<number, { readonly quants: number; readonly moves: number }>> {
  const here = ['location_id', '=', locationId];
  const open = ['state', 'in', ['assigned', 'partially_available']];
  const quants = await sumByProduct(odoo, products, { model: 'stock.quant', field: 'reserved_quantity', domain: [here] });
  const moves = await sumByProduct(odoo, products, { model: 'stock.move', field: 'quantity', domain: [here, open] });
  return new Map(products.map(({ id }) => [id, { quants: quants.get(id) ?? 0, moves: moves.get(id) ?? 0 }]));
}
