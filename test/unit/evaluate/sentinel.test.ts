import { expect, test } from 'vitest';
import { openDuckDb } from '../../../src/clients/duckdb.ts';
import { observationRecord } from '../../../src/evaluate/records.ts';
import { recoveryBound } from '../../../src/evaluate/recovery-bound.ts';
import { buildTimeline } from '../../../src/evaluate/timeline.ts';
import type { SentinelFailoverSpec } from '../../../src/model/plan.ts';
import type { EnvironmentRecord, Observation, RedisServerObservation } from '../../../src/model/run-records.ts';
import { anEnvironment, aRun, at, history } from '../../builders/a-run.ts';

const server = (role: RedisServerObservation['role'], lagBytes: number | null = null): RedisServerObservation => ({
  address: '10.0.0.1:6379',
  role,
  linkUp: role === 'replica' ? true : null,
  offset: 1,
  lagBytes,
});
const sentinel = (seconds: number, servers: readonly RedisServerObservation[]): Observation => ({
  at: at(seconds),
  source: 'sentinel',
  group: 'sessions',
  master: '10.0.0.1:6379',
  configEpoch: 3,
  quorum: true,
  sentinels: 3,
  failoverInProgress: false,
  servers,
});

test('the time axis shows how many servers call themselves the master, and how far the replicas are behind', async () => {
  const whole = [server('master'), server('replica', 10), server('replica', 700)];
  const split = [server('master'), server('master'), server('replica', 0)];
  const observations = [sentinel(5, whole), sentinel(6, split), sentinel(7, [server('master'), server('unreachable')])];
  for (const observation of observations) expect(observationRecord.parse(observation)).toMatchObject({ source: 'sentinel' });
  const duckdb = await openDuckDb();
  try {
    await duckdb.query(
      'CREATE TABLE samples (start_us BIGINT, kind VARCHAR, scenario VARCHAR, outcome VARCHAR, ms DOUBLE, weight BIGINT)',
    );
    const { series } = await buildTimeline(history(aRun({ observations, probes: [] })), duckdb);
    const values = (name: string) => series.find((one) => one.name === name)?.values.slice(5, 9);
    expect(values('masters')).toEqual([1, 2, 1, null]);
    expect(values('connected replicas')).toEqual([2, 1, 0, null]);
    expect(values('Redis replica lag')).toEqual([700, 0, null, null]);
  } finally {
    await duckdb.close();
  }
});

test('the bound of a failover follows from the timing of Sentinel, and is none where nobody could read it', () => {
  const environment: EnvironmentRecord = {
    ...anEnvironment(),
    redis: {
      version: '7.0.15',
      maxMemoryBytes: 0,
      policy: 'noeviction',
      maxClients: 100,
      sentinel: {
        group: 'sessions',
        sentinels: 3,
        quorum: 2,
        replicas: 2,
        downAfterMs: 5_000,
        failoverTimeoutMs: 60_000,
        minReplicasToWrite: 0,
        minReplicasMaxLagSeconds: 10,
      },
    },
  };
  const bound = (mode: SentinelFailoverSpec['mode'], where: EnvironmentRecord = environment) =>
    recoveryBound({ kind: 'redis/sentinel-failover', id: 'move', mode, atMs: 0, proveWithinMs: 1, revertWithinMs: 1 }, where);
  expect(bound('crash')).toEqual({
    text: 'Sentinel down-after 5 s + failover-timeout 60 s: a crash is answered within 65 s',
    ms: 65_000,
  });
  expect(bound('planned')?.ms).toBe(68_000);
  expect(bound('safe-planned')?.ms).toBe(60_000);
  expect(bound('crash', anEnvironment())).toBeNull();
});
