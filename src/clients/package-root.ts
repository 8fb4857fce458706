import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let found: string | null = null;

/**
 * Absolute path of the folder that holds this package's `package.json`, whether this runs as `src/...ts` from a checkout or
 * as `dist/src/...js` from an installed package. Assets are resolved against it, never against the current directory.
 */
export function packageRoot(): string {
  found ??= findPackageRoot(dirname(fileURLToPath(import.meta.url)));
  return found;
}

/** Walks up from `start` to the nearest `package.json` named `peakproof`. */
export function findPackageRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
      if (name === 'peakproof') return folder;
    }
    if (dirname(folder) === folder) throw new Error(`no package.json named "peakproof" above ${start}`);
  }
}
