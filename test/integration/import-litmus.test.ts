/** A fault that ChaosCenter injected: imported into a run folder, it is judged as one of the run's own. */
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type AnalysisPort, openDuckDb } from '../../src/clients/duckdb.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import { evaluateRun } from '../../src/evaluate/evaluate-run.ts';
import { importLitmus } from '../../src/import/litmus/import-litmus.ts';
import type { LitmusExternalSpec, ObjectiveSpec } from '../../src/model/plan.ts';
import type { Observation, PodObservation } from '../../src/model/run-records.ts';
import { aPlan, aRun, at, type RunSketch, steadyProbes, writeRun } from '../builders/a-run.ts';

let dir: string;
let runDir: string;
let file: string;
let duckdb: AnalysisPort;

beforeAll(async () => {
  duckdb = await openDuckDb({ memoryLimitMiB: 512, threads: 2 });
});
afterAll(() => duckdb.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'peakproof-import-'));
  runDir = join(dir, 'run');
  file = join(dir, 'export.json');
  await copyFile(join(packageRoot(), 'test/fixtures/litmus/chaoscenter-run.json'), file);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const spec: LitmusExternalSpec = {
  id: 'kill-pods',
  kind: 'litmus/external',
  atMs: 10_000,
  proveWithinMs: 60_000,
  revertWithinMs: 60_000,
  experiment: 'pod-delete',
  selector: 'app=erp',
  proof: 'pods-gone',
};
const recovery: ObjectiveSpec = {
  id: 'rto',
  kind: 'recovery',
  service: 'order-capture',
  fault: 'kill-pods',
  maxRecoveryMs: 30_000,
  consecutive: 5,
  holdMs: 5_000,
  throughputRatio: 0.5,
  p95Factor: 3,
};

const pod = (uid: string, ready = true): PodObservation => ({
  name: `erp-${uid}`,
  uid,
  phase: 'Running',
  ready,
  restarts: 0,
  deleting: false,
  createdServerAt: 0,
  readyServerAt: null,
});

/** Pods a and b every second; a goes at 92 s, its replacement is ready at 97 s. */
function observations(): readonly Observation[] {
  return Array.from({ length: 190 }, (_, second) => {
    const first = second < 92 ? [pod('a')] : second < 95 ? [] : [pod('c', second >= 97)];
    return { at: at(second), source: 'pods', pods: [...first, pod('b')] } as const;
  });
}

function run(changes: Partial<LitmusExternalSpec> = {}, sketch: Partial<RunSketch> = {}): RunSketch {
  const base = aRun({ observations: observations(), probes: steadyProbes({ bad: [[92.4, 97]] }), ...sketch });
  return { ...base, plan: aPlan({ faults: [{ ...spec, ...changes }], objectives: [recovery] }) };
}

const doImport = (changes: Partial<Parameters<typeof importLitmus>[0]> = {}) =>
  importLitmus({ file, runDir, now: at(500), ...changes });
const judge = async () => {
  const evaluation = await evaluateRun(runDir, { duckdb });
  const [objective] = evaluation.objectives;
  return { evaluation, objective };
};

describe('peakproof import litmus', () => {
  test('before it the objective is inconclusive, after it judged from what the run itself saw', async () => {
    await writeRun(runDir, run());
    expect((await judge()).objective).toMatchObject({ verdict: 'inconclusive' });
    expect(await doImport()).toMatchObject({ fault: 'kill-pods', proven: true, injectedAt: at(91), endedAt: at(92) });
    const { evaluation, objective } = await judge();
    expect(objective).toMatchObject({ verdict: 'pass' });
    expect(objective?.measured).toBeGreaterThan(5_000);
    expect(objective?.measured).toBeLessThan(8_000);
    expect(evaluation.faults).toMatchObject([
      { fault: 'kill-pods', kind: 'litmus/external', proven: true, reverted: true, injectedAt: at(91), endedAt: at(92) },
    ]);
    const evidence = evaluation.faults[0]?.evidence.join('\n');
    expect(evidence).toContain('gone: erp-a (a)');
    expect(evidence).toContain('1 of 1 replacements ready: erp-c');
    expect(evidence).toContain("Litmus' verdict Fail (Completed_With_Probe_Failure), probes 50 %");
    expect(evidence).toContain('Litmus probe "teapot" (httpProbe, Edge): Failed');
    expect(evidence).toMatch(/imported from export\.json \(SHA-256 [0-9a-f]{12}\), data\.getExperimentRun/);
  });

  test('misses the objective when the shop was away too long', async () => {
    await writeRun(runDir, run({}, { probes: steadyProbes({ bad: [[92.4, 150]] }) }));
    await doImport();
    expect((await judge()).objective).toMatchObject({ verdict: 'fail' });
  });

  test('keeps the file beside the run, and adds a record only once', async () => {
    await writeRun(runDir, run());
    await doImport();
    const [kept] = await readdir(join(runDir, 'imports'));
    expect(await readFile(join(runDir, 'imports', kept ?? ''), 'utf8')).toBe(await readFile(file, 'utf8'));
    await expect(doImport()).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('already has its record'),
    });
  });

  test("takes the offset of the cluster's clock into account", async () => {
    const base = run();
    await writeRun(runDir, {
      ...base,
      environment: { ...base.environment, clockOffsets: [{ source: 'kubernetes', offsetMs: 60_000 }] },
    });
    // Its 09:01:20 is our 09:00:20: nothing went between 20 s and 85 s.
    await expect(doImport()).rejects.toMatchObject({
      code: 'ERR_LITMUS',
      message: expect.stringContaining('no pod was seen going'),
    });
  });

  const journal = () => readFile(join(runDir, 'journal.ndjson'), 'utf8');
  const refused = async (work: Promise<unknown>, message: RegExp, before: string) => {
    await expect(work).rejects.toThrow(message);
    expect(await journal()).toBe(before);
  };

  test('refuses what does not fit, and writes nothing', async () => {
    await writeRun(runDir, run());
    const before = await journal();
    await refused(doImport({ fault: 'nope' }), /"nope" is no fault of kind litmus\/external .*it has: kill-pods/, before);
    await refused(
      doImport({ engine: 'other' }),
      /holds no run of pod-delete of engine other; it holds .*kill-one-pod-x7k2/,
      before,
    );
    await refused(
      doImport({ fromServerAt: at(1_000), untilServerAt: at(1_060) }),
      /the experiment lasted from .*, the run from/,
      before,
    );
    await refused(doImport({ file: join(dir, 'none.json') }), /cannot read .*none\.json/, before);
    await copyFile(join(packageRoot(), 'test/fixtures/litmus/chaosresult-pass-third-run.json'), file);
    await refused(doImport(), /does not tell when the experiment began/, before);
    await writeFile(file, '{"kind": "Pod"}');
    await refused(doImport(), /cannot be imported: 1 problem/, before);
    expect(await readdir(runDir)).not.toContain('imports');
  });

  test('no pod gone is no fault, unless the plan takes the word of Litmus', async () => {
    const quiet = {
      observations: Array.from({ length: 190 }, (_, s) => ({ at: at(s), source: 'pods' as const, pods: [pod('a'), pod('b')] })),
    };
    await writeRun(runDir, run({}, quiet));
    await refused(doImport(), /no pod was seen going while the experiment lasted \(70 looks/, await journal());
    await writeRun(runDir, run({ proof: 'result' }, quiet));
    expect(await doImport()).toMatchObject({ proven: true, injectedAt: at(78), endedAt: at(147) });
    expect((await judge()).evaluation.faults[0]?.evidence[0]).toContain("by Litmus' word alone");
  });
});
