/** Samples judged per second, memory, and that both grow linearly: whole `evaluateRun` over run folders of rising size. */
import { fork } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDuckDb } from '../../src/clients/duckdb.ts';
import { evaluateRun } from '../../src/evaluate/evaluate-run.ts';
import { serializeEvaluation } from '../../src/evaluate/serialize.ts';
import { aRun, END, START, steadyProbes, withFault, withObjectives, writeRun } from '../builders/a-run.ts';
import { iterationsIn, writeSyntheticSamples } from './synthetic-samples.ts';

const SIZES = [100_000, 1_000_000, 10_000_000] as const;
const TARGET_MS = 30_000;
const TARGET_BYTES = 1.5 * 1024 ** 3;

export interface EvaluateBenchRow {
  readonly rows: number;
  readonly fileBytes: number;
  readonly ms: number;
  readonly rowsPerSecond: number;
  /** Peak resident memory of the process that evaluated. */
  readonly peakBytes: number;
}

export interface EvaluateBench {
  readonly rows: readonly EvaluateBenchRow[];
  /** Time per row of the largest against the one before: 1 is linear. */
  readonly growthRatio: number;
  readonly met: boolean;
}

/** Each size in a process of its own, since a process never gives its peak back. Needs up to 1.3 GB of temp space. */
export async function benchEvaluate(sizes: readonly number[] = SIZES): Promise<EvaluateBench> {
  const rows: EvaluateBenchRow[] = [];
  for (const size of sizes) {
    const dir = await mkdtemp(join(tmpdir(), 'peakproof-bench-'));
    try {
      const fileBytes = await writeBenchRun(dir, size);
      const { ms, peakBytes } = await evaluateInChild(dir);
      const row = { rows: size, fileBytes, ms, rowsPerSecond: (size / ms) * 1000, peakBytes };
      rows.push(row);
      console.log(
        `evaluate ${String(size).padStart(9)} samples (${mib(fileBytes)} MiB): ${(ms / 1000).toFixed(2)} s, ` +
          `${Math.round(row.rowsPerSecond / 1000)} k samples/s, peak ${mib(peakBytes)} MiB`,
      );
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
  const [before, largest] = rows.slice(-2);
  const growthRatio = before === undefined || largest === undefined ? 1 : largest.ms / largest.rows / (before.ms / before.rows);
  const met = largest !== undefined && largest.ms <= TARGET_MS && largest.peakBytes <= TARGET_BYTES && growthRatio <= 1.5;
  console.log(
    `evaluate: time per sample x ${growthRatio.toFixed(2)} from the size before (linear: 1; less: fixed costs); ${met ? 'met' : 'MISSED'}`,
  );
  return { rows, growthRatio, met };
}

async function writeBenchRun(dir: string, rows: number): Promise<number> {
  const base = aRun({ probes: steadyProbes({ bad: [[80, 84]] }), samples: [] });
  const run = withObjectives(
    withFault(
      { ...base, runner: base.runner && { ...base.runner, planned: [{ scenario: 'flash', iterations: iterationsIn(rows) }] } },
      'crash',
      80,
    ),
    {
      id: 'p95',
      kind: 'slo',
      scenario: 'flash',
      phases: ['baseline', 'disturbance'],
      indicator: { metric: 'latency', percentile: 95, maxMs: 500 },
      minSamples: 1,
    },
    {
      id: 'p99',
      kind: 'slo',
      step: 'confirm',
      phases: ['disturbance'],
      indicator: { metric: 'latency', percentile: 99, maxMs: 500 },
      minSamples: 1,
    },
    {
      id: 'errors',
      kind: 'slo',
      service: 'order-capture',
      phases: ['baseline'],
      indicator: { metric: 'error-ratio', maxRatio: 0.01 },
      minSamples: 1,
    },
    {
      id: 'attainment',
      kind: 'attainment',
      scenario: 'flash',
      phases: ['disturbance'],
      withinMs: 500,
      minRatio: 0.9,
      minSamples: 1,
    },
    {
      id: 'rto',
      kind: 'recovery',
      service: 'order-capture',
      fault: 'crash',
      maxRecoveryMs: 30_000,
      consecutive: 3,
      holdMs: 5_000,
      throughputRatio: 0.9,
      p95Factor: 3,
    },
  );
  await writeRun(dir, run);
  const path = join(dir, 'load', 'local', 'samples.csv');
  await writeSyntheticSamples({ path, rows, startAt: START, durationMs: (END - 10) * 1000, scenario: 'flash' });
  return (await stat(path)).size;
}

interface Measured {
  readonly ms: number;
  readonly peakBytes: number;
}

function evaluateInChild(dir: string): Promise<Measured> {
  const child = fork(fileURLToPath(import.meta.url), [dir], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Measured));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the evaluating process ended with ${code} before it answered`)));
  });
}

async function evaluateHere(dir: string): Promise<void> {
  const startedAt = performance.now();
  const duckdb = await openDuckDb();
  const evaluation = await evaluateRun(dir, { duckdb });
  serializeEvaluation(evaluation);
  await duckdb.close();
  if (evaluation.verdict !== 'pass') throw new Error(`the bench run was judged ${evaluation.verdict}, not pass`);
  const measured: Measured = { ms: performance.now() - startedAt, peakBytes: process.resourceUsage().maxRSS * 1024 };
  process.send?.(measured);
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}

const [, script, dir] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  if (dir !== undefined && process.send !== undefined) await evaluateHere(dir);
  else await benchEvaluate(dir === undefined ? SIZES : process.argv.slice(2).map(Number));
}
