/**
 * Takes the pictures of the documentation from a real report: node scripts/report-picture.ts RUN_FOLDER [NAME]
 * Writes docs/images/NAME-verdict.png, NAME-timeline.png and NAME-environment.png. NAME is `report` (README) when absent;
 * `kubernetes` is the one of docs/lab-kubernetes.md, from a run of `npm run demo:kubernetes`.
 */
import { join, resolve } from 'node:path';
import { packageRoot } from '../src/clients/package-root.ts';
import { startChromium } from '../test/support/chromium.ts';

const [run, name = 'report'] = process.argv.slice(2);
if (run === undefined || !/^[a-z-]+$/.test(name)) {
  console.error('usage: node scripts/report-picture.ts RUN_FOLDER [NAME]');
  process.exit(3);
}
const images = join(packageRoot(), 'docs/images');
const chromium = await startChromium();
try {
  const { page } = await chromium.openPage(resolve(run, 'report.html'), { width: 1200, height: 1000 });
  await page.screenshot({ path: join(images, `${name}-verdict.png`) });
  // Tall enough that nothing scrolls: the toolbar sticks to the window's edge.
  await page.setViewport({ width: 1200, height: 9_000 });
  for (const section of ['timeline', 'environment']) {
    const found = await page.$(`#${section}`);
    if (found === null) throw new Error(`the report has no section ${section}`);
    await found.screenshot({ path: join(images, `${name}-${section}.png`) });
  }
} finally {
  await chromium.close();
}
