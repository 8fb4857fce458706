import { readFile } from 'node:fs/promises';
import { HarnessError } from '../errors.ts';
import type { LabConnection } from '../model/connections.ts';

/** @throws HarnessError ERR_USAGE when the file is not what `lab up --detach --json` prints. */
export async function readLabFile(path: string): Promise<LabConnection> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LabConnection;
  } catch (cause) {
    throw new HarnessError(
      'ERR_USAGE',
      `cannot read the lab's description ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: 'write it with: peakproof lab up --detach --json > lab.json',
      },
    );
  }
}
