/**
 * `npm test`: all groups of tests, with the output of each as it comes, and one last line for machines:
 * `N passed, N failed`, and `, N skipped` when any were. Errors outside a test, a group that could not be read and a run
 * without any test count as failed, so that the last line is never greener than the run.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GroupResult, lastLine, type Totals, totalsOf } from './support/test-totals.ts';

const PROJECTS = ['unit', 'integration', 'e2e', 'e2e-pairs'];
const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function main(): Promise<number> {
  const [first, ...rest] = process.argv.slice(2);
  const projects = first === undefined || first.startsWith('-') ? PROJECTS : first.split(',');
  const args = first === undefined || first.startsWith('-') ? process.argv.slice(2) : rest;
  const folder = mkdtempSync(join(tmpdir(), 'peakproof-tests-'));
  try {
    const groups: GroupResult[] = [];
    for (const project of projects) {
      process.stdout.write(`\n--- ${project} ---\n`);
      groups.push(await runGroup(project, join(folder, `${project}.json`), args));
    }
    const totals: Totals = totalsOf(groups);
    process.stdout.write(`\n${lastLine(totals)}\n`);
    return totals.failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runGroup(project: string, file: string, args: readonly string[]): Promise<GroupResult> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const options = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const child = spawn(process.execPath, [vitest, ...options, ...args], { cwd: root, stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    return { project, exitCode, report: readReport(file) };
  } finally {
    process.off('SIGINT', forward).off('SIGTERM', forward);
  }
}

/** Null when the group died before it wrote one; it then counts as failed. */
function readReport(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    process.stderr.write(`no test report at ${file}: ${error instanceof Error ? error.message : String(error)}\n`);
    return null;
  }
}

process.exitCode = await main();
