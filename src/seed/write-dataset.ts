import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DatasetRow, generateDataset, type Volumes } from '../../generators/dataset.ts';
import { type NdjsonWriter, openNdjsonWriter } from '../clients/ndjson.ts';
import { HarnessError } from '../errors.ts';
import type { DatasetSpec } from '../model/plan.ts';

export interface DatasetFile {
  readonly path: string;
  readonly records: number;
}

const PROGRESS_EVERY_RECORDS = 100_000;

/**
 * Writes a data set as NDJSON files without headers, one a kind of record. A file gets its name when it is complete, so that an
 * interrupted call leaves the files of an earlier one as they were. Throws ERR_DISK.
 */
export async function writeDataset(
  dataset: DatasetSpec,
  seed: number,
  folder: string,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (text: string) => void; readonly volumes?: Volumes } = {},
): Promise<readonly DatasetFile[]> {
  await makeFolder(folder);
  const written: DatasetFile[] = [];
  let current: OpenFile | null = null;
  try {
    for (const { file, record } of generateDataset(dataset, seed, options.volumes)) {
      if (current?.name !== file) {
        if (current !== null) written.push(await complete(current));
        options.signal?.throwIfAborted();
        current = await openFile(folder, file);
      }
      current.records += 1;
      await current.writer.write(record);
      if (current.records % PROGRESS_EVERY_RECORDS === 0) {
        options.signal?.throwIfAborted();
        options.onProgress?.(`${file}: ${current.records} records`);
      }
    }
    if (current !== null) written.push(await complete(current));
    return written;
  } catch (error) {
    await discard(current);
    throw error;
  }
}

interface OpenFile {
  readonly name: DatasetRow['file'];
  readonly path: string;
  readonly partialPath: string;
  readonly writer: NdjsonWriter<DatasetRow['record']>;
  records: number;
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new HarnessError('ERR_DISK', `cannot make the folder ${folder}`, { hint: 'choose another --out', cause: error });
  }
}

async function openFile(folder: string, name: DatasetRow['file']): Promise<OpenFile> {
  const path = join(folder, `${name}.ndjson`);
  const partialPath = `${path}.partial`;
  await rm(partialPath, { force: true });
  return { name, path, partialPath, writer: await openNdjsonWriter<DatasetRow['record']>(partialPath, null), records: 0 };
}

async function complete({ writer, partialPath, path, records }: OpenFile): Promise<DatasetFile> {
  await writer.close();
  await rename(partialPath, path);
  return { path, records };
}

async function discard(file: OpenFile | null): Promise<void> {
  if (file === null) return;
  // The failure that brought us here is what the caller must see, not a second one while cleaning up.
  await Promise.allSettled([file.writer.close()]);
  await rm(file.partialPath, { force: true });
}
