import { chunksOf } from '../clients/odoo/records.ts';
import { readOnHand, type StockedProduct } from '../clients/odoo/stock.ts';
import type { OdooValue } from '../clients/ports.ts';
import { HarnessError } from '../errors.ts';
import { SEED_TIMEOUT_MS, type Seeding } from './ensure-records.ts';

/** Products a stock count takes at once: applying one makes a stock move for each. */
const COUNT_BATCH = 100;
/** Looks at a count whose answer was lost, before it is given up. */
const APPLY_ATTEMPTS = 3;

/** Goods that are to be in one stock location. */
export interface Shelf {
  readonly locationId: number;
  readonly products: readonly StockedProduct[];
  /** Of each product. */
  readonly units: number;
}

interface Item extends StockedProduct {
  readonly locationId: number;
  readonly units: number;
}

/**
 * Counts every product that has less than its units up to them, as a stock count does in Odoo. What an earlier run took out is
 * put back this way, so that each run starts from the same stock.
 */
export async function seedStock(seeding: Seeding, shelves: readonly Shelf[]): Promise<void> {
  const { onProgress, signal } = seeding;
  const all = shelves.flatMap(({ locationId, products, units }) =>
    products.map((product) => ({ ...product, locationId, units })),
  );
  const short = await tooFew(seeding, all);
  let done = all.length - short.length;
  for (const batch of chunksOf(short, COUNT_BATCH)) {
    signal?.throwIfAborted();
    await countUp(seeding, batch);
    done += batch.length;
    onProgress({ what: 'opening stock', done, total: all.length });
  }
  if (short.length === 0) onProgress({ what: 'opening stock', done, total: all.length });
}

async function tooFew({ odoo }: Seeding, items: readonly Item[]): Promise<readonly Item[]> {
  const places = [...new Set(items.map(({ locationId }) => locationId))];
  const products = [...new Map(items.map(({ id, code }) => [id, { id, code }])).values()];
  const sorted = products.sort((one, other) => (one.code < other.code ? -1 : 1));
  const onHand = await readOnHand(odoo, sorted, places);
  return items.filter(({ id, locationId, units }) => (onHand.get(locationId)?.get(id) ?? 0) < units);
}

async function countUp(seeding: Seeding, items: readonly Item[]): Promise<void> {
  const { odoo, signal } = seeding;
  const waiting = { timeoutMs: SEED_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  let open = items;
  for (let attempt = 1; attempt <= APPLY_ATTEMPTS && open.length > 0; attempt += 1) {
    const counts: OdooValue[] = open.map(({ id, locationId, units }) => ({
      product_id: id,
      location_id: locationId,
      inventory_quantity: units,
    }));
    // In this mode Odoo takes the existing quant of a product instead of a second one (odoo-behaviour.md section 3).
    const context = { inventory_mode: true };
    const quants = await odoo.require('stock.quant', 'create', [counts], { context }, waiting);
    const answer = await odoo.call('stock.quant', 'action_apply_inventory', [quants], { context }, waiting);
    if (answer.outcome === 'fail') {
      throw new HarnessError('ERR_ODOO_FAULT', `counting the opening stock failed: ${answer.message ?? 'no message'}`, {
        hint: 'correct what the message names and seed again: it goes on where it stopped',
      });
    }
    // The method returns None, which XML-RPC answers with a fault after the commit: only a look tells.
    open = await tooFew(seeding, open);
  }
  if (open.length > 0) {
    throw new HarnessError(
      'ERR_ODOO_FAULT',
      `${open.length} products still have too little stock after ${APPLY_ATTEMPTS} counts`,
      {
        hint: `look at product ${open[0]?.code ?? ''} in Inventory > Physical Inventory`,
      },
    );
  }
}
