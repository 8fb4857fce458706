import { describe, expect, test } from 'vitest';
import type { HpaMetric } from '../../../src/model/run-records.ts';
import { at } from '../../builders/a-run.ts';
import { aScaledPod, detail, type Scaling, scale } from '../../builders/a-scaling.ts';

const old = aScaledPod('old', { created: -20, scheduled: -20, started: -19, ready: -18 });
const fresh = aScaledPod('new', { created: 85, scheduled: 86, started: 90, ready: 95 });
const other = aScaledPod('other', { created: 85, scheduled: 85, started: 87, ready: 89 });
const pods: Scaling['pods'] = (s) => [...old(s), ...other(s), ...fresh(s)];

function stagesOf(scaling: Scaling) {
  const { scaling: summary } = scale(scaling);
  return Object.fromEntries((summary?.stages ?? []).map((stage) => [stage.name, stage]));
}

describe('the parts of a scale-up', () => {
  test('lie end to end from the load step to Ready, and the service level follows', () => {
    const stages = stagesOf({ pods, metric: (s) => (s < 80 ? 50 : 90) });
    const found = Object.values(stages).map(({ name, durationMs, resolutionMs }) => [name, durationMs, resolutionMs]);
    expect(found).toEqual([
      ['metric', 10_000, 1_000],
      ['decision', 5_000, 1_000],
      ['scheduling', 1_000, 1_000],
      ['start', 4_000, 1_000],
      ['readiness', 5_000, 1_000],
      ['service-level-back', 1_000, 1_000],
    ]);
    expect(stages.metric?.fromAt).toBe(at(70));
    expect(stages.readiness).toMatchObject({ toAt: at(95), note: 'pod new' });
    for (const { source } of Object.values(stages)) expect(source).toMatch(/clock of the (harness|cluster|load generator)/);
  });

  test('follow the pod that made the number full, not the first that was Ready', () => {
    expect(stagesOf({ pods: (s) => [...old(s), ...fresh(s), ...other(s)] }).readiness?.note).toBe('pod new');
  });

  test('of a pod come from the clock of the cluster, moved by its offset and held within the looks', () => {
    const shifted = (s: number) => pods(s).map((pod) => ({ ...pod, startedServerAt: shift(pod.startedServerAt, 7_300) }));
    expect(stagesOf({ pods: shifted, offsetMs: 7_300 }).start?.toAt).toBe(at(90));
    // A clock that is off without our knowing cannot move it out of the two looks between which it was seen.
    expect(stagesOf({ pods: shifted }).start?.toAt).toBe(at(90));
    const early = (s: number) => pods(s).map((pod) => ({ ...pod, startedServerAt: shift(pod.startedServerAt, -40_000) }));
    expect(stagesOf({ pods: early }).start?.toAt).toBe(at(89));
  });

  test('that were not recorded are told, and their time is in the next part', () => {
    const bare = (s: number) => pods(s).map(({ scheduledServerAt: _, startedServerAt: __, ...pod }) => pod);
    const stages = stagesOf({ pods: bare });
    expect(stages.scheduling).toMatchObject({ durationMs: null, note: expect.stringContaining('not recorded') });
    expect(stages.start).toMatchObject({ durationMs: null });
    expect(stages.readiness?.durationMs).toBe(10_000);
  });

  test('of a scale-up that never came have no times, only reasons', () => {
    const stages = stagesOf({ pods: old, desired: () => 2, ready: () => 2, missed: (s) => s > 72 });
    expect(stages.metric).toMatchObject({ durationMs: null, note: expect.stringContaining('no metric was seen above') });
    expect(stages.decision).toMatchObject({ durationMs: null, note: 'desiredReplicas never rose' });
    expect(stages.readiness).toMatchObject({ durationMs: null });
    expect(stages['service-level-back']).toMatchObject({ durationMs: null, note: expect.stringContaining('not back') });
  });

  test('say when the metric had been above its target before the step', () => {
    expect(stagesOf({ pods, metric: () => 90 }).metric).toMatchObject({
      durationMs: 0,
      note: expect.stringContaining('before the load step'),
    });
  });

  test('take a metric that is above its target by no more than the tolerance for not above', () => {
    expect(stagesOf({ pods, metric: (s) => (s < 80 ? 50 : 55) }).metric?.durationMs).toBeNull();
    const behavior = { scaleUp: { tolerance: '0.05' } };
    expect(stagesOf({ pods, metric: (s) => (s < 80 ? 50 : 55), behavior }).metric?.durationMs).toBe(10_000);
  });

  test('read the metric from the metrics API where that shows it sooner than the autoscaler says', () => {
    const uses = (s: number) =>
      s % 5 === 0 ? [{ name: 'old', cpuCores: s < 76 ? 0.4 : 0.9, memoryBytes: 1e8, serverAt: at(s - 1), windowMs: 5_000 }] : [];
    const metric = stagesOf({ pods, uses, metric: (s) => (s < 85 ? 50 : 90) }).metric;
    expect(metric).toMatchObject({ durationMs: 10_000, source: expect.stringContaining('metrics API (cpu)') });
    expect(scale({ pods, uses, behavior: {} }).scaling?.bound?.text).toContain('a metric every 5 s (measured)');
  });

  test('name the fault that came before the service level was back', () => {
    expect(stagesOf({ pods, faultAt: 80 })['service-level-back']?.note).toBe('crash came in between');
    expect(stagesOf({ pods, faultAt: 120 })['service-level-back']?.note).toBeUndefined();
    expect(stagesOf({ pods, missed: () => false, faultAt: 80 })['service-level-back']?.note).toContain('it never left');
  });

  test('are in the details of the objective too', () => {
    const judged = scale({ pods, metric: (s) => (s < 80 ? 50 : 90) });
    expect(detail(judged, 'of it metric delay')).toBe(10_000);
    expect(detail(judged, 'of it start')).toBe(4_000);
  });
});

describe('what it scales on', () => {
  const queue = (current: number | null): HpaMetric => ({
    type: 'External',
    name: 's0-rabbitmq-pos',
    of: 'scaledobject.keda.sh/name=pos',
    targetKind: 'AverageValue',
    target: 30,
    current,
  });

  test('is told for external metrics and for the ScaledObject that made it', () => {
    const { scaling, result } = scale({ metrics: () => [queue(10)], scaler: { kind: 'ScaledObject', name: 'pos' } });
    expect(scaling).toMatchObject({
      scalesOn: ['external metric s0-rabbitmq-pos of scaledobject.keda.sh/name=pos: 30 on average a pod'],
      madeBy: 'ScaledObject pos (KEDA)',
    });
    expect(result.details.find(({ name }) => name === 'scales on')?.value).toContain('ScaledObject pos (KEDA)');
  });

  test('the metric that is furthest above its target decides', () => {
    const cpu: HpaMetric = { type: 'Resource', name: 'cpu', of: '', targetKind: 'Utilization', target: 50, current: 20 };
    const stages = stagesOf({ pods, metrics: (s) => [cpu, queue(s < 78 ? 10 : 90)] });
    expect(stages.metric).toMatchObject({ durationMs: 8_000, note: 's0-rabbitmq-pos at 90, target 30' });
  });

  test('a metric that is unknown is none', () => {
    expect(stagesOf({ pods, metrics: () => [queue(null)] }).metric?.durationMs).toBeNull();
  });
});

function shift(value: number | null | undefined, ms: number): number | null {
  return value === null || value === undefined ? null : value + ms;
}
