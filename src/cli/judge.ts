/** From a finished run folder to its evaluation and reports: the part that needs no cluster and can be repeated. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadReportAssets } from '../../reports/html/assets.ts';
import { renderReports } from '../../reports/index.ts';
import { openDuckDb } from '../clients/duckdb.ts';
import { HarnessError } from '../errors.ts';
import { evaluateRun } from '../evaluate/evaluate-run.ts';
import { parseEvaluation } from '../evaluate/schema.ts';
import { serializeEvaluation } from '../evaluate/serialize.ts';
import type { Evaluation } from '../model/evaluation.ts';
import { RUN_FILES, writeManifest, writeText } from '../run/run-folder.ts';

/** Writes `evaluation.json`. The same folder gives the same bytes. */
export async function evaluateFolder(runDir: string): Promise<Evaluation> {
  const duckdb = await openDuckDb();
  try {
    const evaluation = await evaluateRun(runDir, { duckdb });
    await writeText(join(runDir, RUN_FILES.evaluation), serializeEvaluation(evaluation));
    return evaluation;
  } finally {
    await duckdb.close();
  }
}

/** Renders every report from `evaluation.json` alone. @returns the paths written. */
export async function reportFolder(runDir: string, evaluation: Evaluation): Promise<string[]> {
  const paths: string[] = [];
  for (const [name, text] of renderReports(evaluation, await loadReportAssets())) {
    const path = join(runDir, name);
    await writeText(path, text);
    paths.push(path);
  }
  await writeManifest(runDir, evaluation.runId);
  return paths;
}

/** @throws HarnessError ERR_RUN_FOLDER when there is no readable evaluation. */
export async function readEvaluation(runDir: string): Promise<Evaluation> {
  const path = join(runDir, RUN_FILES.evaluation);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new HarnessError('ERR_RUN_FOLDER', `there is no ${path}`, {
      cause,
      hint: `make it with: peakproof evaluate ${runDir}`,
    });
  }
  return parseEvaluation(text, path);
}
