import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyMemory, rememberScale, resolveBehavior } from '../../../../lab/processes/kubernetes/controllers/behavior.ts';
import {
  type DecideInput,
  type Decision,
  decideReplicas,
} from '../../../../lab/processes/kubernetes/controllers/decide-replicas.ts';

const nowMs = 50_000_000;

/** `count` pods that have long been ready, each using `milli` of a request of 1000. */
function anInput(count: number, milli: number, change: Partial<DecideInput> = {}): DecideInput {
  const names = Array.from({ length: count }, (_, index) => `pod-${index}`);
  return {
    nowMs,
    currentReplicas: count,
    minReplicas: 2,
    maxReplicas: 10,
    targetUtilization: 60,
    pods: names.map((name) => ({
      name,
      phase: 'Running',
      deleting: false,
      startedAt: nowMs - 3_600_000,
      ready: { status: true, changedAt: nowMs - 3_500_000 },
      requestMilli: 1000,
    })),
    samples: new Map(names.map((name) => [name, { milli, sampledAt: nowMs, windowMs: 15_000 }])),
    ...change,
  };
}

function condition(decision: Decision, type: string) {
  return decision.conditions.find((entry) => entry.type === type);
}

describe('decideReplicas', () => {
  test('scales up at once and says why', () => {
    const decision = decideReplicas(anInput(2, 900));
    expect(decision).toMatchObject({
      desiredReplicas: 3,
      rescale: true,
      rescaleReason: 'cpu resource utilization (percentage of request) above target',
      current: { utilization: 90, averageMilli: 900 },
    });
    expect(condition(decision, 'ScalingActive')).toMatchObject({ status: 'True', reason: 'ValidMetricFound' });
    expect(condition(decision, 'ScalingLimited')).toMatchObject({ status: 'False', reason: 'DesiredWithinRange' });
  });

  test('scales down only when the whole window recommended it', () => {
    const busy = { ...emptyMemory, recommendations: [{ at: nowMs - 200_000, replicas: 6 }] };
    const held = decideReplicas(anInput(6, 100, { memory: busy }));
    expect(held).toMatchObject({ desiredReplicas: 6, rescale: false });
    expect(condition(held, 'AbleToScale')).toMatchObject({ status: 'True', reason: 'ScaleDownStabilized' });
    const later = decideReplicas(
      anInput(6, 100, { memory: { ...emptyMemory, recommendations: [{ at: nowMs - 300_000, replicas: 6 }] } }),
    );
    expect(later).toMatchObject({ desiredReplicas: 2, rescale: true, rescaleReason: 'All metrics below target' });
  });

  test('reports the maximum as the limit', () => {
    const decision = decideReplicas(anInput(8, 1000));
    expect(decision.desiredReplicas).toBe(10);
    expect(condition(decision, 'ScalingLimited')).toMatchObject({ status: 'True', reason: 'TooManyReplicas' });
  });

  test('reports the minimum as the limit while idle', () => {
    const decision = decideReplicas(anInput(2, 0));
    expect(decision).toMatchObject({ desiredReplicas: 2, rescale: false });
    expect(condition(decision, 'ScalingLimited')).toMatchObject({ status: 'True', reason: 'TooFewReplicas' });
  });

  test('brings a count outside the bounds back without looking at metrics', () => {
    expect(decideReplicas(anInput(12, 0, { samples: null }))).toMatchObject({
      desiredReplicas: 10,
      rescale: true,
      rescaleReason: 'Current number of replicas above Spec.MaxReplicas',
    });
    expect(decideReplicas(anInput(1, 0, { samples: null }))).toMatchObject({
      desiredReplicas: 2,
      rescaleReason: 'Current number of replicas below Spec.MinReplicas',
    });
  });

  test('is switched off by a target of zero replicas', () => {
    const decision = decideReplicas(anInput(0, 0));
    expect(decision).toMatchObject({ desiredReplicas: 0, rescale: false });
    expect(condition(decision, 'ScalingActive')).toMatchObject({ status: 'False', reason: 'ScalingDisabled' });
  });

  test('without a metrics API it changes nothing and warns', () => {
    const decision = decideReplicas(anInput(3, 0, { samples: null }));
    expect(decision).toMatchObject({ rescale: false, current: null, warning: { reason: 'FailedGetResourceMetric' } });
    expect(condition(decision, 'ScalingActive')).toMatchObject({ status: 'False', reason: 'FailedGetResourceMetric' });
  });

  test('keeps within the bounds and the rate whatever the usage', () => {
    const input = fc.record({
      count: fc.integer({ min: 2, max: 10 }),
      milli: fc.nat(5000),
      targetUtilization: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(input, ({ count, milli, targetUtilization }) => {
        const { desiredReplicas, rescale } = decideReplicas(anInput(count, milli, { targetUtilization }));
        expect(desiredReplicas).toBeGreaterThanOrEqual(2);
        expect(desiredReplicas).toBeLessThanOrEqual(Math.min(10, Math.max(count + 4, count * 2)));
        expect(rescale).toBe(desiredReplicas !== count);
      }),
    );
  });

  test('never adds more within a period than the policy allows, over a whole run', () => {
    const behavior = { scaleUp: { policies: [{ type: 'Pods', value: 3, periodSeconds: 60 }] } } as const;
    fc.assert(
      fc.property(fc.array(fc.nat(3000), { minLength: 8, maxLength: 40 }), (usages) => {
        let memory = emptyMemory;
        let replicas = 2;
        const added: { at: number; by: number }[] = [];
        usages.forEach((milli, tick) => {
          const at = nowMs + tick * 15_000;
          const decision = decideReplicas({ ...anInput(replicas, milli, { memory, behavior, maxReplicas: 100 }), nowMs: at });
          memory = decision.memory;
          if (!decision.rescale) return;
          memory = rememberScale(memory, replicas, decision.desiredReplicas, resolveBehavior(behavior, 0.1), at);
          if (decision.desiredReplicas > replicas) added.push({ at, by: decision.desiredReplicas - replicas });
          replicas = decision.desiredReplicas;
        });
        for (const start of added) {
          const inPeriod = added.filter((it) => it.at >= start.at && it.at < start.at + 60_000);
          expect(inPeriod.reduce((sum, it) => sum + it.by, 0)).toBeLessThanOrEqual(3);
        }
      }),
      { numRuns: 50 },
    );
  });
});
