/** Rows per second of the generators beside plain faker calls for the same fields, measured in turns in one process. */
import { faker } from '@faker-js/faker/locale/en';
import { generateProducts } from '../../generators/catalogue.ts';
import { generateCustomers } from '../../generators/customers.ts';
import { generateDataset } from '../../generators/dataset.ts';
import { generateJournalEntries } from '../../generators/journal-entries.ts';
import { generatePosTickets } from '../../generators/pos-tickets.ts';
import { drawVocabulary } from '../../generators/vocabulary.ts';

export interface GeneratorBench {
  readonly kind: string;
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly fakerRowsPerSecond: number;
  /** Ours to plain faker; above 1 is faster. */
  readonly ratio: number;
}

export interface GeneratorMemory {
  readonly rows: number;
  readonly peakHeapBytes: number;
}

const ROWS = 20_000;
const TURNS = 5;
const SEED = 42;

interface Contest {
  readonly kind: string;
  /** Started anew in each turn, with the drawing of its words in the time. */
  readonly ours: () => Iterable<object>;
  readonly plain: (index: number) => object;
}

const CONTESTS: readonly Contest[] = [
  {
    kind: 'customers',
    ours: () => generateCustomers(ROWS, SEED, drawVocabulary(SEED)),
    plain: (index) => ({
      code: `PP42-K${String(index).padStart(6, '0')}`,
      name: faker.person.fullName(),
      email: faker.internet.email(),
      phone: faker.phone.number(),
      street: faker.location.streetAddress(),
      city: faker.location.city(),
      zip: faker.location.zipCode(),
    }),
  },
  {
    kind: 'products',
    ours: () => generateProducts({ products: ROWS, categories: 50 }, SEED, drawVocabulary(SEED)),
    plain: (index) => ({
      code: `PP42-P${String(index).padStart(6, '0')}`,
      name: faker.commerce.productName(),
      category: faker.commerce.department(),
      barcode: faker.commerce.isbn(13),
      model: faker.string.numeric(6),
      variant: { color: faker.color.human(), size: faker.helpers.arrayElement(['S', 'M', 'L']) },
      listPrice: Number(faker.commerce.price()),
      cost: faker.number.float({ min: 1, max: 100, fractionDigits: 2 }),
    }),
  },
  {
    kind: 'pos-tickets',
    ours: () =>
      generatePosTickets({ products: 2_000, stores: 10, tillsPerStore: 10, ticketsPerTill: ROWS / 100 }, SEED, () => 9.99),
    plain: (index) => {
      const lines = Array.from({ length: faker.number.int({ min: 1, max: 5 }) }, () => ({
        product: faker.number.int({ max: 1_999 }),
        quantity: faker.number.int({ min: 1, max: 3 }),
        price: 9.99,
      }));
      const total = Math.round(lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0) * 100) / 100;
      return {
        uuid: faker.string.uuid(),
        till: `PP42-T${index % 100}`,
        soldAtSecond: faker.number.int({ max: 86_399 }),
        lines,
        total,
        paid: total,
      };
    },
  },
  {
    kind: 'journal-entries',
    ours: () => generateJournalEntries(ROWS, SEED, drawVocabulary(SEED)),
    plain: (number) => {
      const parts = Array.from({ length: faker.number.int({ min: 1, max: 4 }) }, () =>
        faker.number.int({ min: 100, max: 250_000 }),
      );
      const name = faker.finance.transactionType();
      const debits = parts.map((cents) => ({ account: 'expense', name, debit: cents / 100, credit: 0 }));
      const credit = parts.reduce((sum, cents) => sum + cents, 0) / 100;
      return {
        number,
        dayOfMonth: faker.number.int({ min: 1, max: 28 }),
        lines: [...debits, { account: 'payable', name, debit: 0, credit }],
      };
    },
  },
];

/** The median turn of each side; the sides take turns, so that a busy machine slows both. */
export function benchGenerators(): readonly GeneratorBench[] {
  return CONTESTS.map(({ kind, ours, plain }) => {
    const oursMs: number[] = [];
    const plainMs: number[] = [];
    for (let turn = 0; turn <= TURNS; turn += 1) {
      const own = timed(() => exhaust(ours()));
      faker.seed(SEED);
      const other = timed(() => exhaust(many(plain)));
      // The first turn warms both up.
      if (turn === 0) continue;
      oursMs.push(own);
      plainMs.push(other);
    }
    const rowsPerSecond = (ROWS / median(oursMs)) * 1000;
    const fakerRowsPerSecond = (ROWS / median(plainMs)) * 1000;
    return { kind, rows: ROWS, rowsPerSecond, fakerRowsPerSecond, ratio: rowsPerSecond / fakerRowsPerSecond };
  });
}

/** Heap while a data set of a 400-store retailer streams by: it must not grow with the rows. */
export function benchGeneratorMemory(): GeneratorMemory {
  const spec = {
    products: 50_000,
    categories: 200,
    customers: 200_000,
    stores: 400,
    tillsPerStore: 5,
    openingStock: 100,
    hotProducts: 100,
  };
  let rows = 0;
  let peakHeapBytes = 0;
  for (const _row of generateDataset(spec, SEED)) {
    rows += 1;
    if (rows % 10_000 === 0) peakHeapBytes = Math.max(peakHeapBytes, process.memoryUsage().heapUsed);
  }
  return { rows, peakHeapBytes };
}

function* many(plain: (index: number) => object): Generator<object, void, void> {
  for (let index = 0; index < ROWS; index += 1) yield plain(index);
}

function exhaust(rows: Iterable<object>): void {
  let count = 0;
  for (const _row of rows) count += 1;
  if (count !== ROWS) throw new Error(`expected ${ROWS} rows, got ${count}`);
}

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
