/** Reads what the page embeds. The only part of `reports/` that touches the disk; the rest takes what it returns. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ReportAssets {
  readonly uplotJs: string;
  readonly uplotCss: string;
  readonly pageJs: string;
  readonly pageCss: string;
}

/** From a checkout (`reports/html/assets.ts`) and from an installed package (`dist/reports/html/assets.js`) alike. */
export function loadReportAssets(): ReportAssets {
  const require = createRequire(import.meta.url);
  const page = (name: string) => readFileSync(join(pageFolder(dirname(fileURLToPath(import.meta.url))), name), 'utf8');
  return {
    uplotJs: readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    uplotCss: readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'),
    pageJs: page('timeline.js'),
    pageCss: page('report.css'),
  };
}

/** The page's own files are not compiled, so they stay beside the sources: in the package's root, not in `dist`. */
function pageFolder(start: string): string {
  const inDist = join('dist', 'reports', 'html');
  const sources = start.endsWith(inDist) ? join(start.slice(0, -inDist.length), 'reports', 'html') : start;
  return join(sources, 'page');
}
