/** Run folders with an autoscaler in them: parts, advice and gaps in the evaluation, the schema, older folders. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type AnalysisPort, openDuckDb } from '../../src/clients/duckdb.ts';
import { evaluateRun } from '../../src/evaluate/evaluate-run.ts';
import { evaluationJsonSchema } from '../../src/evaluate/schema.ts';
import { serializeEvaluation } from '../../src/evaluate/serialize.ts';
import { at, type RunSketch, withObjectives, writeRun } from '../builders/a-run.ts';
import { aScaledPod, objective, type Scaling, scalingRun } from '../builders/a-scaling.ts';

let dir: string;
let duckdb: AnalysisPort;

beforeAll(async () => {
  duckdb = await openDuckDb({ memoryLimitMiB: 512, threads: 2 });
});
afterAll(() => duckdb.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'peakproof-scaling-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const pods = [
  aScaledPod('a', { created: -20, scheduled: -20, started: -19, ready: -18 }),
  aScaledPod('b', { created: -20, scheduled: -20, started: -19, ready: -18 }),
  aScaledPod('c', { created: 85, scheduled: 86, started: 89, ready: 92 }),
  aScaledPod('d', { created: 85, scheduled: 86, started: 90, ready: 95 }),
];
const full: Scaling = {
  pods: (s) => pods.flatMap((pod) => pod(s)),
  uses: (s) =>
    s % 10 === 0
      ? ['a', 'b', 'c', 'd'].map((name) => ({ name, cpuCores: 0.4, memoryBytes: 1e8, serverAt: at(s), windowMs: 10_000 }))
      : [],
  metric: (s) => (s < 78 ? 50 : 90),
  behavior: { scaleDown: { stabilizationWindowSeconds: 30 } },
};
const attainment = {
  id: 'att',
  kind: 'attainment',
  scenario: 'flash',
  phases: ['disturbance'],
  withinMs: 200,
  minRatio: 0.9,
  minSamples: 10,
} as const;

async function evaluate(run: RunSketch) {
  await writeRun(dir, withObjectives(run, objective, attainment));
  return evaluateRun(dir, { duckdb });
}

test('parts, advice and gaps fit the published schema, and come out the same again', async () => {
  const evaluation = await evaluate(scalingRun({ ...full, gaps: [{ source: 'hpa', from: 150, to: 170 }] }));
  expect(evaluation.autoscaling?.[0]?.stages.map(({ durationMs }) => durationMs)).toEqual([8_000, 7_000, 1_000, 4_000, 5_000, 0]);
  expect(evaluation.rightsizing?.advice.map(({ setting }) => setting)).toContain('cpu request');
  expect(evaluation.gaps).toEqual([
    { source: 'hpa', fromAt: at(150), toAt: at(170), reason: 'connect ECONNREFUSED', trouble: 'unreachable' },
  ]);
  const text = serializeEvaluation(evaluation);
  expect(serializeEvaluation(await evaluateRun(dir, { duckdb }))).toBe(text);
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(evaluationJsonSchema());
  expect(validate(JSON.parse(text)), JSON.stringify(validate.errors)).toBe(true);
});

test('a gap over the decision makes the autoscaling objective inconclusive with its reason, and no other', async () => {
  const hidden: Scaling = { ...full, silent: (s) => s > 72 && s < 92, gaps: [{ source: 'hpa', from: 73, to: 92 }] };
  const { objectives, guards } = await evaluate(scalingRun(hidden));
  const [hpa, att] = objectives;
  expect(hpa).toMatchObject({
    verdict: 'inconclusive',
    reason: expect.stringContaining('hpa was not seen for 19 s: connect ECONNREFUSED'),
  });
  expect(att?.verdict).toBe('pass');
  expect(guards.filter(({ held }) => !held).map(({ id }) => id)).toEqual(['observed:hpa']);
  const whole = await evaluate(scalingRun(full));
  expect(whole.objectives.map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
});

test('a run folder from before these records evaluates still', async () => {
  const evaluation = await evaluate(scalingRun());
  expect(evaluation.objectives.map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
  expect(evaluation.autoscaling?.[0]?.stages.find(({ name }) => name === 'start')).toMatchObject({ durationMs: null });
  expect(evaluation).not.toHaveProperty('rightsizing');
  expect(await readFile(join(dir, 'observations.ndjson'), 'utf8')).not.toContain('pod-metrics');
});
