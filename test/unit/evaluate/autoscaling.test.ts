import { describe, expect, test } from 'vitest';
import { scaleUpBound } from '../../../src/evaluate/autoscaling-bound.ts';
import { directionChanges } from '../../../src/evaluate/autoscaling-looks.ts';
import { loadFallAt, riseOf } from '../../../src/evaluate/autoscaling-step.ts';
import { anEnvironment, aPlan, aRun, at, flashSale, history } from '../../builders/a-run.ts';
import { detail, scale } from '../../builders/a-scaling.ts';

describe('judgeAutoscaling', () => {
  test('measures from the load step to desired, Ready and the service level back', () => {
    const result = scale();
    expect(result.result).toMatchObject({
      verdict: 'pass',
      measured: 25_000,
      target: 30_000,
      unit: 'ms',
      errorBar: 1_000,
      service: 'platform',
    });
    expect(detail(result, 'load step to desired')).toBe(15_000);
    expect(detail(result, 'load step to 4 Ready')).toBe(25_000);
    expect(detail(result, 'load step to service level back')).toBe(26_000);
  });

  test('passes exactly on the limits', () => {
    expect(scale({}, { maxDesiredMs: 15_000, maxReadyMs: 25_000, maxServiceLevelBackMs: 26_000 }).result.verdict).toBe('pass');
  });

  test.each([
    ['desired too late', { maxDesiredMs: 14_000 }, 'desiredReplicas rose'],
    ['Ready too late', { maxReadyMs: 24_000 }, '4 replicas were Ready'],
    ['service level back too late', { maxServiceLevelBackMs: 25_000 }, 'the service level was back'],
    ['too few replicas', { minReplicasReached: 5 }, '4 replicas were Ready at most'],
  ])('fails when %s', (_, changes, reason) => {
    expect(scale({}, changes).result).toMatchObject({ verdict: 'fail', reason: expect.stringContaining(reason) });
  });

  test('fails when the scale-up is ignored', () => {
    expect(scale({ desired: () => 2, ready: () => 2 }).result).toMatchObject({ verdict: 'fail', censored: true });
    expect(scale({ ready: () => 2 }).result).toMatchObject({ verdict: 'fail', censored: true });
  });

  test('fails when it flaps', () => {
    const result = scale({ desired: (s) => (s < 85 ? 2 : s % 10 < 5 ? 4 : 3) });
    expect(result.result).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('changed direction') });
  });

  test('an autoscaler without metrics is inconclusive, not slow', () => {
    expect(scale({ desired: () => 2, ready: () => 2, active: () => 'False' }).result).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('FailedGetResourceMetric'),
    });
  });

  test('one look without metrics on the way is told only', () => {
    expect(scale({ active: (s) => (s === 72 ? 'Unknown' : 'True') }).result.verdict).toBe('pass');
  });

  test('is inconclusive when the autoscaler or the replicas were not seen', () => {
    expect(scale({ silent: () => true }).result.verdict).toBe('inconclusive');
    expect(scale({ silent: (s) => s >= 70 }).result.verdict).toBe('inconclusive');
  });

  test('a limit missed in a hole of the observations is inconclusive', () => {
    const silent = (s: number) => s > 75 && s < 105;
    expect(scale({ silent }).result.verdict).toBe('inconclusive');
    expect(scale({ silent: (s) => s > 75 && s < 80 }, { maxDesiredMs: 14_000 }).result.verdict).toBe('fail');
  });

  test('replicas that were there before the step show nothing', () => {
    expect(scale({ desired: () => 4, ready: () => 4 }).result).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('nothing to scale'),
    });
  });

  test('tells when maxReplicas held it back', () => {
    expect(detail(scale({ limited: true }), 'limited by maxReplicas')).toBe('yes');
    expect(detail(scale(), 'limited by maxReplicas')).toBe('no');
  });

  test('a service level that is not back because of maxReplicas fails with that reason', () => {
    const { result } = scale({ limited: true, maxReplicas: 4, missed: (s) => s >= 72 });
    expect(result).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('limited by maxReplicas (4)') });
    expect(scale({ missed: (s) => s >= 72 }).result.reason).not.toContain('maxReplicas');
  });

  test('what was slow before the maximum was felt is not put down to it', () => {
    const { result } = scale({ limitedFrom: 90 }, { maxDesiredMs: 14_000, maxReadyMs: 24_000 });
    expect(result.reason).toMatch(
      /4 replicas were Ready 25 s [^;]*; the autoscaler was limited by maxReplicas \(6\); desiredReplicas rose 15 s [^;]*$/,
    );
  });

  test('an autoscaler that was at its maximum before the step fails when the service level is not back, and else had nothing to scale', () => {
    const atMax = { desired: () => 1, ready: () => 1, limited: true, maxReplicas: 1 };
    expect(scale({ ...atMax, missed: (s) => s >= 72 }, { minReplicasReached: 1 }).result).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('limited by maxReplicas (1)'),
    });
    expect(scale({ ...atMax, missed: () => false }, { minReplicasReached: 1 }).result.verdict).toBe('inconclusive');
    expect(scale(atMax).result).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('limited by maxReplicas (1)') });
  });

  test('a service level that never came back fails, one that never left is back at once', () => {
    expect(scale({ missed: (s) => s >= 72 }).result).toMatchObject({ verdict: 'fail', censored: true });
    expect(detail(scale({ missed: () => false }), 'load step to service level back')).toBe(0);
  });
});

