import { chunksOf } from '../clients/odoo/records.ts';
import { readOnHand, type StockedProduct } from '../clients/odoo/stock.ts';
import type { OdooValue } from '../clients/ports.ts';
import { HarnessError } from '../errors.ts';
import { SEED_TIMEOUT_MS, type Seeding } from './ensure-records.ts';

/** Products a stock count takes at once: applying one makes a stock move for each. */
const COUNT_BATCH = 100;
/** Looks at a count whose answer was lost, before it is given up. */
const APPLY_ATTEMPTS = 3;

/**
 * Counts every product that has less than `openingStock` units up to it, as a stock count does in Odoo. What an earlier run
 * took out is put back this way, so that each run starts from the same stock.
 */
export async function seedStock(
  seeding: Seeding,
  products: readonly StockedProduct[],
  stock: { readonly locationId: number; readonly openingStock: number },
): Promise<void> {
  const { odoo, onProgress, signal } = seeding;
  const onHand = await readOnHand(odoo, products, stock.locationId);
  const short = products.filter(({ id }) => (onHand.get(id) ?? 0) < stock.openingStock);
  let done = products.length - short.length;
  for (const batch of chunksOf(short, COUNT_BATCH)) {
    signal?.throwIfAborted();
    await countUp(seeding, batch, stock);
    done += batch.length;
    onProgress({ what: 'opening stock', done, total: products.length });
  }
  if (short.length === 0) onProgress({ what: 'opening stock', done, total: products.length });
}

async function countUp(
  { odoo, signal }: Seeding,
  products: readonly StockedProduct[],
  stock: { readonly locationId: number; readonly openingStock: number },
): Promise<void> {
  const waiting = { timeoutMs: SEED_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  let open = products;
  for (let attempt = 1; attempt <= APPLY_ATTEMPTS && open.length > 0; attempt += 1) {
    const counts: OdooValue[] = open.map(({ id }) => ({
      product_id: id,
      location_id: stock.locationId,
      inventory_quantity: stock.openingStock,
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
    const onHand = await readOnHand(odoo, open, stock.locationId);
    open = open.filter(({ id }) => (onHand.get(id) ?? 0) < stock.openingStock);
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
