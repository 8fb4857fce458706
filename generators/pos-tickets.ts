import { drawBasket } from './baskets.ts';
import { tillCode } from './codes.ts';
import { createPopularity } from './popularity.ts';
import { createRandom, type Random } from './random.ts';
import { STORE_PRODUCTS } from './stores.ts';

export interface PosTicketRecord {
  /** Version 4 UUID made from the seed. */
  readonly uuid: string;
  readonly till: string;
  /** Seconds since midnight, within opening hours. */
  readonly soldAtSecond: number;
  readonly lines: readonly { readonly product: number; readonly quantity: number; readonly price: number }[];
  readonly total: number;
  readonly paid: number;
  readonly paymentMethod: 'card' | 'cash';
}

export interface TicketSpec {
  readonly products: number;
  readonly stores: number;
  readonly tillsPerStore: number;
  readonly ticketsPerTill: number;
}

const OPENS_AT_SECOND = 9 * 3600;
const CLOSES_AT_SECOND = 20 * 3600;
const CARD_RATIO = 0.75;

/** Tickets till by till, in the order sold. `priceOf` gives the list price of a product by its rank. */
export function* generatePosTickets(
  spec: TicketSpec,
  seed: number,
  priceOf: (product: number) => number,
): Generator<PosTicketRecord, void, void> {
  const random = createRandom(seed, 'pos-tickets');
  const draw = createPopularity(Math.min(spec.products, STORE_PRODUCTS));
  for (let store = 0; store < spec.stores; store += 1) {
    for (let till = 0; till < spec.tillsPerStore; till += 1) {
      for (let ticket = 0; ticket < spec.ticketsPerTill; ticket += 1) {
        const open = CLOSES_AT_SECOND - OPENS_AT_SECOND;
        const soldAtSecond = OPENS_AT_SECOND + Math.floor(((ticket + random.next()) * open) / spec.ticketsPerTill);
        yield { uuid: drawUuid(random), till: tillCode(seed, store, till), soldAtSecond, ...drawSale(random, draw, priceOf) };
      }
    }
  }
}

function drawSale(
  random: Random,
  draw: (random: Random) => number,
  priceOf: (product: number) => number,
): Pick<PosTicketRecord, 'lines' | 'total' | 'paid' | 'paymentMethod'> {
  const lines = drawBasket(random, draw).map((line) => ({ ...line, price: priceOf(line.product) }));
  // In cents: a sum of floats would be off by a fraction of one.
  const cents = lines.reduce((sum, line) => sum + Math.round(line.price * 100) * line.quantity, 0);
  return { lines, total: cents / 100, paid: cents / 100, paymentMethod: random.next() < CARD_RATIO ? 'card' : 'cash' };
}

function drawUuid(random: Random): string {
  const part = (): string => random.below(0x10000).toString(16).padStart(4, '0');
  const variant = (0x8000 | random.below(0x4000)).toString(16);
  const version = (0x4000 | random.below(0x1000)).toString(16);
  return `${part()}${part()}-${part()}-${version}-${variant}-${part()}${part()}${part()}`;
}
