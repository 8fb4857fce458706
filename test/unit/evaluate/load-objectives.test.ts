import { describe, expect, test } from 'vitest';
import { judgeAttainment } from '../../../src/evaluate/attainment.ts';
import type { AttainmentFigures, CallFigures } from '../../../src/evaluate/figures.ts';
import { judgeSlo } from '../../../src/evaluate/slo.ts';
import type { AttainmentObjectiveSpec, SloObjectiveSpec } from '../../../src/model/plan.ts';
import { aRun, history } from '../../builders/a-run.ts';

const attainment: AttainmentObjectiveSpec = {
  id: 'att',
  kind: 'attainment',
  scenario: 'flash',
  phases: ['disturbance'],
  withinMs: 500,
  minRatio: 0.9,
  minSamples: 100,
};
const latency: SloObjectiveSpec = {
  id: 'p95',
  kind: 'slo',
  service: 'pos',
  phases: ['baseline'],
  indicator: { metric: 'latency', percentile: 95, maxMs: 100 },
  minSamples: 50,
};
const errors: SloObjectiveSpec = { ...latency, id: 'err', indicator: { metric: 'error-ratio', maxRatio: 0.05 } };
const ended = history();
const stopped = { ...ended, phases: ended.phases.filter((span) => span.phase === 'warm-up' || span.phase === 'baseline') };

const journeys = (changes: Partial<AttainmentFigures>): AttainmentFigures => ({
  started: 100,
  dropped: 0,
  finished: 100,
  ok: 100,
  attained: 100,
  ...changes,
});
const calls = (changes: Partial<CallFigures>): CallFigures => ({
  calls: 100,
  ok: 100,
  fail: 0,
  unknown: 0,
  percentileMs: 50,
  longestMs: 80,
  ...changes,
});

describe('judgeAttainment', () => {
  test('passes exactly on the limit', () => {
    expect(judgeAttainment(attainment, journeys({ attained: 90 }), ended)).toMatchObject({
      verdict: 'pass',
      measured: 0.9,
      margin: 0,
      unit: 'ratio',
      direction: 'at-least',
      service: 'order-capture',
    });
  });
  test('fails below', () => expect(judgeAttainment(attainment, journeys({ attained: 89 }), ended).verdict).toBe('fail'));
  test('dropped iterations are in the error budget', () => {
    expect(judgeAttainment(attainment, journeys({ dropped: 25 }), ended)).toMatchObject({ verdict: 'fail', measured: 0.8 });
  });
  test('is inconclusive without data, and with too little', () => {
    const none = { started: 0, dropped: 0, finished: 0, ok: 0, attained: 0 };
    expect(judgeAttainment({ ...attainment, minSamples: 0 }, none, ended)).toMatchObject({
      verdict: 'inconclusive',
      measured: null,
    });
    expect(judgeAttainment(attainment, journeys({ started: 99, finished: 99, ok: 99, attained: 99 }), ended).verdict).toBe(
      'inconclusive',
    );
    expect(judgeAttainment(attainment, journeys({}), ended).verdict).toBe('pass');
  });
  test('a pass over a phase that never came is none, a miss stays one', () => {
    const both = { ...attainment, phases: ['baseline', 'disturbance'] } as const;
    expect(judgeAttainment(both, journeys({}), stopped).verdict).toBe('inconclusive');
    expect(judgeAttainment(both, journeys({ attained: 1 }), stopped).verdict).toBe('fail');
  });
});

describe('judgeSlo, latency', () => {
  test('passes exactly on the limit, fails above', () => {
    expect(judgeSlo(latency, calls({ percentileMs: 100 }), ended)).toMatchObject({
      verdict: 'pass',
      measured: 100,
      margin: 0,
      unit: 'ms',
      service: 'pos',
    });
    expect(judgeSlo(latency, calls({ percentileMs: 100.001 }), ended).verdict).toBe('fail');
  });
  test('fails, censored, when the rank falls among calls that were not answered ok', () => {
    expect(judgeSlo(latency, calls({ ok: 80, fail: 20, percentileMs: null }), ended)).toMatchObject({
      verdict: 'fail',
      censored: true,
      measured: 80,
      margin: null,
    });
  });
  test('is inconclusive without data, and with too little', () => {
    expect(judgeSlo(latency, calls({ calls: 0, ok: 0, percentileMs: null, longestMs: null }), ended)).toMatchObject({
      verdict: 'inconclusive',
      measured: null,
    });
    expect(judgeSlo(latency, calls({ calls: 49, ok: 49 }), ended)).toMatchObject({
      verdict: 'inconclusive',
      reason: 'got 49 calls, need 50',
    });
  });
});

describe('judgeSlo, error ratio', () => {
  test('counts failed and unknown calls, passes exactly on the limit', () => {
    expect(judgeSlo(errors, calls({ ok: 95, fail: 3, unknown: 2 }), ended)).toMatchObject({ verdict: 'pass', measured: 0.05 });
    expect(judgeSlo(errors, calls({ ok: 94, fail: 3, unknown: 3 }), ended).verdict).toBe('fail');
  });
  test('no calls are no 0 % errors', () => {
    expect(judgeSlo({ ...errors, minSamples: 0 }, calls({ calls: 0, ok: 0 }), ended).verdict).toBe('inconclusive');
  });
  test('a load that no service is named for is that of its scenario, else of the platform', () => {
    const { service: _, ...anyService } = errors;
    expect(judgeSlo({ ...anyService, scenario: 'flash' }, calls({}), history(aRun())).service).toBe('order-capture');
    expect(judgeSlo(anyService, calls({}), ended).service).toBe('platform');
  });
});
