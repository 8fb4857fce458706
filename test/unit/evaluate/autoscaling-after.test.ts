import { describe, expect, test } from 'vitest';
import { judgeGuards } from '../../../src/evaluate/guards.ts';
import { detail, type Scaling, scale, scalingHistory } from '../../builders/a-scaling.ts';

/** Up at 85 s; the load falls at 130 s. */
const upAndDown = (startS: number, doneS: number) => (s: number) => (s < 85 ? 2 : s < startS ? 4 : s < doneS ? 3 : 2);
const scaleDown = { stabilizationWindowSeconds: 20, policies: [{ type: 'Pods', value: 1, periodSeconds: 5 }] };

describe('scale-in after the peak', () => {
  test('is told with its beginning, its end and what the configuration says, and not judged unasked', () => {
    const judged = scale({ desired: upAndDown(152, 158), behavior: { scaleDown } });
    expect(judged.scaling?.scaleIn).toMatchObject({ startedMs: 22_000, doneMs: 28_000 });
    expect(judged.scaling?.scaleIn.text).toBe(
      'began 22 s after the load fell, down to 2 after 28 s; configured: stabilisation window 20 s + policies 5 s + sync 5 s',
    );
    const soon = scale({ desired: upAndDown(140, 146), behavior: { scaleDown } }).scaling?.scaleIn.text;
    expect(soon).toContain('sooner than the window: the wish had sunk before');
    expect(scale({ desired: upAndDown(152, 500) }).result.verdict).toBe('pass');
    expect(detail(judged, 'scale-in')).toBe(28_000);
  });

  test.each([
    [28_000, 'pass'],
    [27_999, 'fail'],
  ])('against %i ms is a %s', (maxScaleInMs, verdict) => {
    expect(scale({ desired: upAndDown(152, 158) }, { maxScaleInMs }).result.verdict).toBe(verdict);
  });

  test('that never came fails, unless the run was too short to see it', () => {
    expect(scale({ desired: upAndDown(152, 500) }, { maxScaleInMs: 60_000 }).result).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('not down to 2'),
    });
    expect(scale({ desired: upAndDown(500, 500) }, { maxScaleInMs: 600_000 }).result).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('only 70 s after the fall'),
    });
  });

  test('that a gap hides is inconclusive', () => {
    const scaling: Scaling = { desired: upAndDown(152, 158), gaps: [{ source: 'hpa', from: 140, to: 165 }] };
    expect(scale(scaling, { maxScaleInMs: 40_000 }).result.verdict).toBe('inconclusive');
    expect(scale(scaling).result.verdict).toBe('pass');
  });

  test('with nothing to take in shows nothing', () => {
    expect(scale({ desired: (s) => (s < 85 || s > 120 ? 2 : 4) }, { maxScaleInMs: 40_000, maxFlaps: 1 }).result).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('nothing to take in'),
    });
  });
});

describe('overshoot', () => {
  test('is what was wanted beyond the need of the steady metric', () => {
    const peak = (s: number) => (s < 85 ? 2 : s < 110 ? 6 : 4);
    const ready = (s: number) => (s < 95 ? 2 : s < 112 ? 6 : 4);
    const judged = scale({ desired: peak, ready, metric: (s) => (s < 95 ? 120 : s < 112 ? 33 : 50) });
    expect(detail(judged, 'overshoot')).toBe(2);
    expect(detail(scale({ metric: () => 50 }), 'overshoot')).toBe(0);
  });

  test('is unknown without a metric', () => expect(detail(scale({ metric: () => null }), 'overshoot')).toBeNull());
});

describe('gaps', () => {
  const observed = (scaling: Scaling) => judgeGuards(scalingHistory(scaling), []).find(({ id }) => id === 'observed:hpa');

  test('before everything was seen make the objective inconclusive, with their reason', () => {
    expect(observed({ gaps: [{ source: 'hpa', from: 75, to: 84 }] })).toMatchObject({
      held: false,
      objectives: ['hpa'],
      reason: 'hpa was not seen for 9 s: connect ECONNREFUSED',
    });
    expect(observed({ gaps: [{ source: 'deployment', from: 90, to: 94 }] })?.held).toBe(false);
  });

  test.each([
    ['before the load step', { source: 'hpa', from: 40, to: 60 }],
    ['after the decision was seen and the pods were Ready', { source: 'hpa', from: 96, to: 99 }],
    ['of a part that is not needed', { source: 'redis', from: 75, to: 84 }],
    ['no longer than two looks', { source: 'hpa', from: 75, to: 77 }],
  ] as const)('%s take nothing away', (_, gap) => expect(observed({ gaps: [gap] })?.held).toBe(true));

  test('until the limit count when the scale-up was not seen at all', () => {
    expect(observed({ desired: () => 2, ready: () => 2, gaps: [{ source: 'hpa', from: 95, to: 99 }] })?.held).toBe(false);
  });

  test('do not hide flapping that the events of the autoscaler tell', () => {
    const resize = (s: number, size: number) => ({ s, reason: 'SuccessfulRescale', message: `New size: ${size}; reason: test` });
    const events = [resize(108, 2), resize(112, 4), resize(116, 2), resize(119, 4)];
    const hidden: Scaling = { silent: (s) => s > 105 && s < 122, gaps: [{ source: 'hpa', from: 106, to: 122 }] };
    expect(scale({ ...hidden, events }).result).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('direction 4 times'),
    });
    expect(scale({ ...hidden }).result.verdict).toBe('pass');
    // What the looks have seen themselves is not counted twice, though a second may lie between the two.
    expect(scale({ events: [resize(84, 4)] }).result.verdict).toBe('pass');
  });
});

describe('evidence', () => {
  test('holds the conditions as they changed and the events of the autoscaler', () => {
    const { scaling, result } = scale({
      active: (s) => (s === 72 ? 'False' : 'True'),
      events: [{ s: 85, reason: 'SuccessfulRescale', message: 'New size: 4; reason: cpu' }],
    });
    expect(scaling?.conditions.map(({ text }) => text)).toEqual([
      'ScalingActive True, ValidMetricFound',
      'ScalingLimited False, DesiredWithinRange',
      'ScalingActive False, FailedGetResourceMetric',
      'ScalingActive True, ValidMetricFound',
    ]);
    expect(scaling?.events.map(({ text }) => text)).toEqual(['SuccessfulRescale: New size: 4; reason: cpu']);
    expect(result.evidence.map(({ text }) => text).join('\n')).toContain('event 15.5 s after the load step: SuccessfulRescale');
  });

  test('of an autoscaler without metrics is there although nothing is judged', () => {
    const { result, scaling } = scale({
      desired: () => 2,
      ready: () => 2,
      active: () => 'False',
      events: [{ s: 75, reason: 'FailedGetResourceMetric', message: 'no metrics returned from resource metrics API' }],
    });
    expect(result).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('FailedGetResourceMetric') });
    expect(result.evidence[0]?.text).toContain('no metrics returned');
    expect(scaling?.events).toHaveLength(1);
  });
});
