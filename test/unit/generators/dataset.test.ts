import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barcodeOf, ean13CheckDigit } from '../../../generators/barcode.ts';
import { generateModels } from '../../../generators/catalogue.ts';
import { type DatasetRow, generateDataset } from '../../../generators/dataset.ts';
import { generateJournalEntries } from '../../../generators/journal-entries.ts';
import { createPopularity } from '../../../generators/popularity.ts';
import { createRandom } from '../../../generators/random.ts';
import { drawVocabulary } from '../../../generators/vocabulary.ts';
import type { DatasetSpec } from '../../../src/model/plan.ts';

const spec: DatasetSpec = {
  products: 60,
  categories: 4,
  customers: 30,
  stores: 2,
  tillsPerStore: 2,
  openingStock: 500,
  hotProducts: 5,
};
const digest = (rows: Iterable<DatasetRow>): string => {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(`${JSON.stringify(row)}\n`);
  return hash.digest('hex');
};
const of = <File extends DatasetRow['file']>(file: File, seed = 42, of = spec) =>
  [...generateDataset(of, seed)].flatMap((row) =>
    row.file === file ? [row.record as Extract<DatasetRow, { file: File }>['record']] : [],
  );

const smallSpecs: fc.Arbitrary<DatasetSpec> = fc.record({
  products: fc.integer({ min: 1, max: 40 }),
  categories: fc.integer({ min: 1, max: 5 }),
  customers: fc.integer({ min: 1, max: 10 }),
  stores: fc.integer({ min: 1, max: 3 }),
  tillsPerStore: fc.integer({ min: 1, max: 2 }),
  openingStock: fc.constant(100),
  hotProducts: fc.integer({ min: 1, max: 5 }),
});
const seeds = fc.integer({ min: 0, max: 2 ** 40 });

describe('generateDataset', () => {
  it('starts with the same records for seed 42 as in every release before', () => {
    const first = new Map<string, unknown>();
    for (const { file, record } of generateDataset(spec, 42)) if (!first.has(file)) first.set(file, record);
    expect(Object.fromEntries(first)).toMatchSnapshot();
    expect(digest(generateDataset(spec, 42))).toMatchSnapshot();
  });

  it('gives the same bytes for the same seed, and others for another', () => {
    fc.assert(
      fc.property(smallSpecs, seeds, (small, seed) => {
        expect(digest(generateDataset(small, seed))).toBe(digest(generateDataset(small, seed)));
        expect(digest(generateDataset(small, seed))).not.toBe(digest(generateDataset(small, seed + 1)));
      }),
      { numRuns: 10 },
    );
  });

  it('contains the smaller data set of a seed in the larger one', () => {
    const large = { ...spec, products: 90, customers: 50 };
    expect(of('products', 7, large).slice(0, 60)).toEqual(of('products', 7));
    expect(of('customers', 7, large).slice(0, 30)).toEqual(of('customers', 7));
  });

  it('has as many of everything as the plan says', () => {
    expect(of('categories')).toHaveLength(4);
    expect(of('products')).toHaveLength(60);
    expect(of('promotions')).toHaveLength(5);
    expect(of('stores').flatMap((store) => store.tills)).toHaveLength(4);
    expect(of('customers')).toHaveLength(30);
    expect(of('pos-tickets')).toHaveLength(80);
    expect(of('journal-entries')).toHaveLength(20);
  });

  it('streams: the first record comes before the rest is made', () => {
    const rows = generateDataset({ ...spec, products: 1e9, customers: 1e9, categories: 10 }, 1);
    expect(rows.next().value).toMatchObject({ file: 'categories' });
  });

  it('refers only to what exists, with codes and barcodes that occur once', () => {
    const categories = new Set(of('categories').map(({ code }) => code));
    const products = of('products');
    expect(products.every((product) => categories.has(product.category))).toBe(true);
    expect(new Set(products.map(({ code }) => code)).size).toBe(60);
    expect(new Set(products.map(({ barcode }) => barcode)).size).toBe(60);
    expect(products.every((product) => product.cost < product.listPrice && product.cost > 0)).toBe(true);
    expect(of('promotions').map(({ product }) => product)).toEqual(products.slice(0, 5).map(({ code }) => code));
    for (const { lines } of of('baskets')) expect(lines.every(({ product }) => product >= 0 && product < 60)).toBe(true);
  });
});

