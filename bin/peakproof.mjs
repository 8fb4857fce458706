#!/usr/bin/env node
// Kept to syntax that old versions of Node parse, so that they can say what is wrong.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
const checkout = existsSync(new URL('../src/cli/main.ts', import.meta.url));

/** Built JavaScript runs from 22.12; a checkout runs its TypeScript as it is, which Node does without a flag from 22.18. */
const neededMinor = checkout ? 18 : 12;
if (major < 22 || (major === 22 && minor < neededMinor)) {
  console.error(
    `peakproof needs Node.js 22.${neededMinor} or newer, and this is ${process.versions.node}. ` +
      (checkout
        ? 'In a checkout "npm ci" installs the pinned Node, and "npm run peakproof -- ..." uses it.'
        : 'Install a current Node.js, or run it on one with: npx -p node@24 -p peakproof peakproof ...'),
  );
  process.exit(3);
}
const cli = await import(checkout ? '../src/cli/main.ts' : '../dist/src/cli/main.js');
await cli.main(process.argv);
