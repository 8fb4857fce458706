/** Where images are kept, and where they are put together. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from '../../processes/lab-folder.ts';
import { startToken } from '../../processes/process-identity.ts';

export function imagesFolder(): string {
  return join(cacheRoot(), 'lab-images');
}

/** Folders in which a process works, followed by its pid. */
export const ROOT_PREFIX = '.at-work-';

/** Takes away what builders that were killed left. */
export async function removeStaleRoots(): Promise<void> {
  if (!existsSync(imagesFolder())) return;
  for (const name of await readdir(imagesFolder())) {
    const pid = new RegExp(`^\\${ROOT_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || startToken(Number(pid)) !== null) continue;
    await rm(join(imagesFolder(), name), { recursive: true, force: true });
  }
}
