/**
 * Takes the pictures of the README from a real report: node scripts/report-picture.ts RUN_FOLDER
 * Writes docs/images/report-verdict.png and docs/images/report-timeline.png.
 */
import { join, resolve } from 'node:path';
import { packageRoot } from '../src/clients/package-root.ts';
import { startChromium } from '../test/support/chromium.ts';

const [run] = process.argv.slice(2);
if (run === undefined) {
  console.error('usage: node scripts/report-picture.ts RUN_FOLDER');
  process.exit(3);
}
const images = join(packageRoot(), 'docs/images');
const chromium = await startChromium();
try {
  const { page } = await chromium.openPage(resolve(run, 'report.html'), { width: 1200, height: 1000 });
  await page.screenshot({ path: join(images, 'report-verdict.png') });
  // Tall enough that nothing scrolls: the toolbar sticks to the window's edge.
  await page.setViewport({ width: 1200, height: 9_000 });
  const timeline = await page.$('#timeline');
  if (timeline === null) throw new Error('the report has no timeline');
  await timeline.screenshot({ path: join(images, 'report-timeline.png') });
} finally {
  await chromium.close();
}
