/** All reports of an evaluation, by file name in the run folder. */
import type { Evaluation } from '../src/model/evaluation.ts';
import { renderChaosToolkitJournal } from './chaostoolkit-journal.ts';
import type { ReportAssets } from './html/assets.ts';
import { renderHtml } from './html/render-html.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';

export type { ReportAssets } from './html/assets.ts';
export { loadReportAssets } from './html/assets.ts';
export { renderText } from './text.ts';

/** `assets`: from {@link loadReportAssets}. The same evaluation and assets give the same bytes. */
export function renderReports(evaluation: Evaluation, assets: ReportAssets): ReadonlyMap<string, string> {
  return new Map([
    ['report.html', renderHtml(evaluation, assets)],
    ['report.junit.xml', renderJunit(evaluation)],
    ['summary.md', renderMarkdown(evaluation)],
    ['journal.chaostoolkit.json', renderChaosToolkitJournal(evaluation)],
  ]);
}
