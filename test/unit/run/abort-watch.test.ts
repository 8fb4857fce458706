import { describe, expect, test } from 'vitest';
import type { ProbeRecord } from '../../../src/model/run-records.ts';
import { watchAbort } from '../../../src/run/abort-watch.ts';

function probe(answeredAt: number, good: boolean, service: ProbeRecord['service'] = 'pos'): ProbeRecord {
  return {
    service,
    key: `k${answeredAt}`,
    scheduledAt: answeredAt,
    sentAt: answeredAt,
    answeredAt,
    latencyMs: 1,
    outcome: good ? 'ok' : 'fail',
    good,
  };
}

describe('watchAbort', () => {
  const condition = { service: 'pos', badRatio: 0.6, windowMs: 10_000 } as const;

  test('names the condition when the share of bad probes in the window reaches the limit', () => {
    const watch = watchAbort([condition]);
    const reasons = [true, true, false, false, false].map((good, index) => watch.see(probe(index * 1_000, good)));
    expect(reasons.slice(0, 4)).toEqual([undefined, undefined, undefined, undefined]);
    expect(reasons[4]).toContain('3 of the last 5 probes of pos were bad');
  });

  test('says nothing on fewer than five probes, however bad', () => {
    const watch = watchAbort([condition]);
    expect([0, 1, 2, 3].map((at) => watch.see(probe(at, false)))).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('forgets what has left the window', () => {
    const watch = watchAbort([condition]);
    for (let at = 0; at < 4; at++) watch.see(probe(at, false));
    expect(watch.see(probe(20_000, false))).toBeUndefined();
  });

  test('looks at its own service only', () => {
    const watch = watchAbort([condition]);
    expect([0, 1, 2, 3, 4, 5].map((at) => watch.see(probe(at, false, 'order-capture')))).toEqual(Array(6).fill(undefined));
  });
});
