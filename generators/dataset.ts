import type { DatasetSpec } from '../src/model/plan.ts';
import { type BasketRecord, generateBaskets } from './baskets.ts';
import {
  type CategoryRecord,
  generateCategories,
  generateProducts,
  generatePromotions,
  type ProductRecord,
  type PromotionRecord,
} from './catalogue.ts';
import { type CustomerRecord, generateCustomers } from './customers.ts';
import { generateJournalEntries, type JournalEntryRecord } from './journal-entries.ts';
import { generatePosTickets, type PosTicketRecord } from './pos-tickets.ts';
import { generateStores, type StoreRecord } from './stores.ts';
import { drawVocabulary } from './vocabulary.ts';

/** A record and the file (without ending) it belongs to. */
export type DatasetRow =
  | { readonly file: 'categories'; readonly record: CategoryRecord }
  | { readonly file: 'products'; readonly record: ProductRecord }
  | { readonly file: 'promotions'; readonly record: PromotionRecord }
  | { readonly file: 'stores'; readonly record: StoreRecord }
  | { readonly file: 'customers'; readonly record: CustomerRecord }
  | { readonly file: 'baskets'; readonly record: BasketRecord }
  | { readonly file: 'pos-tickets'; readonly record: PosTicketRecord }
  | { readonly file: 'journal-entries'; readonly record: JournalEntryRecord };

export interface Volumes {
  /** Default: one a customer. */
  readonly baskets?: number;
  /** Default 20. */
  readonly ticketsPerTill?: number;
  /** Default: 10 a store. */
  readonly journalEntries?: number;
}

/**
 * The whole data set of a plan, record by record and file by file: the same spec and seed give the same records. Only the
 * prices of the catalogue are kept in memory.
 */
export function* generateDataset(spec: DatasetSpec, seed: number, volumes: Volumes = {}): Generator<DatasetRow, void, void> {
  const words = drawVocabulary(seed);
  yield* rows('categories', generateCategories(spec.categories, seed, words));
  const prices = new Float64Array(spec.products);
  let rank = 0;
  for (const record of generateProducts(spec, seed, words)) {
    prices[rank] = record.listPrice;
    rank += 1;
    yield { file: 'products', record };
  }
  yield* rows('promotions', generatePromotions(generateProducts(spec, seed, words), spec.hotProducts, seed));
  yield* rows('stores', generateStores(spec, seed, words));
  yield* rows('customers', generateCustomers(spec.customers, seed, words));
  yield* rows('baskets', generateBaskets(volumes.baskets ?? spec.customers, spec, seed));
  const tickets = { ...spec, ticketsPerTill: volumes.ticketsPerTill ?? 20 };
  yield* rows(
    'pos-tickets',
    generatePosTickets(tickets, seed, (product) => prices[product] ?? 0),
  );
  yield* rows('journal-entries', generateJournalEntries(volumes.journalEntries ?? spec.stores * 10, seed, words));
}

function* rows<File extends DatasetRow['file'], Item>(
  file: File,
  records: Iterable<Item>,
): Generator<{ readonly file: File; readonly record: Item }, void, void> {
  for (const record of records) yield { file, record };
}
