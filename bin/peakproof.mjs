#!/usr/bin/env node
// Kept to syntax that old versions of Node parse, so that they can say what is wrong.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    `peakproof needs Node.js 22.12 or newer, and this is ${process.versions.node}. Install a current Node.js, or run it on one with: npx -p node@24 -p peakproof peakproof ...`,
  );
  process.exit(3);
}
import('../dist/src/cli/main.js').then(
  (cli) => cli.main(process.argv),
  (error) => {
    console.error(`peakproof is not built: ${error.message}. In a checkout run "npm run build", or use "npm run peakproof --".`);
    process.exit(5);
  },
);
