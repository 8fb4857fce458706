import { describe, expect, test } from 'vitest';
import type { ControlPlane } from '../../../../lab/processes/kubernetes/control-plane.ts';
import { aControlPlane, type ManualClock, type PaperRuntime } from './a-control-plane.ts';

const autoscalers = [
  {
    target: 'erp',
    minReplicas: 2,
    maxReplicas: 6,
    targetUtilization: 60,
    behavior: { scaleDown: { stabilizationWindowSeconds: 30 } },
  },
];
const timing = { autoscalers, syncPeriodMs: 5_000, metricResolutionMs: 5_000 };

async function load(clock: ManualClock, runtime: PaperRuntime, busyRatio: number, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    runtime.work('erp-', busyRatio);
    await clock.advance(1_000);
  }
}

function hpa(plane: ControlPlane) {
  const found = plane.store.get('horizontalpodautoscalers', 'erp', 'erp');
  if (found === undefined) throw new Error('no autoscaler');
  return found;
}

function replicas(plane: ControlPlane): number | undefined {
  return plane.store.get('deployments', 'erp', 'erp')?.spec.replicas;
}

describe('the autoscaler', () => {
  test('follows the measured busy time up to the maximum and back after the window', async () => {
    const { plane, runtime, clock, errors } = await aControlPlane(timing);
    await load(clock, runtime, 0.3, 20);
    expect(replicas(plane)).toBe(2);
    await load(clock, runtime, 0.95, 60);
    expect(replicas(plane)).toBe(6);
    expect(hpa(plane).status).toMatchObject({ currentReplicas: 6, desiredReplicas: 6, lastScaleTime: expect.any(String) });
    expect(hpa(plane).status.currentMetrics).toMatchObject([{ resource: { current: { averageUtilization: 95 } } }]);
    await load(clock, runtime, 0.05, 25);
    expect(replicas(plane)).toBe(6);
    await load(clock, runtime, 0.05, 30);
    expect(replicas(plane)).toBe(2);
    const messages = plane.store
      .list('events')
      .filter((event) => event.reason === 'SuccessfulRescale')
      .map((event) => event.message);
    expect(messages).toContain('New size: 2; reason: All metrics below target');
    expect(errors).toEqual([]);
  });

  test('warns and stands still without metrics', async () => {
    const { plane, runtime, clock } = await aControlPlane(timing);
    plane.metrics.available = false;
    await load(clock, runtime, 0.95, 30);
    expect(replicas(plane)).toBe(2);
    const active = hpa(plane).status.conditions?.find((condition) => condition.type === 'ScalingActive');
    expect(active).toMatchObject({ status: 'False', reason: 'FailedGetResourceMetric' });
    const warned = plane.store.list('events').find((event) => event.reason === 'FailedGetResourceMetric');
    expect(warned?.count).toBeGreaterThan(3);
  });

  test('with ignore-scale-up it wishes for more, announces it once, and nothing comes', async () => {
    const { plane, runtime, clock } = await aControlPlane({ ...timing, sabotage: { 'ignore-scale-up': true } });
    await load(clock, runtime, 0.95, 60);
    expect(hpa(plane).status).toMatchObject({ currentReplicas: 2, desiredReplicas: 4 });
    expect(replicas(plane)).toBe(2);
    expect(plane.store.list('pods')).toHaveLength(2);
    const announced = plane.store.list('events').filter((event) => event.reason === 'SuccessfulRescale');
    expect(announced.map((event) => event.count)).toEqual([1]);
  });

  test('says that its target is missing', async () => {
    const { plane, clock } = await aControlPlane({
      ...timing,
      autoscalers: [{ ...autoscalers[0], target: 'nothing', minReplicas: 1, maxReplicas: 2, targetUtilization: 50 }],
    });
    await clock.advance(5_000);
    const [autoscaler] = plane.store.list('horizontalpodautoscalers');
    expect(autoscaler?.status.conditions).toMatchObject([{ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale' }]);
  });

  test('does not take a restarted process for one that worked backwards', async () => {
    const { plane, runtime, clock } = await aControlPlane(timing);
    await load(clock, runtime, 0.5, 20);
    const pod = plane.store.list('pods')[0];
    if (pod === undefined) throw new Error('no pod');
    runtime.kill(pod.metadata.uid);
    await clock.advance(5_000);
    expect(plane.metrics.usageOf(pod)).toBeUndefined();
    await clock.advance(5_000);
    expect(plane.metrics.usageOf(pod)?.milli).toBe(0);
  });
});
