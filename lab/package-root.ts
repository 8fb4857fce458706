import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `.ts` in a checkout, `.js` in the built package: the lab starts its own programs by file name. */
export const PROGRAM_EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** Folder that holds the package's `package.json`, found by walking up. */
export function labPackageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
      if (name === 'peakproof') return folder;
    }
    if (dirname(folder) === folder) throw new Error(`no package.json named "peakproof" above ${start}`);
  }
}

/** Absolute path of a program of the lab, e.g. `labProgram('erp/worker')`, beside this file in either form. */
export function labProgram(name: string): string {
  return fileURLToPath(new URL(`./${name}${PROGRAM_EXTENSION}`, import.meta.url));
}
