import { expect, test } from 'vitest';
import { openDuckDb } from '../../../src/clients/duckdb.ts';
import { buildTimeline } from '../../../src/evaluate/timeline.ts';
import type { Observation } from '../../../src/model/run-records.ts';
import { aRun, at, history, steadyProbes } from '../../builders/a-run.ts';

const redis = (seconds: number, usedMemoryBytes: number, evictedKeys: number): Observation => ({
  at: at(seconds),
  source: 'redis',
  usedMemoryBytes,
  maxMemoryBytes: 100,
  policy: 'allkeys-lru',
  connectedClients: 1,
  maxClients: 10,
  blockedClients: 0,
  rejectedConnections: 0,
  evictedKeys,
  expiredKeys: 0,
  opsPerSecond: 0,
  oomErrors: 0,
  keyspaceHits: 0,
  keyspaceMisses: 0,
  keys: 0,
  role: 'master',
});
const postgres = (seconds: number, lag: readonly number[]): Observation => ({
  at: at(seconds),
  source: 'postgres',
  timeline: 1,
  inRecovery: false,
  connections: 1,
  active: 0,
  waitingOnLocks: 0,
  longestTransactionMs: 0,
  replicas: lag.map((replayLagBytes, i) => ({ name: `s${i}`, state: 'streaming', syncState: 'async', replayLagBytes })),
});
const patroni = (seconds: number, timelines: readonly number[]): Observation => ({
  at: at(seconds),
  source: 'patroni',
  paused: false,
  members: timelines.map((timeline, i) => ({
    name: `m${i}`,
    role: i === 0 ? 'primary' : 'replica',
    state: 'running',
    timeline,
    lagBytes: 7,
  })),
});

test('puts every observation on the one axis and leaves what was not seen empty', async () => {
  const observations = [
    redis(0, 10, 100),
    redis(5, 90, 150),
    redis(10, 20, 4),
    postgres(3, [50, 70]),
    postgres(4, []),
    patroni(3, [1, 1]),
    patroni(6, [2, 1]),
  ].toSorted((a, b) => a.at - b.at);
  const duckdb = await openDuckDb({ memoryLimitMiB: 64, threads: 1 });
  await duckdb.query(
    'CREATE TABLE samples (kind VARCHAR, start_us BIGINT, ms DOUBLE, weight INTEGER, outcome VARCHAR, scenario VARCHAR)',
  );
  const run = history(aRun({ observations, probes: steadyProbes({ bad: [[2, 2.5]], span: [0, 4] }) }));
  const { series, points } = await buildTimeline(run, duckdb).finally(() => duckdb.close());
  const values = (panel: string, name: string) => {
    const found = series.find((candidate) => candidate.panel === panel && candidate.name === name)?.values ?? [];
    expect(found).toHaveLength(points);
    return Object.fromEntries(found.flatMap((value, i) => (value === null ? [] : [[i, value]])));
  };
  expect(values('redis', 'used memory')).toEqual({ 0: 10, 5: 90, 10: 20 });
  // 50 keys in 5 s; then a new server, which evicted 4.
  expect(values('redis', 'evicted keys')).toEqual({ 5: 10, 10: 0.8 });
  expect(values('replication', 'replay lag')).toEqual({ 3: 70 });
  expect(values('replication', 'timeline')).toEqual({ 3: 1, 4: 1, 6: 2 });
  expect(values('probes', 'order-capture good')).toEqual({ 0: 1, 1: 1, 2: 0.5, 3: 1 });
  // No load, no autoscaler: no line at all rather than a line of zeros.
  expect(series.filter(({ panel }) => ['throughput', 'latency', 'errors', 'replicas', 'attainment'].includes(panel))).toEqual([]);
});
