/** Writes the reports of the sample evaluation of the tests: `node scripts/sample-report.ts OUT [pass|undone]`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadReportAssets, renderReports, renderText } from '../reports/index.ts';
import { anEvaluation, anUndoneEvaluation, aPassingEvaluation } from '../test/builders/an-evaluation.ts';

const [folder = 'sample-report', kind = 'fail'] = process.argv.slice(2);
const evaluation = kind === 'pass' ? aPassingEvaluation() : kind === 'undone' ? anUndoneEvaluation() : anEvaluation();
mkdirSync(folder, { recursive: true });
for (const [name, text] of renderReports(evaluation, loadReportAssets())) {
  writeFileSync(join(folder, name), text);
}
process.stdout.write(renderText(evaluation, { color: process.stdout.isTTY === true }));
