import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hex2, hex4, randomAt, streamOf, uuidStem, zipf } from '../../../scenarios/random.ts';
import {
  billingIterations,
  closeActivity,
  closeIterations,
  evenArrivals,
  plannedIterations,
  posIterations,
  rampingArrivals,
  scenarioLengthMs,
} from '../../../scenarios/shape.ts';
import { latestEndMs, plannedEndMs } from '../../../src/load/planned.ts';
import { aFlashSale, aMonthEnd, aPosBurst } from '../../integration/load-fixtures.ts';

describe('planned iterations', () => {
  test('of a ramp are the area under it, from zero', () => {
    const stages = [
      { ratePerSecond: 10, durationMs: 10_000 },
      { ratePerSecond: 10, durationMs: 30_000 },
      { ratePerSecond: 0, durationMs: 5_000 },
    ];
    expect(plannedIterations(aFlashSale({ stages }))).toBe(50 + 300 + 25);
  });

  test('of a ramp follow the rates that k6 is given, which are whole numbers per 1,000 s', () => {
    const spec = aFlashSale({
      stages: [
        { ratePerSecond: 0.0014, durationMs: 1 },
        { ratePerSecond: 0.0014, durationMs: 2_000_000 },
      ],
    });
    expect(rampingArrivals(spec, 'x').stages?.[1]?.target).toBe(1);
    expect(plannedIterations(spec)).toBe(2);
  });

  test("of a POS burst are every till's batches and one closing", () => {
    expect(posIterations(aPosBurst())).toEqual({ tills: 4, batchesPerTill: 3, total: 16 });
  });

  test('of a month end are its batches, reports, shop and one lock', () => {
    expect(closeIterations(aMonthEnd())).toEqual({ batches: 6, reports: 4, invoices: 0, shop: 4, locks: 1, total: 15 });
  });

  test('even arrivals all begin, and the last one more does not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 2_000, max: 3_600_000 }), (iterations, lengthMs) => {
        const { rate = 0, duration = '', timeUnit } = evenArrivals(aPosBurst(), 'x', iterations, lengthMs);
        const intervalMs = Number.parseInt(timeUnit, 10) / rate;
        const durationMs = Number.parseInt(duration, 10);
        expect((iterations - 1) * intervalMs).toBeLessThan(durationMs);
        expect(iterations * intervalMs).toBeGreaterThan(durationMs - 1);
      }),
    );
  });
});

describe('a month end', () => {
  test('gives every activity its share, within two, at any point of time', () => {
    const counts = closeIterations(
      aMonthEnd({
        durationMs: 600_000,
        batchesPerMinute: 12,
        reportsPerMinute: 6,
        invoiceRunsPerMinute: 3,
        shopRatePerSecond: 1,
      }),
    );
    const seen = { batch: 0, report: 0, invoice: 0, shop: 0, lock: 0 };
    for (let n = 0; n < counts.total; n += 1) {
      seen[closeActivity(n, counts)] += 1;
      const share = (n + 1) / counts.total;
      expect(Math.abs(seen.batch - counts.batches * share)).toBeLessThan(3);
      expect(Math.abs(seen.shop - counts.shop * share)).toBeLessThan(3);
    }
    expect(seen.lock).toBe(1);
    expect(Math.abs(seen.invoice - counts.invoices)).toBeLessThan(3);
    expect(billingIterations(counts)).toHaveLength(seen.invoice);
    expect(billingIterations(counts).every((n) => closeActivity(n, counts) === 'invoice')).toBe(true);
  });

  test('without reports, shop and lock is batches only', () => {
    const counts = closeIterations(aMonthEnd({ reportsPerMinute: 0, shopRatePerSecond: 0, lockDate: false }));
    expect(new Set(Array.from({ length: counts.total }, (_, n) => closeActivity(n, counts)))).toEqual(new Set(['batch']));
  });
});

test("a load ends with the last of its scenarios, and may drain by the journeys' budget", () => {
  const specs = [aFlashSale({ startAtMs: 5_000 }), aPosBurst({ catchUpMs: 6_000 })];
  expect(plannedEndMs(specs)).toBe(7_000);
  expect(latestEndMs(specs)).toBe(7_000 + 2 * 2_000 + 10_000);
  expect(scenarioLengthMs(aMonthEnd())).toBe(2_000);
  expect(plannedEndMs([])).toBe(0);
});

describe('chance', () => {
  test('is the same for the same seed and names, and another for others', () => {
    const draw = (seed: number, n: number) => Array.from({ length: 5 }, randomAt(streamOf(seed, 'sale'), n).next);
    expect(draw(1, 2)).toEqual(draw(1, 2));
    expect(draw(1, 2)).not.toEqual(draw(1, 3));
    expect(draw(1, 2)).not.toEqual(draw(2, 2));
  });

  test('is even', () => {
    const random = randomAt(streamOf(1, 'x'), 0);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 10_000; i += 1) {
      const index = random.below(4);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 2_500)).toBeLessThan(200);
  });

  test('falls on ranks by Zipf', () => {
    const random = randomAt(streamOf(1, 'zipf'), 0);
    const pick = zipf(10, 1);
    const counts = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 20_000; i += 1) {
      const rank = pick(random);
      counts[rank] = (counts[rank] ?? 0) + 1;
    }
    expect((counts[0] ?? 0) / (counts[1] ?? 1)).toBeCloseTo(2, 0);
    expect((counts[0] ?? 0) / (counts[9] ?? 1)).toBeGreaterThan(8);
  });

  test('of neighbouring iterations has nothing in common', () => {
    const stream = streamOf(1, 'x');
    const firsts = Array.from({ length: 2_000 }, (_, n) => randomAt(stream, n).next());
    expect(new Set(firsts.map((first) => first.toFixed(6))).size).toBeGreaterThan(1_990);
    const mean = firsts.reduce((sum, first) => sum + first, 0) / firsts.length;
    expect(mean).toBeCloseTo(0.5, 1);
    const rises = firsts.filter((first, n) => first > (firsts[n - 1] ?? 0)).length;
    expect(Math.abs(rises - 1_000)).toBeLessThan(100);
  });

  test('makes UUIDs of version 4 with room for tickets and lines', () => {
    const uuid = `${uuidStem('0123456789abcdef0123456789abcdef')}${hex4(4_097)}${hex2(7)}${hex2(200)}`;
    expect(uuid).toBe('01234567-89ab-4def-a123-4567100107c8');
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
