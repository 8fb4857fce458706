import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DatasetSpec } from '../../../src/model/plan.ts';
import { writeDataset } from '../../../src/seed/write-dataset.ts';

const dataset: DatasetSpec = {
  products: 30,
  categories: 2,
  customers: 10,
  stores: 1,
  tillsPerStore: 2,
  openingStock: 10,
  hotProducts: 3,
};
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataset-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function contents(): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')])));
}

describe('writeDataset', () => {
  it('writes one NDJSON file a kind of record, the same bytes each time', async () => {
    const files = await writeDataset(dataset, 42, folder);
    expect(files.map(({ path, records }) => `${path.slice(folder.length + 1)} ${records}`)).toEqual([
      'categories.ndjson 2',
      'products.ndjson 30',
      'promotions.ndjson 3',
      'stores.ndjson 1',
      'customers.ndjson 10',
      'baskets.ndjson 10',
      'pos-tickets.ndjson 40',
      'journal-entries.ndjson 10',
    ]);
    const first = await contents();
    await writeDataset(dataset, 42, folder);
    expect(await contents()).toEqual(first);
    expect(
      first['products.ndjson']
        ?.trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).code)[29],
    ).toBe('PP42-P000030');
  });

  it('leaves complete files and no half ones when it is interrupted', async () => {
    await writeFile(join(folder, 'categories.ndjson'), 'earlier\n');
    const signal = AbortSignal.abort(new Error('SIGINT'));
    await expect(writeDataset(dataset, 42, folder, { signal })).rejects.toThrow('SIGINT');
    expect(await contents()).toEqual({ 'categories.ndjson': 'earlier\n' });
  });

  it('names a folder that cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(writeDataset(dataset, 42, join(folder, 'file', 'x'))).rejects.toMatchObject({ code: 'ERR_DISK' });
  });
});
