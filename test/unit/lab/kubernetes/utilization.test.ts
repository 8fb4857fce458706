import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type HpaPod,
  type PodSample,
  replicasForUtilization,
  type UtilizationInput,
} from '../../../../lab/processes/kubernetes/controllers/utilization.ts';

const nowMs = 10_000_000;
const windowMs = 15_000;

function aPod(name: string, change: Partial<HpaPod> = {}): HpaPod {
  return {
    name,
    phase: 'Running',
    deleting: false,
    startedAt: nowMs - 3_600_000,
    ready: { status: true, changedAt: nowMs - 3_500_000 },
    requestMilli: 1000,
    ...change,
  };
}

function anInput(milli: readonly (number | null)[], change: Partial<UtilizationInput> = {}): UtilizationInput {
  const pods = change.pods ?? milli.map((_, index) => aPod(`pod-${index}`));
  const samples = new Map<string, PodSample>();
  milli.forEach((value, index) => {
    if (value !== null) samples.set(`pod-${index}`, { milli: value, sampledAt: nowMs, windowMs });
  });
  return {
    nowMs,
    currentReplicas: pods.length,
    targetUtilization: 50,
    scaleUpTolerance: 0.1,
    scaleDownTolerance: 0.1,
    cpuInitializationPeriodMs: 300_000,
    initialReadinessDelayMs: 30_000,
    pods,
    samples,
    ...change,
  };
}

/** Started a moment ago and not ready. */
const unready = { startedAt: nowMs - 10_000, ready: { status: false, changedAt: nowMs - 10_000 } };

function replicas(input: UtilizationInput): number {
  const outcome = replicasForUtilization(input);
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.replicas;
}

describe('replicasForUtilization', () => {
  test('multiplies the pods by usage over target and rounds up', () => {
    expect(replicas(anInput([750, 750, 750]))).toBe(5);
    expect(replicas(anInput([100, 100, 100, 100]))).toBe(1);
  });

  test('reports the utilisation in whole percent and the average in thousandths', () => {
    expect(replicasForUtilization(anInput([333, 666]))).toMatchObject({ utilization: 49, averageMilli: 499 });
  });

  test.each([
    [[550, 550], 2],
    [[560, 560], 3],
    [[450, 450], 2],
    [[440, 440], 2],
    [[220, 220], 1],
  ])('keeps the count within a tenth of the target: %j gives %i', (milli, expected) => {
    expect(replicas(anInput(milli))).toBe(expected);
  });

  test('counts pods that are not ready as idle when scaling up', () => {
    const pods = [aPod('pod-0'), aPod('pod-1', unready), aPod('pod-2', unready)];
    // 1 pod at 90 % of its request: alone 1.8 x target; over three pods 0.6 x, which would turn round, so nothing changes.
    expect(replicas(anInput([900, 0, 0], { pods }))).toBe(3);
    const more = [aPod('pod-0'), aPod('pod-1'), aPod('pod-2', unready)];
    expect(replicas(anInput([1000, 1000, 0], { pods: more }))).toBe(4);
  });

  test('leaves pods that are not ready out when scaling down', () => {
    const pods = [aPod('pod-0'), aPod('pod-1'), aPod('pod-2', unready)];
    expect(replicas(anInput([100, 100, 1000], { pods }))).toBe(1);
  });

  test('does not count a sample that began before the pod turned ready', () => {
    const fresh = aPod('pod-1', { startedAt: nowMs - 20_000, ready: { status: true, changedAt: nowMs - windowMs + 1 } });
    const settled = aPod('pod-1', { startedAt: nowMs - 20_000, ready: { status: true, changedAt: nowMs - windowMs } });
    expect(replicas(anInput([500, 1000], { pods: [aPod('pod-0'), fresh] }))).toBe(2);
    expect(replicas(anInput([500, 1000], { pods: [aPod('pod-0'), settled] }))).toBe(3);
  });

  test('counts an old pod that lost its readiness, because its work is real', () => {
    const lost = aPod('pod-1', { ready: { status: false, changedAt: nowMs - 5_000 } });
    expect(replicas(anInput([1000, 1000], { pods: [aPod('pod-0'), lost] }))).toBe(4);
  });

  test('ignores an old pod that was never ready', () => {
    const startedAt = nowMs - 3_600_000;
    const never = aPod('pod-1', { startedAt, ready: { status: false, changedAt: startedAt } });
    expect(replicas(anInput([300, 1000], { pods: [aPod('pod-0'), never] }))).toBe(1);
  });

  test('takes a pod without a sample as fully busy when scaling down and as idle when scaling up', () => {
    expect(replicas(anInput([100, 100, null]))).toBe(3);
    expect(replicas(anInput([100, 100, 100, 100, null]))).toBe(3);
    expect(replicas(anInput([1000, 1000, null]))).toBe(4);
    expect(replicas(anInput([600, null]))).toBe(2);
  });

  test('leaves out pods that are being deleted or have failed', () => {
    const pods = [aPod('pod-0'), aPod('pod-1', { deleting: true }), aPod('pod-2', { phase: 'Failed' })];
    expect(replicas(anInput([1000, 0, 0], { pods, currentReplicas: 1 }))).toBe(2);
  });

  test('treats a pending pod as not ready', () => {
    const pods = [aPod('pod-0'), aPod('pod-1', { phase: 'Pending', ready: null, startedAt: null })];
    expect(replicas(anInput([2000, null], { pods }))).toBe(4);
  });

  test.each([
    ['no metrics at all', anInput([null, null]), 'no metrics returned'],
    ['no pods', anInput([100], { pods: [], currentReplicas: 1 }), 'no pods returned by selector'],
    ['samples of unready pods only', anInput([100], { pods: [aPod('pod-0', unready)] }), 'any ready pods'],
    ['a pod without a request', anInput([100], { pods: [aPod('pod-0', { requestMilli: 0 })] }), 'missing request for cpu'],
  ])('says why there is no answer: %s', (_title, input, message) => {
    const outcome = replicasForUtilization(input);
    expect(outcome).toMatchObject({ ok: false, message: expect.stringContaining(message) });
  });

  test('never asks for more when usage is below the target, nor for less when above', () => {
    const usage = fc.array(fc.option(fc.integer({ min: 0, max: 2000 }), { nil: null }), { minLength: 1, maxLength: 12 });
    const readiness = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(usage, readiness, fc.integer({ min: 10, max: 100 }), (milli, ready, targetUtilization) => {
        const pods = milli.map((_, index) => aPod(`pod-${index}`, ready[index] === true ? {} : unready));
        const outcome = replicasForUtilization(anInput(milli, { pods, targetUtilization }));
        if (!outcome.ok) return true;
        if (outcome.utilization <= targetUtilization) return outcome.replicas <= pods.length;
        return outcome.replicas >= pods.length;
      }),
    );
  });
});
