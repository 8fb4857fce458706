import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../../../src/clients/package-root.ts';
import { HarnessError, type Problem } from '../../../../src/errors.ts';
import { readExport, readTime } from '../../../../src/import/litmus/read-export.ts';

const fixture = (name: string): string => readFileSync(join(packageRoot(), 'test/fixtures/litmus', name), 'utf8');
const object = (name: string): Record<string, unknown> => JSON.parse(fixture(name)) as Record<string, unknown>;
const read = (value: unknown) => readExport(JSON.stringify(value), 'export.json');
function problemsOf(text: string): readonly Problem[] {
  try {
    readExport(text, 'export.json');
  } catch (error) {
    if (error instanceof HarnessError && error.code === 'ERR_USAGE') return error.problems;
    throw error;
  }
  throw new Error('it was read');
}

describe('readExport', () => {
  test('reads a ChaosResult as kubectl prints it; a first run tells when it began', () => {
    expect(readExport(fixture('chaosresult-pass.json'), 'r.json')).toMatchObject([
      {
        engine: 'demo',
        experiment: 'pod-delete',
        result: { verdict: 'Pass', phase: 'Completed' },
        fromServerAt: Date.parse('2026-11-22T11:26:38Z'),
        untilServerAt: null,
      },
    ]);
  });

  test('a result that was used again does not tell when its last run began', () => {
    expect(readExport(fixture('chaosresult-pass-third-run.json'), 'r.json')).toMatchObject([{ fromServerAt: null }]);
  });

  test('joins engine and result of one run; the engine tells begin and end', () => {
    const list = { kind: 'List', items: [object('chaosengine-pass.json'), object('chaosresult-pass.json')] };
    expect(read(list)).toMatchObject([
      {
        place: 'items[0]',
        engine: 'demo',
        result: { verdict: 'Pass', jobName: 'pod-delete-76ia21' },
        fromServerAt: Date.parse('2026-11-22T11:26:31Z'),
        untilServerAt: Date.parse('2026-11-22T11:27:35Z'),
      },
    ]);
  });

  test('does not join the result of another engine of that name', () => {
    const list = { kind: 'List', items: [object('chaosengine-pass.json'), object('chaosresult-pass-third-run.json')] };
    expect(read(list).map(({ place, result }) => [place, result.chaosUid])).toEqual([
      ['items[0]', 'dc2cd232-d821-4421-b39e-438960bac99b'],
      ['items[1]', '64171ca0-bace-40f2-8c06-8693ceba97fa'],
    ]);
  });

  test('reads an experiment run of ChaosCenter, whose execution data is JSON inside JSON', () => {
    expect(readExport(fixture('chaoscenter-run.json'), 'run.json')).toMatchObject([
      {
        place: 'data.getExperimentRun.executionData.nodes.peak-1764-2',
        engine: 'kill-one-pod-x7k2',
        experiment: 'pod-delete',
        result: { verdict: 'Fail', probes: [{ name: 'shop-up' }, { name: 'teapot', verdict: 'Failed' }] },
        fromServerAt: Date.parse('2026-11-27T09:01:20Z'),
        untilServerAt: Date.parse('2026-11-27T09:02:25Z'),
      },
    ]);
  });

  test('reads the field names of the web interface too, and a node without result', () => {
    const chaosData = {
      engineName: 'e',
      engineUID: 'u',
      faultName: 'pod-delete',
      faultStatus: 'Error',
      faultVerdict: 'Error',
      failStep: 'no pods',
    };
    const nodes = { a: { startedAt: '1764234000', finishedAt: '1764234060000', type: 'ChaosEngine', chaosData } };
    expect(read({ executionData: { nodes } })).toMatchObject([
      { experiment: 'pod-delete', result: { verdict: 'Error', error: { reason: 'no pods' } }, untilServerAt: 1_764_234_060_000 },
    ]);
  });

  test('reads YAML as well', () => {
    const text =
      'kind: ChaosResult\nmetadata: {name: r, creationTimestamp: 2026-11-22T11:26:38Z}\nspec: {experiment: pod-delete}\n' +
      'status:\n  experimentStatus: {phase: Completed, verdict: Pass}\n';
    expect(readExport(text, 'r.yaml')).toMatchObject([{ experiment: 'pod-delete', result: { verdict: 'Pass' } }]);
  });
});

describe('readExport of a file with problems', () => {
  test('tells every one with its place', () => {
    const result = object('chaosresult-pass.json');
    const broken = {
      kind: 'List',
      items: [
        { ...result, spec: {}, status: { experimentStatus: { phase: 'Completed' } } },
        { ...object('chaosengine-pass.json'), status: { engineStatus: 'completed', experiments: [] } },
      ],
    };
    const problems = problemsOf(JSON.stringify(broken, null, 2));
    expect(problems.map(({ at, message }) => `${at.replace(/:\d+:\d+/, '')}: ${message}`)).toEqual([
      expect.stringMatching(/^export\.json items\[1\]\.status\.experiments: too small/),
      'export.json items[0].spec.experiment: is missing',
      'export.json items[0].status.experimentStatus.verdict: is missing',
    ]);
    for (const { at } of problems) expect(at).toMatch(/^export\.json:\d+:\d+ /);
  });

  test.each([
    ['text that is no JSON', '{"kind": ', /^export\.json:1:\d+$/, /./],
    ['another kind', '{"kind": "Pod", "metadata": {"name": "x"}}', /^export\.json$/, /holds no ChaosResult/],
    ['execution data that is no JSON', '{"executionData": "{oops"}', /executionData$/, /is no JSON text/],
    ['a node without times', '{"nodes": {"a": {"chaosData": {"engineName": "e"}}}}', /nodes\.a\.startedAt$/, /is missing/],
    [
      'a node with a time that is none',
      '{"nodes": {"a": {"startedAt": "yesterday", "finishedAt": "1764234000", "chaosData": {"engineName": "e"}}}}',
      /nodes\.a\.startedAt$/,
      /is no time/,
    ],
    [
      'a node without experiment and verdict',
      '{"nodes": {"a": {"startedAt": "1764234000", "finishedAt": "1764234000", "chaosData": {"engineName": "e"}}}}',
      /chaosData\.experimentName$/,
      /is missing/,
    ],
  ])('%s', (_, text, at, message) => {
    const [problem] = problemsOf(text);
    expect(problem?.at).toMatch(at);
    expect(problem?.message).toMatch(message);
  });

  test('a run of ChaosCenter without any chaos holds nothing', () => {
    expect(problemsOf('{"nodes": {"a": {"type": "DAG"}}}')[0]?.message).toContain('holds no ChaosResult');
  });
});

test('readTime takes ISO times with a zone, seconds and milliseconds; nothing else', () => {
  expect(['2026-11-22T11:26:38Z', '2026-11-22T12:26:38+01:00', '1795346798', '1795346798000'].map(readTime)).toEqual(
    Array.from({ length: 4 }, () => Date.parse('2026-11-22T11:26:38Z')),
  );
  expect(['', '0', 'now', '2026-11-22T11:26:38', '2026-11-22'].map(readTime)).toEqual([null, null, null, null, null]);
});
