import { barcodeOf } from './barcode.ts';
import { categoryCode, modelCode, productCode, promotionCode } from './codes.ts';
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
  /** Code of the model, which has a product for each of its colours in each of its sizes. */
  readonly model: string;
  readonly variant: { readonly color: string; readonly size: string };
  readonly listPrice: number;
  readonly cost: number;
}

/** What Odoo calls a product template, with the variants it makes. */
export interface ModelRecord {
  readonly code: string;
  readonly name: string;
  readonly category: string;
  readonly listPrice: number;
  readonly cost: number;
  readonly colors: readonly string[];
  readonly sizes: readonly string[];
  /** Every colour in every size. */
  readonly variants: readonly {
    readonly code: string;
    readonly barcode: string;
    readonly color: string;
    readonly size: string;
  }[];
}

export interface PromotionRecord {
  readonly code: string;
  readonly product: string;
  readonly price: number;
  /** Discount in percent of the list price. */
  readonly percent: number;
}

export const SIZES = ['XS', 'S', 'M', 'L', 'XL'] as const;
/** Colours and sizes of a model. */
const GRIDS = [
  [1, 1],
  [1, 1],
  [1, 3],
  [1, 5],
  [2, 1],
  [2, 2],
  [2, 3],
  [3, 2],
] as const;
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
 * Models in order of popularity, until their variants are at least `products`. The n-th is the same whatever their number, so that
 * a larger data set of a seed contains the smaller one.
 */
export function* generateModels(
  spec: { readonly products: number; readonly categories: number },
  seed: number,
  words: Vocabulary,
): Generator<ModelRecord, void, void> {
  const random = createRandom(seed, 'products');
  for (let first = 0; first < spec.products; ) {
    const model = drawModel(random, words);
    const codes = model.colors.flatMap((color) => model.sizes.map((size) => ({ color, size })));
    const variants = codes.map((variant, index) => ({
      code: productCode(seed, first + index),
      barcode: barcodeOf(seed, first + index),
      ...variant,
    }));
    const category = categoryCode(seed, model.category % spec.categories);
    yield { ...model, code: modelCode(seed, first), category, variants };
    first += variants.length;
  }
}

/** The variants of all models, `products` of them. */
export function* generateProducts(
  spec: { readonly products: number; readonly categories: number },
  seed: number,
  words: Vocabulary,
): Generator<ProductRecord, void, void> {
  let left = spec.products;
  for (const { code: model, name, category, listPrice, cost, variants } of generateModels(spec, seed, words)) {
    for (const { code, barcode, color, size } of variants) {
      if (left === 0) return;
      left -= 1;
      const full = variants.length === 1 ? name : `${name} (${color}, ${size})`;
      yield { code, name: full, category, barcode, model, variant: { color, size }, listPrice, cost };
    }
  }
}

function drawModel(
  random: Random,
  words: Vocabulary,
): Omit<ModelRecord, 'code' | 'category' | 'variants'> & { category: number } {
  const [low, high] = random.pick(PRICE_BANDS);
  const cents = (random.between(low, high - 1) + random.pick(PRICE_ENDINGS)) * 100;
  const [colors, sizes] = random.pick(GRIDS);
  const smallest = random.below(SIZES.length - sizes + 1);
  return {
    name: `${random.pick(words.adjectives)} ${random.pick(words.materials)} ${random.pick(words.products)}`,
    category: random.below(10_000),
    listPrice: Math.round(cents) / 100,
    cost: Math.round((cents * random.between(40, 65)) / 100) / 100,
    colors: pickDistinct(random, words.colors, colors),
    sizes: SIZES.slice(smallest, smallest + sizes),
  };
}

/** Neighbours in the list, from a place drawn. */
function pickDistinct(random: Random, items: readonly string[], count: number): readonly string[] {
  const start = random.below(items.length);
  return Array.from({ length: Math.min(count, items.length) }, (_, n) => items[(start + n) % items.length] ?? '');
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
