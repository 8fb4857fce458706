import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DemandSecond } from '../../../src/evaluate/figures.ts';
import { judgeRecovery } from '../../../src/evaluate/recovery.ts';
import type { RecoveryObjectiveSpec } from '../../../src/model/plan.ts';
import {
  aProbe,
  aRun,
  at,
  history,
  type ProbePattern,
  type RunSketch,
  START,
  steadyProbes,
  withFault,
} from '../../builders/a-run.ts';

const objective: RecoveryObjectiveSpec = {
  id: 'rto',
  kind: 'recovery',
  service: 'order-capture',
  fault: 'crash',
  maxRecoveryMs: 10_000,
  consecutive: 3,
  holdMs: 5_000,
  throughputRatio: 0.9,
  p95Factor: 3,
};

function recovery(pattern: ProbePattern, changes: Partial<RecoveryObjectiveSpec> = {}, demand: readonly DemandSecond[] = []) {
  return judge(withFault(aRun({ probes: steadyProbes(pattern) }), 'crash', 80), changes, demand);
}

function judge(run: RunSketch, changes: Partial<RecoveryObjectiveSpec> = {}, demand: readonly DemandSecond[] = []) {
  return judgeRecovery({ ...objective, ...changes }, demand, history(run));
}

describe('judgeRecovery', () => {
  test('counts from the fault, not from the first bad probe', () => {
    const { result, bracket } = recovery({ bad: [[82, 87]] });
    expect(bracket).toMatchObject({
      injectedAt: at(80),
      impactAt: at(82),
      firstOkAt: at(87),
      recoveredAt: at(87),
      recoveryMs: 7_000,
      errorBarMs: 500,
      censored: false,
    });
    expect(result).toMatchObject({ verdict: 'pass', measured: 7_000, errorBar: 500, margin: 0.3 });
  });

  test('passes exactly on the limit and fails one probe later', () => {
    expect(recovery({ bad: [[80, 90]] }).result).toMatchObject({ verdict: 'pass', measured: 10_000, margin: 0 });
    expect(recovery({ bad: [[80, 90.5]] }).result).toMatchObject({ verdict: 'fail', measured: 10_500 });
  });

  test('says when the target lies within the error bar', () => {
    expect(recovery({ bad: [[80, 90]] }).result.reason).toContain('within the error bar');
    expect(recovery({ bad: [[80, 85]] }).result.reason).not.toContain('within the error bar');
  });

  test('the first ok of a flapping service is no recovery', () => {
    const flapping: ProbePattern['bad'] = [
      [80, 82],
      [82.5, 84],
      [84.5, 86],
      [86.5, 88],
    ];
    const { bracket } = recovery({ bad: flapping });
    expect(bracket).toMatchObject({ firstOkAt: at(82), recoveredAt: at(88), recoveryMs: 8_000 });
  });

  test('N good probes in a row are needed, also where the share alone would do', () => {
    const bad: ProbePattern['bad'] = [
      [80, 82],
      [83, 83.5],
    ];
    expect(recovery({ bad }, { throughputRatio: 0.1, holdMs: 1_000 }).bracket).toMatchObject({
      firstOkAt: at(82),
      recoveredAt: at(83.5),
    });
  });

  test('a recovery that the end of the run did not let hold is none', () => {
    expect(recovery({ bad: [[80, 185.5]] }).result).toMatchObject({ verdict: 'fail', censored: true });
    expect(recovery({ bad: [[80, 185]] }).bracket).toMatchObject({ recoveredAt: at(185) });
  });

  test('a relapse after a held recovery counts: the last recovery is the one', () => {
    const { result, bracket } = recovery({
      bad: [
        [80, 83],
        [95, 99],
      ],
    });
    expect(bracket?.recoveryMs).toBe(19_000);
    expect(result).toMatchObject({ verdict: 'fail', reason: expect.stringContaining('after 1 relapse') });
  });

  test('a single bad probe long after the recovery is told, not counted', () => {
    const { result, bracket } = recovery({
      bad: [
        [80, 83],
        [150, 150.5],
      ],
    });
    expect(bracket?.recoveryMs).toBe(3_000);
    expect(result.evidence.at(-1)?.text).toContain('1 single bad probes after the recovery');
  });

  test('fails, censored, when it never recovered', () => {
    const { result, bracket } = recovery({ bad: [[81, 200]] });
    expect(bracket).toMatchObject({ censored: true, recoveredAt: null, recoveryMs: null });
    expect(result).toMatchObject({ verdict: 'fail', censored: true, measured: 110_000, margin: null });
  });

  test('fails, censored, when good probes never last', () => {
    const bad = Array.from({ length: 110 }, (_, i) => [80 + i, 80.5 + i] as const);
    expect(recovery({ bad }).result).toMatchObject({ verdict: 'fail', censored: true });
  });

  test('says that no impact was seen, with the interval as error', () => {
    const { result, bracket } = recovery({});
    expect(bracket).toMatchObject({ impactAt: null, firstOkAt: null, recoveryMs: 0, errorBarMs: 500 });
    expect(result).toMatchObject({ verdict: 'pass', measured: 0, reason: expect.stringContaining('no impact was seen') });
  });

  test('a probe that was under way when the fault struck shows its impact', () => {
    const probes = steadyProbes().map((probe) =>
      probe.sentAt === at(79.5)
        ? { ...probe, outcome: 'unknown' as const, good: false, answeredAt: at(84), latencyMs: 4_500 }
        : probe,
    );
    expect(judge(withFault(aRun({ probes }), 'crash', 80)).bracket).toMatchObject({ impactAt: at(80), recoveryMs: 0 });
  });

  test('is not back while the latency is not', () => {
    const { bracket, result } = recovery({ bad: [[80, 82]], latencyMs: (s) => (s >= 82 && s < 88 ? 200 : 20) });
    expect(bracket?.recoveredAt).toBe(at(88));
    expect(result.verdict).toBe('pass');
  });

  test('is not back while the load is not served as before, whatever the probes say', () => {
    const demand = Array.from({ length: 190 }, (_, i) => ({
      at: START + i * 1000,
      scheduled: 10,
      ok: i >= 80 && i < 95 ? 2 : 10,
    }));
    const { bracket } = recovery({ bad: [[80, 82]] }, {}, demand);
    expect(bracket?.recoveredAt).toBe(at(94.5));
  });

  test('a load that only slowed down by plan counts as served', () => {
    const demand = Array.from({ length: 190 }, (_, i) => ({
      at: START + i * 1000,
      scheduled: i < 80 ? 50 : 5,
      ok: i < 80 ? 50 : 5,
    }));
    expect(recovery({ bad: [[80, 82]] }, {}, demand).bracket?.recoveryMs).toBe(2_000);
  });

  test('is inconclusive without probes after the fault', () => {
    expect(recovery({ span: [0, 80] }).result).toMatchObject({ verdict: 'inconclusive', measured: null });
  });

  test('is inconclusive when most probes were not sent', () => {
    expect(recovery({ silent: [[80.5, 95]] }).result.verdict).toBe('inconclusive');
  });

  test('is inconclusive without a baseline to come back to', () => {
    expect(recovery({ bad: [[0, 70]] }).result.verdict).toBe('inconclusive');
    expect(recovery({ span: [75, 190] }).result.verdict).toBe('inconclusive');
  });

  test('is inconclusive when the fault was never injected', () => {
    const run = withFault(aRun(), 'crash', 80, { injected: false });
    expect(judge(run).result).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('never injected') });
  });

  test('is inconclusive when the next fault came before the target had passed', () => {
    const run = withFault(withFault(aRun({ probes: steadyProbes({ bad: [[80, 100]] }) }), 'crash', 80), 'other', 85);
    expect(judge(run).result).toMatchObject({ verdict: 'inconclusive', censored: true, measured: 5_000 });
  });

  test('a miss stays a miss when the next fault came after the target had passed', () => {
    const run = withFault(withFault(aRun({ probes: steadyProbes({ bad: [[80, 120]] }) }), 'crash', 80), 'other', 95);
    expect(judge(run).result).toMatchObject({ verdict: 'fail', censored: true, measured: 15_000 });
  });

  test('probes sent while the run shuts down say nothing', () => {
    const probes = [...steadyProbes({ bad: [[80, 82]] }), aProbe(190.5, { outcome: 'fail' }), aProbe(191, { outcome: 'fail' })];
    expect(judge(withFault(aRun({ probes }), 'crash', 80)).bracket?.recoveryMs).toBe(2_000);
  });

  test('the error bar grows with the hole before the recovery', () => {
    expect(recovery({ bad: [[80, 82]], silent: [[82, 83.5]] }).bracket).toMatchObject({ recoveryMs: 3_500, errorBarMs: 2_000 });
  });

  test("prints Patroni's bound beside it, and says when it holds in a lab only", () => {
    const patroni = { ttlSeconds: 20, loopWaitSeconds: 1, retryTimeoutSeconds: 3, synchronousMode: false, version: '4.1' };
    const bound = (ttlSeconds: number) => {
      const run = withFault(aRun(), 'crash', 80);
      const environment = { ...run.environment, postgres: { version: '17', patroni: { ...patroni, ttlSeconds } } };
      return judge({ ...run, environment }).bracket?.bound;
    };
    expect(bound(20)).toEqual({ text: 'Patroni ttl 20 s + loop_wait 1 s: a crash is answered within 21 s', ms: 21_000 });
    expect(bound(6)?.text).toContain('lab-only');
  });

  test('never gives a negative time, and no pass for a service that is down at the end', () => {
    const span = fc
      .tuple(fc.integer({ min: 60, max: 190 }), fc.integer({ min: 0, max: 60 }))
      .map(([from, length]) => [from, from + length] as const);
    fc.assert(
      fc.property(fc.array(span, { maxLength: 5 }), fc.boolean(), (bad, down) => {
        const { result, bracket } = recovery({ everyMs: 1_000, bad: down ? [...bad, [170, 200]] : bad });
        const recovered = bracket?.recoveryMs ?? 0;
        expect(recovered).toBeGreaterThanOrEqual(0);
        expect(result.measured ?? 0).toBeGreaterThanOrEqual(0);
        if (down && bracket !== null) expect(result.verdict).not.toBe('pass');
      }),
      { numRuns: 100 },
    );
  });
});
