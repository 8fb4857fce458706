import { describe, expect, test } from 'vitest';
import type { LoadCounts } from '../../../src/evaluate/figures.ts';
import { applyGuards, type Guard, judgeGuards } from '../../../src/evaluate/guards.ts';
import type { ObjectiveResult } from '../../../src/model/evaluation.ts';
import { aRun, aRunner, at, history, type RunSketch, steadyProbes, withFault, withObjectives } from '../../builders/a-run.ts';

const counts = (changes: Partial<LoadCounts> = {}): LoadCounts => ({
  scenario: 'flash',
  phase: 'baseline',
  started: 380,
  dropped: 0,
  finished: 380,
  ok: 380,
  fail: 0,
  unknown: 0,
  p50Ms: 1,
  p95Ms: 1,
  p99Ms: 1,
  ...changes,
});

function guard(id: string, run: RunSketch = aRun(), ...rows: readonly LoadCounts[]): Guard {
  const found = judgeGuards(history(run), rows.length === 0 ? [counts()] : rows).find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no guard ${id}`);
  return found;
}

describe('load-delivered', () => {
  test('holds for a load that was scheduled whole, dropped iterations included', () => {
    expect(guard('load-delivered', aRun(), counts({ started: 300, finished: 300, dropped: 80 }))).toMatchObject({
      held: true,
      objectives: [],
    });
  });
  test('holds exactly on the limit and not below', () => {
    expect(guard('load-delivered', aRun(), counts({ started: 361, finished: 361 })).held).toBe(true);
    expect(guard('load-delivered', aRun(), counts({ started: 360, finished: 360 })).held).toBe(false);
  });
  test.each([
    ['no sample at all', aRun(), counts({ started: 0, finished: 0 })],
    ['an uncaught script error', aRun({ runner: aRunner({ scriptErrors: 1 }) }), counts()],
    ['a missing runner.json', aRun({ runner: null }), counts()],
    ['a killed k6', aRun({ runner: aRunner({ exitCode: null, signal: 'SIGKILL' }) }), counts()],
    ['k6 exit code 107', aRun({ runner: aRunner({ exitCode: 107 }) }), counts()],
    ['a scenario of the plan that no runner planned', aRun({ runner: aRunner({ planned: [] }) }), counts()],
    ['samples of another scenario only', aRun(), counts({ scenario: 'other' })],
  ])('does not hold with %s', (_, run, row) => {
    expect(guard('load-delivered', run, row)).toMatchObject({ held: false, objectives: [] });
  });
  test("a threshold of k6's own (99) says nothing", () => {
    expect(guard('load-delivered', aRun({ runner: aRunner({ exitCode: 99 }) })).held).toBe(true);
  });
  test('one bad runner of several is enough', () => {
    const run = history();
    const bad = { runner: 'two', hasSamples: true, record: aRunner({ runner: 'two', planned: [], exitCode: 110 }) };
    const guards = judgeGuards({ ...run, runners: [...run.runners, bad] }, [counts()]);
    expect(guards.find((candidate) => candidate.id === 'load-delivered')?.held).toBe(false);
  });
});

describe('baseline guards', () => {
  test('dropped and interrupted iterations both count', () => {
    expect(guard('baseline-load', aRun(), counts({ started: 99, finished: 99, dropped: 1 })).held).toBe(true);
    expect(guard('baseline-load', aRun(), counts({ started: 99, finished: 98, dropped: 1 })).held).toBe(false);
  });
  test('a planned load that did not run in the baseline does not hold', () => {
    expect(guard('baseline-load', aRun(), counts({ phase: 'disturbance' })).held).toBe(false);
  });
  test('bad probes, too few probes, no probes', () => {
    const probes = (pattern: Parameters<typeof steadyProbes>[0]) =>
      guard('baseline-probes:order-capture', aRun({ probes: steadyProbes(pattern) }));
    expect(probes({ bad: [[10, 13]] }).held).toBe(true);
    expect(probes({ bad: [[10, 13.5]] })).toMatchObject({ held: false, objectives: [] });
    expect(probes({ latencyMs: () => 1_500 }).held).toBe(false);
    expect(probes({ span: [65, 190] }).held).toBe(false);
    expect(probes({ span: [70, 190] }).held).toBe(false);
  });
});

describe('fault-proven', () => {
  const objectives = [
    {
      id: 'rto',
      kind: 'recovery',
      service: 'pos',
      fault: 'crash',
      maxRecoveryMs: 1,
      consecutive: 1,
      holdMs: 1,
      throughputRatio: 1,
      p95Factor: 1,
    },
    { id: 'rpo', kind: 'data-loss', service: 'pos', maxLostWrites: 0, maxDuplicates: 0, maxLossWindowMs: 0, minWrites: 1 },
    { id: 'base', kind: 'attainment', scenario: 'flash', phases: ['baseline'], withinMs: 1, minRatio: 1, minSamples: 1 },
    { id: 'peak', kind: 'attainment', scenario: 'flash', phases: ['disturbance'], withinMs: 1, minRatio: 1, minSamples: 1 },
  ] as const;
  test('holds for a proven fault', () => {
    expect(guard('fault-proven:crash', withFault(aRun(), 'crash', 80)).held).toBe(true);
  });
  test.each([{ proven: false }, { injected: false }])('%j takes its recovery, the losses and the levels under it', (options) => {
    const run = withFault(withObjectives(aRun(), ...objectives), 'crash', 80, options);
    expect(guard('fault-proven:crash', run)).toMatchObject({ held: false, objectives: ['rto', 'rpo', 'peak'] });
  });
  test('a fault without any proof is not proven', () => {
    const run = withFault(aRun(), 'crash', 80);
    expect(
      guard('fault-proven:crash', { ...run, journal: run.journal.filter((event) => event.type !== 'fault-proven') }).held,
    ).toBe(false);
  });
});

describe('run-completed', () => {
  test('does not hold for an interrupted, aborted or killed run', () => {
    const run = aRun();
    expect(guard('run-completed', run).held).toBe(true);
    expect(
      guard('run-completed', { ...run, journal: [...run.journal, { at: at(90), type: 'interrupted', signal: 'SIGINT' }] }).held,
    ).toBe(false);
    expect(guard('run-completed', { ...run, journal: [...run.journal, { at: at(90), type: 'abort', reason: 'bad' }] }).held).toBe(
      false,
    );
    expect(guard('run-completed', { ...run, journal: run.journal.slice(0, -1) }).held).toBe(false);
  });
  test('the short load of an interrupted run is no problem of its own', () => {
    const run = aRun({ runner: aRunner({ exitCode: 105 }) });
    const stopped: RunSketch = { ...run, journal: [...run.journal, { at: at(90), type: 'interrupted', signal: 'SIGINT' }] };
    expect(guard('load-delivered', stopped, counts({ started: 10, finished: 10 })).held).toBe(true);
  });
});

describe('observer gaps', () => {
  test('take away an autoscaling objective that had to see then, and no other', () => {
    const objective = {
      id: 'hpa',
      kind: 'autoscaling',
      scenario: 'flash',
      maxDesiredMs: 20_000,
      maxReadyMs: 30_000,
      maxServiceLevelBackMs: 30_000,
      minReplicasReached: 3,
      maxFlaps: 1,
    } as const;
    const run = withObjectives(aRun(), objective);
    const gap = (fromSeconds: number, source: 'hpa' | 'redis'): RunSketch => ({
      ...run,
      journal: [
        ...run.journal,
        { at: at(fromSeconds + 10), type: 'observer-gap', source, fromAt: at(fromSeconds), detail: 'refused' },
      ],
    });
    expect(guard('observed:hpa', gap(75, 'hpa'))).toMatchObject({ held: false, objectives: ['hpa'] });
    expect(guard('observed:hpa', gap(75, 'redis')).held).toBe(true);
    expect(guard('observed:hpa', gap(30, 'hpa')).held).toBe(true);
  });
});

describe('applyGuards', () => {
  const result = (changes: Partial<ObjectiveResult>): ObjectiveResult => ({
    id: 'x',
    kind: 'slo',
    service: 'pos',
    verdict: 'pass',
    measured: 1,
    target: 2,
    unit: 'ms',
    direction: 'at-most',
    margin: 0.5,
    errorBar: null,
    censored: false,
    reason: 'fine',
    evidence: [],
    details: [],
    ...changes,
  });
  const broken = (changes: Partial<Guard> = {}): Guard => ({
    id: 'g',
    held: false,
    reason: 'no load',
    objectives: [],
    keepsFailures: false,
    ...changes,
  });

  test('several broken preconditions are named, one is told', () => {
    expect(applyGuards(result({}), [broken({ id: 'load-delivered' }), broken({ id: 'run-completed' })]).reason).toContain(
      '2 preconditions did not hold: load-delivered, run-completed (otherwise pass',
    );
    expect(applyGuards(result({}), [broken({ reason: 'the run was interrupted' })]).reason).toMatch(
      /^the run was interrupted \(/,
    );
  });
  test('a guard that holds changes nothing', () => expect(applyGuards(result({}), [broken({ held: true })])).toEqual(result({})));
  test('a broken guard withholds a pass and a fail, and keeps the figures', () => {
    expect(applyGuards(result({}), [broken()])).toMatchObject({
      verdict: 'inconclusive',
      measured: 1,
      reason: expect.stringContaining('no load'),
    });
    expect(applyGuards(result({ verdict: 'fail' }), [broken()]).verdict).toBe('inconclusive');
  });
  test('touches only the objectives it names', () =>
    expect(applyGuards(result({}), [broken({ objectives: ['y'] })]).verdict).toBe('pass'));
  test.each(['data-loss', 'invariant'] as const)('harm seen by %s stays a failure', (kind) => {
    expect(applyGuards(result({ kind, verdict: 'fail' }), [broken()]).verdict).toBe('fail');
    expect(applyGuards(result({ kind }), [broken()]).verdict).toBe('inconclusive');
  });
  test('a stopped run withholds a pass, not a failure', () => {
    expect(applyGuards(result({ verdict: 'fail' }), [broken({ keepsFailures: true })]).verdict).toBe('fail');
    expect(applyGuards(result({}), [broken({ keepsFailures: true })]).verdict).toBe('inconclusive');
  });
});
