import { describe, expect, test } from 'vitest';
import { directionChanges, judgeAutoscaling } from '../../../src/evaluate/autoscaling.ts';
import { hpaBound } from '../../../src/evaluate/autoscaling-bound.ts';
import { riseOf } from '../../../src/evaluate/autoscaling-step.ts';
import type { DemandSecond } from '../../../src/evaluate/figures.ts';
import type { AutoscalingObjectiveSpec } from '../../../src/model/plan.ts';
import type { Observation } from '../../../src/model/run-records.ts';
import { anEnvironment, aRun, at, flashSale, history, START } from '../../builders/a-run.ts';

/** The step of the builder's flash sale is at 70 s. */
const objective: AutoscalingObjectiveSpec = {
  id: 'hpa',
  kind: 'autoscaling',
  scenario: 'flash',
  maxDesiredMs: 20_000,
  maxReadyMs: 30_000,
  maxServiceLevelBackMs: 40_000,
  minReplicasReached: 4,
  maxFlaps: 1,
};

interface Scaling {
  readonly desired?: (s: number) => number;
  readonly ready?: (s: number) => number;
  readonly active?: (s: number) => string;
  readonly limited?: boolean;
  readonly silent?: (s: number) => boolean;
  readonly missed?: (s: number) => boolean;
}

function scale(scaling: Scaling = {}, changes: Partial<AutoscalingObjectiveSpec> = {}) {
  const {
    desired = (s) => (s < 85 ? 2 : 4),
    ready = (s) => (s < 95 ? 2 : 4),
    active = () => 'True',
    limited = false,
    silent = () => false,
  } = scaling;
  const observations = Array.from({ length: 200 }, (_, s): readonly Observation[] =>
    silent(s)
      ? []
      : [
          {
            at: at(s),
            source: 'hpa',
            name: 'erp',
            currentReplicas: ready(s),
            desiredReplicas: desired(s),
            minReplicas: 2,
            maxReplicas: 6,
            metric: 'cpu',
            currentValue: 50,
            targetValue: 50,
            conditions: [
              {
                type: 'ScalingActive',
                status: active(s),
                reason: active(s) === 'True' ? 'ValidMetricFound' : 'FailedGetResourceMetric',
                message: '',
              },
              {
                type: 'ScalingLimited',
                status: limited ? 'True' : 'False',
                reason: limited ? 'TooManyReplicas' : 'DesiredWithinRange',
                message: '',
              },
            ],
          },
          {
            at: at(s),
            source: 'deployment',
            name: 'erp',
            replicas: desired(s),
            readyReplicas: ready(s),
            updatedReplicas: desired(s),
          },
        ],
  ).flat();
  const missed = scaling.missed ?? ((s: number) => s >= 72 && s < 96);
  const demand: readonly DemandSecond[] = Array.from({ length: 190 }, (_, s) => ({
    at: START + s * 1000,
    scheduled: 6,
    ok: missed(s) ? 2 : 6,
  }));
  return judgeAutoscaling({ ...objective, ...changes }, demand, history(aRun({ observations })));
}

const detail = (result: ReturnType<typeof scale>, name: string) => result.details.find((row) => row.name === name)?.value;

describe('judgeAutoscaling', () => {
  test('measures from the load step to desired, Ready and the service level back', () => {
    const result = scale();
    expect(result).toMatchObject({
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
    expect(scale({}, { maxDesiredMs: 15_000, maxReadyMs: 25_000, maxServiceLevelBackMs: 26_000 }).verdict).toBe('pass');
  });

  test.each([
    ['desired too late', { maxDesiredMs: 14_000 }, 'desiredReplicas rose'],
    ['Ready too late', { maxReadyMs: 24_000 }, '4 replicas were Ready'],
    ['service level back too late', { maxServiceLevelBackMs: 25_000 }, 'the service level was back'],
    ['too few replicas', { minReplicasReached: 5 }, '4 replicas were Ready at most'],
  ])('fails when %s', (_, changes, reason) => {
    expect(scale({}, changes)).toMatchObject({ verdict: 'fail', reason: expect.stringContaining(reason) });
  });

  test('fails when the scale-up is ignored', () => {
    expect(scale({ desired: () => 2, ready: () => 2 })).toMatchObject({ verdict: 'fail', censored: true });
    expect(scale({ ready: () => 2 })).toMatchObject({ verdict: 'fail', censored: true });
  });

  test('fails when it flaps', () => {
    const result = scale({ desired: (s) => (s < 85 ? 2 : s % 10 < 5 ? 4 : 3) });
    expect(result).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('changed direction') });
  });

  test('an autoscaler without metrics is inconclusive, not slow', () => {
    expect(scale({ desired: () => 2, ready: () => 2, active: () => 'False' })).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('FailedGetResourceMetric'),
    });
  });

  test('one look without metrics on the way is told only', () => {
    expect(scale({ active: (s) => (s === 72 ? 'Unknown' : 'True') }).verdict).toBe('pass');
  });

  test('is inconclusive when the autoscaler or the replicas were not seen', () => {
    expect(scale({ silent: () => true }).verdict).toBe('inconclusive');
    expect(scale({ silent: (s) => s >= 70 }).verdict).toBe('inconclusive');
  });

  test('a limit missed in a hole of the observations is inconclusive', () => {
    const silent = (s: number) => s > 75 && s < 105;
    expect(scale({ silent }).verdict).toBe('inconclusive');
    expect(scale({ silent: (s) => s > 75 && s < 80 }, { maxDesiredMs: 14_000 }).verdict).toBe('fail');
  });

  test('replicas that were there before the step show nothing', () => {
    expect(scale({ desired: () => 4, ready: () => 4 })).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('nothing to scale'),
    });
  });

  test('tells when maxReplicas held it back, and the overshoot', () => {
    const result = scale({ limited: true, desired: (s) => (s < 85 ? 2 : 6), ready: (s) => (s < 95 ? 2 : 6) });
    expect(detail(result, 'limited by maxReplicas')).toBe('yes');
    expect(detail(result, 'overshoot')).toBe(2);
  });

  test('a service level that never came back fails, one that never left is back at once', () => {
    expect(scale({ missed: (s) => s >= 72 })).toMatchObject({ verdict: 'fail', censored: true });
    expect(detail(scale({ missed: () => false }), 'load step to service level back')).toBe(0);
  });
});

describe('the load step', () => {
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

describe('hpaBound', () => {
  const kubernetes = (hpa: Record<string, unknown>) => ({
    ...anEnvironment(),
    kubernetes: { version: '1.34', context: 'c', namespace: 'n', hpa, hpaSyncSeconds: 15 },
  });
  test('adds sync, stabilisation and the periods its policies need', () => {
    const behavior = { scaleUp: { stabilizationWindowSeconds: 30, policies: [{ type: 'Pods', value: 1, periodSeconds: 20 }] } };
    expect(hpaBound(kubernetes({ behavior }), 2, 5)).toContain(
      'up to 85 s by configuration: sync 15 s + stabilisation 30 s + policies 40 s',
    );
    expect(hpaBound(kubernetes({ spec: { behavior } }), 2, 5)).toContain('85 s');
  });
  test('knows the defaults of Kubernetes', () => expect(hpaBound(kubernetes({}), 2, 5)).toContain('up to 15 s'));
  test('is silent without an autoscaler', () => expect(hpaBound(anEnvironment(), 2, 5)).toBeNull());
});
