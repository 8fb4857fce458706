/** A catalogue, scenarios, and a runner folder for tests that run the real k6 on the stub. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveK6 } from '../../src/load/resolve-k6.ts';
import { type LoadEnd, type RunningLoad, runLoad } from '../../src/load/run-load.ts';
import { readSamples, type SampleRow } from '../../src/load/samples-csv.ts';
import type { TargetCatalogue } from '../../src/model/catalogue.ts';
import type { FlashSaleSpec, MonthEndCloseSpec, PosSyncBurstSpec, ScenarioSpec } from '../../src/model/plan.ts';

export const aCatalogue = (): TargetCatalogue => ({
  schemaVersion: 1,
  prefix: 'PP1-',
  serverVersion: '18.0',
  userId: 2,
  companyId: 1,
  products: Array.from({ length: 40 }, (_, n) => ({ id: 101 + n, code: `PP1-${n}`, listPrice: 5 + n / 4 })),
  hotProducts: 8,
  partners: [11, 12, 13],
  pricelists: { regular: 1, promotion: 2 },
  journals: { sale: 1, general: 2, bank: 3 },
  accounts: { receivable: 21, revenue: 22, expense: 23, payable: 24 },
  tills: [0, 1, 2, 3].map((n) => ({ configId: 31 + n, store: Math.floor(n / 2), till: n % 2, paymentMethodId: 41 })),
  probeTill: null,
  stockLocationId: 8,
  openingQuants: {},
});

const base = { startAtMs: 0, timeoutMs: 2_000, maxVus: 10 };

export const aFlashSale = (changes: Partial<FlashSaleSpec> = {}): FlashSaleSpec => ({
  kind: 'flash-sale',
  id: 'sale',
  loadClass: 'user',
  ...base,
  stages: [
    { ratePerSecond: 10, durationMs: 500 },
    { ratePerSecond: 10, durationMs: 1_500 },
  ],
  zipfExponent: 1.1,
  maxLines: 3,
  cancelRatio: 0.2,
  retryRatio: 0,
  patienceMs: 500,
  ...changes,
});

export const aPosBurst = (changes: Partial<PosSyncBurstSpec> = {}): PosSyncBurstSpec => ({
  kind: 'pos-sync-burst',
  id: 'tills',
  loadClass: 'integration',
  ...base,
  stores: 2,
  tillsPerStore: 2,
  ticketsPerTill: 7,
  batchSize: 3,
  catchUpMs: 2_000,
  ...changes,
});

export const aMonthEnd = (changes: Partial<MonthEndCloseSpec> = {}): MonthEndCloseSpec => ({
  kind: 'month-end-close',
  id: 'month-end',
  loadClass: 'background',
  ...base,
  durationMs: 2_000,
  batchesPerMinute: 180,
  entriesPerBatch: 5,
  reportsPerMinute: 120,
  reversalRatio: 0.3,
  lockDate: true,
  invoiceRunsPerMinute: 0,
  ordersPerInvoiceRun: 5,
  shopRatePerSecond: 2,
  ...changes,
});

export interface LoadRun {
  readonly dir: string;
  readonly load: RunningLoad;
}

/** Starts the real k6; the folder is the caller's to remove. */
export async function startLoad(url: string, scenarios: readonly ScenarioSpec[], password = 'right'): Promise<LoadRun> {
  const dir = await mkdtemp(join(tmpdir(), 'peakproof-load-'));
  const catalogueFile = join(dir, 'catalogue.json');
  await writeFile(catalogueFile, JSON.stringify(aCatalogue()));
  const load = await runLoad({
    k6: await resolveK6({ env: process.env }),
    runner: 'test',
    runnerDir: join(dir, 'load'),
    input: {
      schemaVersion: 1,
      runId: `run-${process.pid}`,
      seed: 7,
      odoo: { url, database: 'erp', login: 'admin' },
      catalogueFile,
      scenarios,
    },
    password,
    env: process.env,
    stopGraceMs: 5_000,
  });
  return { dir, load };
}

export interface FinishedLoad {
  readonly end: LoadEnd;
  readonly calls: readonly SampleRow[];
  readonly journeys: readonly SampleRow[];
  readonly dir: string;
}

export async function runToEnd(url: string, scenarios: readonly ScenarioSpec[]): Promise<FinishedLoad> {
  const { dir, load } = await startLoad(url, scenarios);
  const end = await load.ended;
  const file = join(dir, 'load', 'samples.csv');
  return {
    end,
    dir,
    calls: await collect(readSamples(file, 'odoo_call')),
    journeys: await collect(readSamples(file, 'journey_duration')),
  };
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export const removeFolder = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true });
