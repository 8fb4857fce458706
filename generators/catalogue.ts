import { barcodeOf } from './barcode.ts';
import { categoryCode, productCode, promotionCode } from './codes.ts';
import { createRandom, type Random } from './random.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface CategoryRecord {
  readonly code: string;
  readonly name: string;
}

export interface ProductRecord {
  readonly code: string;
  readonly name: string;
  readonly category: string;
  readonly barcode: string;
  /** What is sold once per colour and size has one model and a variant each. */
  readonly model: string;
  readonly variant: { readonly color: string; readonly size: string };
  readonly listPrice: number;
  readonly cost: number;
}

export interface PromotionRecord {
  readonly code: string;
  readonly product: string;
  readonly price: number;
  /** Discount in percent of the list price. */
  readonly percent: number;
}

const SIZES = ['XS', 'S', 'M', 'L', 'XL'] as const;
const PRICE_ENDINGS = [0.99, 0.95, 0.5, 0] as const;
/** Price bands of a retailer, in whole currency units, cheap ones more often. */
const PRICE_BANDS = [
  [2, 10],
  [2, 10],
  [10, 30],
  [10, 30],
  [30, 80],
  [80, 250],
] as const;
const DISCOUNT_PERCENT = [10, 15, 20, 25, 30, 40, 50] as const;

export function* generateCategories(count: number, seed: number, words: Vocabulary): Generator<CategoryRecord, void, void> {
  const random = createRandom(seed, 'categories');
  for (let index = 0; index < count; index += 1) {
    yield { code: categoryCode(seed, index), name: `${random.pick(words.adjectives)} ${random.pick(words.departments)}` };
  }
}

/**
 * Products in order of popularity. The n-th is the same whatever their number, so that a larger data set of a seed contains the
 * smaller one. Models have 1 to 6 variants.
 */
export function* generateProducts(
  spec: { readonly products: number; readonly categories: number },
  seed: number,
  words: Vocabulary,
): Generator<ProductRecord, void, void> {
  const random = createRandom(seed, 'products');
  let left = 0;
  let model = drawModel(random, 0, words);
  for (let index = 0; index < spec.products; index += 1) {
    if (left === 0) {
      left = random.between(1, 6);
      model = drawModel(random, index, words);
    }
    left -= 1;
    const color = random.pick(words.colors);
    const size = random.pick(SIZES);
    yield {
      code: productCode(seed, index),
      name: `${model.name} (${color}, ${size})`,
      category: categoryCode(seed, model.category % spec.categories),
      barcode: barcodeOf(seed, index),
      model: productCode(seed, model.first),
      variant: { color, size },
      listPrice: model.listPrice,
      cost: model.cost,
    };
  }
}

interface Model {
  readonly first: number;
  readonly name: string;
  readonly category: number;
  readonly listPrice: number;
  readonly cost: number;
}

function drawModel(random: Random, first: number, words: Vocabulary): Model {
  const [low, high] = random.pick(PRICE_BANDS);
  const cents = (random.between(low, high - 1) + random.pick(PRICE_ENDINGS)) * 100;
  return {
    first,
    name: `${random.pick(words.adjectives)} ${random.pick(words.materials)} ${random.pick(words.products)}`,
    category: random.below(10_000),
    listPrice: Math.round(cents) / 100,
    cost: Math.round((cents * random.between(40, 65)) / 100) / 100,
  };
}

/** One promotional price for each of the `hotProducts` most popular products. */
export function* generatePromotions(
  products: Iterable<ProductRecord>,
  hotProducts: number,
  seed: number,
): Generator<PromotionRecord, void, void> {
  const random = createRandom(seed, 'promotions');
  let taken = 0;
  for (const product of products) {
    if (taken >= hotProducts) return;
    taken += 1;
    const percent = random.pick(DISCOUNT_PERCENT);
    const price = Math.round(product.listPrice * (100 - percent)) / 100;
    yield { code: promotionCode(seed), product: product.code, price, percent };
  }
}
