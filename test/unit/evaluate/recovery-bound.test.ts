import { describe, expect, test } from 'vitest';
import { recoveryBound } from '../../../src/evaluate/recovery-bound.ts';
import type { PostgresFailoverSpec } from '../../../src/model/plan.ts';
import type { EnvironmentRecord } from '../../../src/model/run-records.ts';

const patroni = { ttlSeconds: 20, loopWaitSeconds: 1, retryTimeoutSeconds: 3, synchronousMode: false, version: '4.1' };
const environment = { postgres: { version: '17', patroni } } as unknown as EnvironmentRecord;
const bound = (mode: PostgresFailoverSpec['mode'], durationMs?: number, where = environment) =>
  recoveryBound(
    {
      kind: 'postgres/failover',
      id: 'move',
      atMs: 0,
      proveWithinMs: 1,
      revertWithinMs: 1,
      mode,
      ...(durationMs !== undefined && { durationMs }),
    },
    where,
  );

describe('what Patroni allows at best', () => {
  test.each([
    ['switchover', undefined, 2_000],
    ['failover', undefined, 2_000],
    ['crash', undefined, 21_000],
    ['kill-patroni', 5_000, 21_000],
    ['frozen-walsender', 2_000, 23_000],
  ] as const)('%s', (mode, durationMs, ms) => {
    expect(bound(mode, durationMs)?.ms).toBe(ms);
  });

  test('a fence lasts as long as the plan says, whoever runs the database', () => {
    expect(bound('fence', 10_000, { postgres: { version: '17' } } as unknown as EnvironmentRecord)).toEqual({
      text: 'the primary is fenced for 10 s',
      ms: 10_000,
    });
  });

  test('without Patroni nothing is known', () => {
    expect(bound('crash', undefined, { postgres: { version: '17' } } as unknown as EnvironmentRecord)).toBeNull();
  });
});
