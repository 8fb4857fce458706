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
  const folder = pageFolder(dirname(fileURLToPath(import.meta.url)));
  const joined = (names: readonly string[]) => names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  return {
    uplotJs: readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    uplotCss: readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'),
    pageJs: joined(['figures.js', 'axes.js', 'timeline.js']),
    pageCss: joined(['base.css', 'sections.css', 'timeline.css', 'media.css']),
  };
}

/** The page's own files are not compiled, so they stay beside the sources: in the package's root, not in `dist`. */
function pageFolder(start: string): string {
  const inDist = join('dist', 'reports', 'html');
  const sources = start.endsWith(inDist) ? join(start.slice(0, -inDist.length), 'reports', 'html') : start;
  return join(sources, 'page');
}
