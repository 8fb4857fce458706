import { storeCode, tillCode, warehouseCode } from './codes.ts';
import { createRandom } from './random.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Of the products, by popularity: what every store has on its shelves and sells. */
export const STORE_PRODUCTS = 40;

export interface StoreRecord {
  readonly code: string;
  readonly name: string;
  readonly street: string;
  readonly city: string;
  readonly warehouse: { readonly code: string; readonly name: string };
  readonly tills: readonly { readonly code: string; readonly name: string }[];
}

export function* generateStores(
  spec: { readonly stores: number; readonly tillsPerStore: number },
  seed: number,
  words: Vocabulary,
): Generator<StoreRecord, void, void> {
  const random = createRandom(seed, 'stores');
  for (let store = 0; store < spec.stores; store += 1) {
    const city = random.pick(words.cities);
    yield {
      code: storeCode(seed, store),
      name: `${city} ${store + 1}`,
      street: `${random.between(1, 240)} ${random.pick(words.streets)}`,
      city,
      warehouse: { code: warehouseCode(seed, store), name: `Warehouse ${city} ${store + 1}` },
      tills: Array.from({ length: spec.tillsPerStore }, (_, till) => ({
        code: tillCode(seed, store, till),
        name: `${city} ${store + 1}, till ${till + 1}`,
      })),
    };
  }
}
