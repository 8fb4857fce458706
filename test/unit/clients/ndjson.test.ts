import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openNdjsonWriter, readNdjson, readNdjsonHeader } from '../../../src/clients/ndjson.ts';
import type { FileHeader } from '../../../src/model/run-records.ts';

const header: FileHeader = { schemaVersion: 1, file: 'journal', runId: 'r1' };
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ndjson-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function readAll(path: string, file?: FileHeader['file']): Promise<unknown[]> {
  const records: unknown[] = [];
  for await (const record of readNdjson(path, file === undefined ? {} : { file })) records.push(record);
  return records;
}

describe('openNdjsonWriter', () => {
  it('writes one header and the records in order, without waiting in between', async () => {
    const path = join(folder, 'journal.ndjson');
    const writer = await openNdjsonWriter<{ n: number }>(path, header);
    for (let n = 0; n < 5000; n += 1) void writer.write({ n });
    await writer.close();
    const records = await readAll(path, 'journal');
    expect(records).toHaveLength(5000);
    expect(records[4999]).toEqual({ n: 4999 });
    expect(await readNdjsonHeader(path)).toEqual(header);
  });

  it('appends to an existing file without a second header', async () => {
    const path = join(folder, 'journal.ndjson');
    for (const n of [1, 2]) {
      const writer = await openNdjsonWriter(path, header);
      await writer.write({ n });
      await writer.close();
    }
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(4);
  });

  it('cuts off the half-written line of a killed writer before it appends', async () => {
    const path = join(folder, 'journal.ndjson');
    const first = await openNdjsonWriter(path, header);
    await first.write({ n: 1 });
    await first.close();
    await appendFile(path, '{"n":2,"tex');
    const second = await openNdjsonWriter(path, header);
    await second.write({ n: 3 });
    await second.flush({ durable: true });
    await second.close();
    expect(await readAll(path, 'journal')).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it('says which file has no space left', async () => {
    const open = openNdjsonWriter('/dev/full', null);
    const writer = await open;
    void writer.write({ n: 1 });
    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_DISK', message: 'cannot write /dev/full: no space left' });
    expect(() => writer.write({ n: 2 })).toThrow('no space left');
    await expect(writer.close()).rejects.toMatchObject({ code: 'ERR_DISK' });
  });

  it('says that a folder is missing', async () => {
    await expect(openNdjsonWriter(join(folder, 'no', 'file'), null)).rejects.toMatchObject({ code: 'ERR_DISK' });
  });

  it('stops a caller that ignores a stuck disk', async () => {
    const writer = await openNdjsonWriter(join(folder, 'big'), null);
    const megabytes = 'x'.repeat(8 * 1024 * 1024);
    expect(() => {
      for (let n = 0; n < 9; n += 1) void writer.write({ megabytes });
    }).toThrow('does not keep up');
    await expect(writer.close()).rejects.toMatchObject({ code: 'ERR_DISK' });
  });
});

describe('readNdjson', () => {
  it('leaves out a cut last line and tells its number', async () => {
    const path = join(folder, 'f');
    await writeFile(path, '{"a":1}\n{"a":2}\n{"a":');
    const cut: number[] = [];
    const records: unknown[] = [];
    for await (const record of readNdjson(path, { onCutLine: (line) => cut.push(line) })) records.push(record);
    expect(records).toEqual([{ a: 1 }, { a: 2 }]);
    expect(cut).toEqual([3]);
  });

  it.each([
    ['{"a":1}\ngarbage\n{"a":2}\n', ':2 is no JSON object'],
    ['{"a":1}\n{"a":\n', ':2 is no JSON object'],
    ['{"a":1}\n[1]\n', ':2 is no JSON object'],
  ])('names file and line of garbage amid the file: %j', async (text, message) => {
    const path = join(folder, 'f');
    await writeFile(path, text);
    await expect(readAll(path)).rejects.toMatchObject({ code: 'ERR_RUN_FOLDER', message: `${path}${message}` });
  });

  it.each([
    '',
    '{"schemaV',
    '{"schemaVersion":1,"file":"probes","runId":"r"}\n',
    '{"schemaVersion":2,"file":"journal","runId":"r"}\n',
  ])('refuses a file without the right header: %j', async (text) => {
    const path = join(folder, 'f');
    await writeFile(path, text);
    await expect(readAll(path, 'journal')).rejects.toMatchObject({ code: 'ERR_RUN_FOLDER' });
  });

  it('says that a file does not exist', async () => {
    await expect(readAll(join(folder, 'none'))).rejects.toMatchObject({ code: 'ERR_RUN_FOLDER' });
  });
});
