import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  emptyMemory,
  limitRate,
  rememberScale,
  resolveBehavior,
  stabilize,
} from '../../../../lab/processes/kubernetes/controllers/behavior.ts';
import type { HpaBehavior } from '../../../../lab/processes/kubernetes/objects.ts';

const nowMs = 1_000_000;
const bounds = { minReplicas: 1, maxReplicas: 100 };

function limit(desired: number, current: number, behavior: HpaBehavior, memory = emptyMemory) {
  return limitRate(desired, current, bounds, resolveBehavior(behavior, 0.1), memory, nowMs);
}

describe('resolveBehavior', () => {
  test('fills in the documented defaults', () => {
    expect(resolveBehavior(undefined, 0.1)).toEqual({
      scaleUp: {
        windowMs: 0,
        selectPolicy: 'Max',
        tolerance: 0.1,
        policies: [
          { type: 'Pods', value: 4, periodSeconds: 15 },
          { type: 'Percent', value: 100, periodSeconds: 15 },
        ],
      },
      scaleDown: {
        windowMs: 300_000,
        selectPolicy: 'Max',
        tolerance: 0.1,
        policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
      },
    });
  });
});

describe('stabilize', () => {
  const past = (replicas: number, secondsAgo: number) => ({ at: nowMs - secondsAgo * 1000, replicas });

  test('goes down no further than the highest recommendation within the window', () => {
    const memory = { ...emptyMemory, recommendations: [past(8, 100), past(5, 20)] };
    const within = resolveBehavior({ scaleDown: { stabilizationWindowSeconds: 60 } }, 0.1);
    expect(stabilize(2, 10, within, memory, nowMs)).toMatchObject({ replicas: 5, reason: 'ScaleDownStabilized' });
    const longer = resolveBehavior({ scaleDown: { stabilizationWindowSeconds: 120 } }, 0.1);
    expect(stabilize(2, 10, longer, memory, nowMs).replicas).toBe(8);
  });

  test('goes up no further than the lowest recommendation within the window', () => {
    const memory = { ...emptyMemory, recommendations: [past(4, 20), past(6, 5)] };
    const behavior = resolveBehavior({ scaleUp: { stabilizationWindowSeconds: 30 } }, 0.1);
    expect(stabilize(9, 3, behavior, memory, nowMs)).toMatchObject({ replicas: 4, reason: 'ScaleUpStabilized' });
  });

  test('a recommendation exactly as old as the window no longer counts', () => {
    const memory = { ...emptyMemory, recommendations: [past(8, 60)] };
    const behavior = resolveBehavior({ scaleDown: { stabilizationWindowSeconds: 60 } }, 0.1);
    expect(stabilize(2, 10, behavior, memory, nowMs).replicas).toBe(2);
  });

  test('remembers the unstabilised recommendation and forgets those older than both windows', () => {
    const memory = { ...emptyMemory, recommendations: [past(9, 400), past(7, 10)] };
    const { recommendations } = stabilize(2, 5, resolveBehavior(undefined, 0.1), memory, nowMs);
    expect(recommendations).toEqual([past(7, 10), { at: nowMs, replicas: 2 }]);
  });

  test('stays between the current count and the recommendation', () => {
    const recommendation = fc.record({ at: fc.integer({ min: nowMs - 400_000, max: nowMs }), replicas: fc.nat(50) });
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), fc.array(recommendation), fc.nat(300), (wanted, current, recommendations, window) => {
        const behavior = resolveBehavior({ scaleUp: { stabilizationWindowSeconds: window } }, 0.1);
        const { replicas } = stabilize(wanted, current, behavior, { ...emptyMemory, recommendations }, nowMs);
        return replicas >= Math.min(wanted, current) && replicas <= Math.max(wanted, current);
      }),
    );
  });
});

describe('limitRate', () => {
  const upTwoPods: HpaBehavior = { scaleUp: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] } };

  test('lets the stronger of the default policies win', () => {
    expect(limit(50, 3, {})).toMatchObject({ replicas: 7, reason: 'ScaleUpLimit' });
    expect(limit(50, 10, {})).toMatchObject({ replicas: 20, reason: 'ScaleUpLimit' });
  });

  test('selectPolicy Min takes the weaker one', () => {
    const policies = [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ] as const;
    expect(limit(50, 3, { scaleUp: { selectPolicy: 'Min', policies } }).replicas).toBe(6);
    expect(limit(1, 10, { scaleDown: { selectPolicy: 'Min', policies } }).replicas).toBe(6);
    expect(limit(1, 10, { scaleDown: { selectPolicy: 'Max', policies } }).replicas).toBe(1);
  });

  test('Disabled stops a direction', () => {
    expect(limit(50, 3, { scaleUp: { selectPolicy: 'Disabled' } })).toMatchObject({ replicas: 3, reason: 'ScaleUpLimit' });
    expect(limit(1, 3, { scaleDown: { selectPolicy: 'Disabled' } })).toMatchObject({ replicas: 3, reason: 'ScaleDownLimit' });
  });

  test('counts what was already added within the period', () => {
    const added = (secondsAgo: number) => ({ ...emptyMemory, scaleUps: [{ at: nowMs - secondsAgo * 1000, replicas: 1 }] });
    expect(limit(50, 5, upTwoPods, added(59)).replicas).toBe(6);
    expect(limit(50, 5, upTwoPods, added(60)).replicas).toBe(7);
  });

  test('does not shrink because too much was added already', () => {
    const memory = { ...emptyMemory, scaleUps: [{ at: nowMs - 1000, replicas: 4 }] };
    expect(limit(50, 6, upTwoPods, memory).replicas).toBe(6);
  });

  test('rounds a percentage up when adding and down to the remaining pods when removing', () => {
    const tenPercent = { policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] } as const;
    expect(limit(50, 1, { scaleUp: tenPercent }).replicas).toBe(2);
    expect(limit(1, 15, { scaleDown: tenPercent }).replicas).toBe(13);
  });

  test('names minimum and maximum when they are what limits', () => {
    const behavior = resolveBehavior({}, 0.1);
    const narrow = { minReplicas: 2, maxReplicas: 5 };
    expect(limitRate(9, 4, narrow, behavior, emptyMemory, nowMs)).toMatchObject({ replicas: 5, reason: 'TooManyReplicas' });
    expect(limitRate(1, 4, narrow, behavior, emptyMemory, nowMs)).toMatchObject({ replicas: 2, reason: 'TooFewReplicas' });
    expect(limitRate(5, 4, narrow, behavior, emptyMemory, nowMs)).toMatchObject({ reason: 'DesiredWithinRange' });
  });
});

describe('rememberScale', () => {
  test('keeps changes as long as the longest policy period', () => {
    const behavior = resolveBehavior({ scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } }, 0.1);
    const first = rememberScale(emptyMemory, 2, 4, behavior, nowMs);
    expect(first.scaleUps).toEqual([{ at: nowMs, replicas: 2 }]);
    const second = rememberScale(first, 4, 3, behavior, nowMs + 30_000);
    expect(second).toMatchObject({ scaleUps: [{ replicas: 2 }], scaleDowns: [{ replicas: 1 }] });
    expect(rememberScale(second, 3, 4, behavior, nowMs + 90_001).scaleUps).toEqual([{ at: nowMs + 90_001, replicas: 1 }]);
  });
});
