/** What the real k6 wrote of the real scenarios, as the judge counts it. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDuckDb } from '../../src/clients/duckdb.ts';
import { evaluateRun } from '../../src/evaluate/evaluate-run.ts';
import type { SampleRow } from '../../src/load/samples-csv.ts';
import { aPlan, aRun, writeRun } from '../builders/a-run.ts';
import { aFlashSale, aMonthEnd, aPosBurst, removeFolder, runToEnd } from './load-fixtures.ts';
import { type StubOdoo, startStubOdoo } from './load-stub-odoo.ts';

let stub: StubOdoo;
let dir: string;

beforeEach(async () => {
  stub = await startStubOdoo();
  dir = await mkdtemp(join(tmpdir(), 'peakproof-evaluate-'));
});
afterEach(async () => {
  await stub.close();
  await rm(dir, { recursive: true, force: true });
});

test('counts every journey and call of k6, drops included, in the phase in which it was sent', async () => {
  // One user cannot keep up with so many journeys a second: some are dropped.
  const scenarios = [aFlashSale({ maxVus: 1, stages: [{ ratePerSecond: 150, durationMs: 2_000 }] }), aPosBurst(), aMonthEnd()];
  const finished = await runToEnd(stub.url, scenarios);
  const { problem: _, detail: __, ...runner } = finished.end;
  const { startedAt, endedAt } = runner;
  const middle = startedAt + 1_000;
  const run = aRun({
    plan: {
      ...aPlan({ load: { scenarios }, probes: [] }),
      objectives: [
        {
          id: 'writes',
          kind: 'slo',
          step: 'confirm',
          phases: ['baseline', 'disturbance'],
          indicator: { metric: 'latency', percentile: 50, maxMs: 60_000 },
          minSamples: 1,
        },
      ],
    },
    journal: [
      { at: startedAt - 1_000, type: 'run-started', plan: 'test' },
      { at: startedAt - 1_000, type: 'phase-started', phase: 'baseline' },
      { at: middle, type: 'phase-started', phase: 'disturbance' },
      { at: endedAt + 1, type: 'run-ended', detail: '' },
    ],
    probes: [],
    samples: [],
    runner: { ...runner, runner: 'local' },
  });
  await writeRun(dir, run);
  await copyFile(join(finished.dir, 'load', 'samples.csv'), join(dir, 'load', 'local', 'samples.csv'));
  await removeFolder(finished.dir);
  const duckdb = await openDuckDb({ memoryLimitMiB: 256, threads: 1 });
  const evaluation = await evaluateRun(dir, { duckdb }).finally(() => duckdb.close());

  const sentAt = (row: SampleRow) => row.endedAt - row.value;
  for (const { scenario, phases } of evaluation.scenarios) {
    const own = finished.journeys.filter((row) => row.tags.scenario === scenario);
    expect(own.length).toBeGreaterThan(0);
    for (const { phase, ok, fail, unknown, interrupted, p95Ms } of phases) {
      const sent = own.filter((row) => (phase === 'baseline' ? sentAt(row) < middle : sentAt(row) >= middle));
      expect([scenario, phase, ok, fail + unknown, interrupted]).toEqual([scenario, phase, sent.length, 0, 0]);
      expect(p95Ms).toBe(sent.map((row) => row.value).toSorted((a, b) => a - b)[Math.ceil(sent.length * 0.95) - 1] ?? null);
    }
  }
  const scheduled = Object.fromEntries(
    evaluation.scenarios.map(({ scenario, phases }) => [scenario, phases.reduce((sum, figures) => sum + figures.scheduled, 0)]),
  );
  for (const { scenario, iterations } of runner.planned)
    expect(Math.abs((scheduled[scenario] ?? 0) - iterations)).toBeLessThanOrEqual(1);
  const sale = evaluation.scenarios[0]?.phases ?? [];
  expect(sale.reduce((sum, figures) => sum + figures.dropped, 0)).toBeGreaterThan(0);
  expect(evaluation.guards.find((guard) => guard.id === 'load-delivered')?.held).toBe(true);

  const confirms = finished.calls.filter((row) => row.tags.step === 'confirm').map((row) => row.value);
  const [objective] = evaluation.objectives;
  expect(objective?.measured).toBe(confirms.toSorted((a, b) => a - b)[Math.ceil(confirms.length * 0.5) - 1]);
});