describe('the load step', () => {
  test('is over where the next lower rate begins, or with the load', () => {
    expect(loadFallAt('flash', history())).toBe(at(130));
    const steady = { ...flashSale, stages: flashSale.stages.slice(0, 4) };
    expect(loadFallAt('flash', history(aRun({ plan: aPlan({ load: { scenarios: [steady] } }) })))).toBe(at(130));
    expect(loadFallAt('other', history())).toBeNull();
  });

  test('is where the biggest rise after the first stage begins', () => {
    expect(riseOf(flashSale)).toMatchObject({ offsetMs: 70_000, text: 'flash from 2/s to 6/s' });
    expect(riseOf({ ...flashSale, stages: flashSale.stages.slice(0, 2) })).toMatchObject({ offsetMs: 0 });
  });
});

test('directionChanges counts turns, not steps', () => {
  expect(directionChanges([2, 3, 4, 4, 6])).toBe(0);
  expect(directionChanges([2, 4, 4, 3, 2])).toBe(1);
  expect(directionChanges([2, 4, 3, 4, 3])).toBe(3);
  expect(directionChanges([])).toBe(0);
});

describe('scaleUpBound', () => {
  const kubernetes = (hpa: Record<string, unknown>) => ({
    ...anEnvironment(),
    kubernetes: { version: '1.34', context: 'c', namespace: 'n', hpa, hpaSyncSeconds: 15 },
  });
  const metric = { ms: 10_000, text: '10 s (measured)' };
  test('is stabilisation and policies at best, and metric and sync on top at worst', () => {
    const behavior = { scaleUp: { stabilizationWindowSeconds: 30, policies: [{ type: 'Pods', value: 1, periodSeconds: 20 }] } };
    const bound = scaleUpBound(kubernetes({ behavior }), 2, 5, metric);
    expect(bound).toMatchObject({ fastestMs: 70_000, slowestMs: 105_000 });
    expect(bound?.text).toContain(
      'a metric every 10 s (measured), twice that at worst, + sync 15 s + stabilisation 30 s + policies 40 s',
    );
    expect(scaleUpBound(kubernetes({ spec: { behavior } }), 2, 5, metric)).toEqual(bound);
  });
  test('knows the defaults of Kubernetes', () => {
    expect(scaleUpBound(kubernetes({}), 2, 5, metric)).toMatchObject({ fastestMs: 0, slowestMs: 35_000 });
  });
  test('of an autoscaler that may not scale up has no figure', () => {
    const disabled = kubernetes({ behavior: { scaleUp: { selectPolicy: 'Disabled' } } });
    expect(scaleUpBound(disabled, 2, 5, metric)).toMatchObject({ fastestMs: null, slowestMs: null });
    const zero = kubernetes({ behavior: { scaleUp: { policies: [{ type: 'Pods', value: 0, periodSeconds: 20 }] } } });
    expect(scaleUpBound(zero, 2, 5, metric)?.fastestMs).toBeNull();
  });
  test('is silent without an autoscaler', () => expect(scaleUpBound(anEnvironment(), 2, 5, metric)).toBeNull());
});
