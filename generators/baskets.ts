import { createPopularity } from './popularity.ts';
import { createRandom, type Random } from './random.ts';

export interface BasketLine {
  /** Rank of the product in the catalogue, 0 the most popular. */
  readonly product: number;
  readonly quantity: number;
}

export interface BasketRecord {
  readonly number: number;
  readonly lines: readonly BasketLine[];
}

/**
 * Lines of a basket: geometric with mean 1 / CONTINUE_RATIO's complement (about 3), at most MAX_LINES. Baskets of a shop are
 * mostly small with a long tail; single pieces dominate.
 */
const CONTINUE_RATIO = 0.65;
const MAX_LINES = 30;
const SINGLE_PIECE_RATIO = 0.8;

export function* generateBaskets(
  count: number,
  spec: { readonly products: number },
  seed: number,
): Generator<BasketRecord, void, void> {
  const random = createRandom(seed, 'baskets');
  const draw = createPopularity(spec.products);
  for (let number = 1; number <= count; number += 1) yield { number, lines: drawBasket(random, draw) };
}

/** A basket has each product once. */
export function drawBasket(random: Random, drawProduct: (random: Random) => number): readonly BasketLine[] {
  const lines: BasketLine[] = [];
  do {
    const product = drawProduct(random);
    const quantity = random.next() < SINGLE_PIECE_RATIO ? 1 : random.between(2, 6);
    if (!lines.some((line) => line.product === product)) lines.push({ product, quantity });
  } while (lines.length < MAX_LINES && random.next() < CONTINUE_RATIO);
  return lines;
}
