import { describe, expect, test } from 'vitest';
import { adviseRightsizing } from '../../../src/evaluate/rightsizing.ts';
import type { GuardResult, RightsizingAdvice } from '../../../src/model/evaluation.ts';
import type { PodObservation, PodUse } from '../../../src/model/run-records.ts';
import { at } from '../../builders/a-run.ts';
import { type Scaling, scale, scalingHistory } from '../../builders/a-scaling.ts';

const aPod = (name: string, changes: Partial<PodObservation> = {}): PodObservation => ({
  name,
  uid: name,
  phase: 'Running',
  ready: true,
  restarts: 0,
  deleting: false,
  createdServerAt: at(-60),
  readyServerAt: at(-55),
  requests: { cpuCores: 0.5, memoryBytes: 256 * 2 ** 20 },
  limits: { cpuCores: 1, memoryBytes: 512 * 2 ** 20 },
  ...changes,
});

/** Two pods, a figure each every 5 s, over 5 s. */
function uses(cpu: (s: number) => number, memoryBytes: number | null = 100 * 2 ** 20): Scaling['uses'] {
  return (s): readonly PodUse[] =>
    s % 5 === 0 ? ['a', 'b'].map((name) => ({ name, cpuCores: cpu(s), memoryBytes, serverAt: at(s), windowMs: 5_000 })) : [];
}

const held: readonly GuardResult[] = [{ id: 'load-delivered', held: true, reason: '', objectives: [] }];

function advise(scaling: Scaling = {}, guards: readonly GuardResult[] = held) {
  const full: Scaling = { pods: () => [aPod('a'), aPod('b')], uses: uses(() => 0.3), missed: () => false, ...scaling };
  const { scaling: summary } = scale(full);
  return adviseRightsizing(scalingHistory(full), guards, summary === null ? [] : [summary]);
}

function of(setting: RightsizingAdvice['setting'], scaling: Scaling = {}): RightsizingAdvice | undefined {
  return advise(scaling)?.advice.find((one) => one.setting === setting);
}

describe('figures of use', () => {
  test('stand by phase: p95 and most of a pod, all pods together, replicas', () => {
    const found = advise({ uses: uses((s) => (s <= 70 ? 0.1 : 0.4)) })?.phases;
    expect(found?.map(({ phase }) => phase)).toEqual(['warm-up', 'baseline', 'disturbance', 'recovery', 'settle']);
    expect(found?.[1]).toMatchObject({ podCpuP95Cores: 0.1, totalCpuP95Cores: 0.2, readyMax: 2, desiredMax: 2 });
    expect(found?.[2]).toMatchObject({
      samples: 24,
      podCpuP95Cores: 0.4,
      podCpuMaxCores: 0.4,
      readyMin: 2,
      readyMax: 4,
      desiredMax: 4,
    });
  });

  test('belong to the phase in which the middle of their window lies', () => {
    // The figure of 70 s covers 65 to 70 s, which is baseline.
    expect(advise({ uses: uses((s) => (s === 70 ? 0.9 : 0.1)) })?.phases[1]).toMatchObject({ podCpuMaxCores: 0.9 });
  });
});

describe('no advice', () => {
  test.each([
    ['without figures of use', { uses: () => [] }, 'not measured'],
    ['with too few of them', { uses: (s: number) => (s === 90 ? (uses(() => 0.3)?.(90) ?? []) : []) }, 'only 2 figures'],
  ] as const)('%s', (_, scaling, reason) => {
    expect(advise(scaling)).toMatchObject({ advice: [], noAdvice: expect.stringContaining(reason) });
  });

  test('names the gap that hid them', () => {
    const scaling: Scaling = { uses: () => [], gaps: [{ source: 'pod-metrics', from: 0, to: 190 }] };
    expect(advise(scaling)?.noAdvice).toContain('metrics API not seen for 190 s: connect ECONNREFUSED');
  });

  test('when the load was not delivered', () => {
    const guards = [{ id: 'load-delivered', held: false, reason: 'the load was not delivered: k6 died', objectives: [] }];
    expect(advise({}, guards)).toMatchObject({ advice: [], noAdvice: 'the load was not delivered: k6 died' });
  });

  test('of any kind without a workload', () => {
    expect(adviseRightsizing(scalingHistory({ silent: () => true }), held, [])).toBeNull();
  });
});

