import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import { LabError } from '../lab-error.ts';

/** Writes one member of a zip archive to a file. */
export async function unzipMember(archive: string, member: string, target: string): Promise<void> {
  const zip = await openPromise(archive);
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName !== member) continue;
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target));
      return;
    }
    throw new LabError(`${archive} has no member ${member}`);
  } finally {
    zip.close();
  }
}