describe('generateModels', () => {
  const words = drawVocabulary(42);
  const models = [...generateModels({ products: 300, categories: 4 }, 42, words)];

  it('has every colour of a model in every size once, so that a template with both attributes makes just these', () => {
    for (const { colors, sizes, variants } of models) {
      expect(variants).toHaveLength(colors.length * sizes.length);
      expect(new Set(variants.map(({ color, size }) => `${color}/${size}`)).size).toBe(variants.length);
    }
    expect(new Set(models.map(({ variants }) => variants.length))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  });

  it('makes the products in order, and a whole model where the number of products cuts one', () => {
    const variants = models.flatMap((model) => model.variants.map(({ code }) => [code, model.code]));
    const products = of('products', 42, { ...spec, products: 300 }).map(({ code, model }) => [code, model]);
    expect(variants.slice(0, 300)).toEqual(products);
    expect(variants.length - 300).toBeLessThan(6);
  });
});

describe('generateStores', () => {
  it('gives warehouses short names that Odoo takes, unique in a data set and seldom shared by two', () => {
    const codes = of('stores', 42, { ...spec, stores: 400 }).map(({ warehouse }) => warehouse.code);
    expect(codes.every((code) => /^W[0-9A-Z]{4}$/.test(code))).toBe(true);
    expect(new Set(codes).size).toBe(400);
    expect(codes).not.toContain(of('stores', 43)[0]?.warehouse.code);
  });
});

describe('baskets and tickets', () => {
  it('are mostly small, with the popular products far ahead', () => {
    const baskets = of('baskets', 1, { ...spec, customers: 4000, products: 500 });
    const sizes = baskets.map(({ lines }) => lines.length);
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    expect(mean).toBeGreaterThan(2);
    expect(mean).toBeLessThan(4);
    const lines = baskets.flatMap((basket) => basket.lines);
    const top = lines.filter(({ product }) => product < 10).length / lines.length;
    expect(top).toBeGreaterThan(0.3);
    for (const basket of baskets) expect(new Set(basket.lines.map(({ product }) => product)).size).toBe(basket.lines.length);
  });

  it('are paid to the cent, within opening hours, with uuids that occur once', () => {
    const tickets = of('pos-tickets', 3);
    for (const ticket of tickets) {
      const cents = ticket.lines.reduce((sum, line) => sum + Math.round(line.price * 100) * line.quantity, 0);
      expect(Math.round(ticket.total * 100)).toBe(cents);
      expect(ticket.paid).toBe(ticket.total);
      expect(ticket.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(ticket.soldAtSecond).toBeGreaterThanOrEqual(9 * 3600);
      expect(ticket.soldAtSecond).toBeLessThan(20 * 3600);
    }
    expect(new Set(tickets.map(({ uuid }) => uuid)).size).toBe(tickets.length);
  });
});

describe('generateJournalEntries', () => {
  it('balances to the cent, whatever the seed', () => {
    const words = drawVocabulary(1);
    fc.assert(
      fc.property(seeds, (seed) => {
        for (const { lines, dayOfMonth } of generateJournalEntries(50, seed, words)) {
          const cents = lines.reduce((sum, { debit, credit }) => sum + Math.round(debit * 100) - Math.round(credit * 100), 0);
          expect(cents).toBe(0);
          expect(lines.every(({ debit, credit }) => debit >= 0 && credit >= 0 && debit + credit > 0)).toBe(true);
          expect(dayOfMonth).toBeGreaterThanOrEqual(1);
          expect(dayOfMonth).toBeLessThanOrEqual(28);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('barcodeOf', () => {
  it('has the check digit of GS1: weighted sum divisible by ten', () => {
    expect(ean13CheckDigit('400638133393')).toBe(1);
    fc.assert(
      fc.property(seeds, fc.nat(999_999), (seed, index) => {
        const barcode = barcodeOf(seed, index);
        expect(barcode).toMatch(/^2\d{12}$/);
        const sum = [...barcode].reduce((total, digit, place) => total + Number(digit) * (place % 2 === 0 ? 1 : 3), 0);
        expect(sum % 10).toBe(0);
      }),
    );
  });
});

describe('createPopularity', () => {
  it("follows Zipf's law", () => {
    const draw = createPopularity(100);
    const random = createRandom(5, 'test');
    const counts = new Array<number>(100).fill(0);
    for (let n = 0; n < 50_000; n += 1) {
      const rank = draw(random);
      counts[rank] = (counts[rank] ?? 0) + 1;
    }
    // 1 / H(100) = 0.193 of all draws; rank 9 a tenth of it.
    expect((counts[0] ?? 0) / 50_000).toBeCloseTo(0.193, 1);
    expect((counts[0] ?? 0) / (counts[9] ?? 1)).toBeGreaterThan(7);
    expect((counts[0] ?? 0) / (counts[9] ?? 1)).toBeLessThan(13);
  });
});