describe('requests', () => {
  test('of cpu follow the 95th percentile at the peak with 15 % on top', () => {
    expect(of('cpu request', { uses: uses((s) => (s < 70 ? 0.1 : 0.8)) })).toMatchObject({ current: 0.5, advised: 0.92 });
    expect(of('cpu request', { uses: uses(() => 0.1) })).toMatchObject({
      advised: 0.12,
      reason: expect.stringContaining('at most 0.1 cores (20 % of its request'),
    });
  });

  test('that are close enough stay', () => {
    expect(of('cpu request', { uses: uses(() => 0.45) })).toMatchObject({ current: 0.5, advised: 0.5 });
  });

  test('say when the limit hides the need', () => {
    expect(of('cpu request', { uses: uses(() => 0.99) })?.reason).toContain('its limit of 1 core, so it may need more');
  });

  test('are given where none is set', () => {
    const bare = { requests: { cpuCores: null, memoryBytes: null } };
    expect(of('cpu request', { pods: () => [aPod('a', bare)] })).toMatchObject({ current: null, advised: 0.35 });
  });

  test('of memory follow the most that was used in the whole run', () => {
    expect(of('memory request', { uses: uses(() => 0.3, 400 * 2 ** 20) })).toMatchObject({ advised: 460 * 2 ** 20 });
    expect(of('memory request', { uses: uses(() => 0.3, 500 * 2 ** 20) })?.reason).toContain('close to its limit of 512 MiB');
    expect(of('memory request', { uses: uses(() => 0.3, null) })).toMatchObject({
      advised: null,
      reason: 'the metrics API gave no memory',
    });
  });
});

describe('replicas', () => {
  /** A queue at `current` an average pod, 50 wanted. */
  const queue = (current: (s: number) => number | null) => (s: number) => [
    { type: 'External', name: 'jobs', of: '', targetKind: 'AverageValue', target: 50, current: current(s) } as const,
  ];
  const overrun = (s: number) => (s < 72 ? 25 : s < 95 ? 110 : 50);
  const missed = (s: number) => s >= 72 && s < 94;
  const waiting: Scaling = { missed, metrics: queue(overrun) };

  test('minReplicas rises to what the peak needed when clients waited for new pods', () => {
    expect(of('minReplicas', waiting)).toMatchObject({
      current: 2,
      advised: 5,
      reason: expect.stringContaining('missing for 24 s after the load step, until new pods were Ready'),
    });
  });

  test('minReplicas stays when the service level was lost to something else', () => {
    expect(of('minReplicas', { ...waiting, missed: (s) => s >= 72 && s < 125 })).toMatchObject({ advised: 2 });
    expect(of('minReplicas', { ...waiting, faultAt: 80 })).toMatchObject({
      advised: 2,
      reason: expect.stringContaining('but crash came in between'),
    });
  });

  test('minReplicas sinks to what the baseline needed, and two stay', () => {
    const idle: Scaling = { minReplicas: 4, desired: () => 4, ready: () => 4, metrics: queue(() => 5) };
    expect(of('minReplicas', idle)).toMatchObject({ current: 4, advised: 2 });
  });

  test('maxReplicas keeps a quarter free above the need, and is never lowered', () => {
    expect(of('maxReplicas', { metrics: queue(() => 50) })).toMatchObject({ current: 6, advised: 6 });
    expect(of('maxReplicas', { maxReplicas: 4, metrics: queue(() => 50) })).toMatchObject({ current: 4, advised: 5 });
  });

  test('maxReplicas that limited is raised above it', () => {
    const scaling: Scaling = { maxReplicas: 4, limited: true, metrics: queue((s) => (s < 72 ? 25 : 80)) };
    expect(of('maxReplicas', scaling)).toMatchObject({
      current: 4,
      advised: 9,
      reason: expect.stringContaining('limited by its maximum; the metric asked for 7 at least'),
    });
  });

  test('of an autoscaler on cpu are counted from what all pods used, a new one without figures as nothing', () => {
    const pods = (s: number) => [aPod('a'), aPod('b'), ...(s < 85 ? [] : [aPod('c')])];
    // 2 x 0.3 cores, 0.25 wanted a pod: 2.4 pods, although the average of the two is 120 % of the target.
    expect(of('maxReplicas', { pods, metric: () => 60 })?.reason).toContain('the metric needed 3,');
  });

  test('that its status gives are not read just after their number changed, when the average is of fewer pods', () => {
    const stale = queue((s) => (s < 80 ? 25 : s < 100 ? 100 : 50));
    expect(of('maxReplicas', { metrics: stale })?.reason).toContain('the metric needed 4,');
  });

  test('the target sinks when pods were overrun while clients waited for new ones', () => {
    const busy: Scaling = { missed, metric: overrun };
    expect(of('target utilisation', busy)).toMatchObject({ current: 0.5, advised: 0.45 });
    expect(of('target utilisation', { ...busy, missed: () => false })).toMatchObject({ current: 0.5, advised: 0.5 });
    expect(of('target utilisation', { ...busy, faultAt: 80 })).toMatchObject({ current: 0.5, advised: 0.5 });
  });

  test('a target of another kind has no advice', () => {
    expect(of('target utilisation', { metrics: queue(() => 50) })).toBeUndefined();
  });

  test('without a metric at the peak say so', () => {
    expect(of('maxReplicas', { metrics: queue(() => null) })).toMatchObject({
      advised: null,
      reason: expect.stringContaining('no metric'),
    });
  });
});
