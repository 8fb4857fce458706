/** redis/sentinel-failover and the session store's probe on real servers and Sentinels: what is lost is counted to the key. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { prefixPattern, scanKeys } from '../../chaos/redis/keys.ts';
import { sentinelFailover } from '../../chaos/redis/sentinel-failover.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createCommandPort } from '../../src/clients/command.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import type { RedisPort, SentinelPort } from '../../src/clients/ports.ts';
import { createRedisPort } from '../../src/clients/redis.ts';
import type { RedisTarget, SentinelFailoverSpec } from '../../src/model/plan.ts';
import type { LedgerWrite, ProbeRecord } from '../../src/model/run-records.ts';
import { readBackSessions, removeSessions } from '../../src/observe/ledger/read-back-sessions.ts';
import { startProbes } from '../../src/observe/probes/start-probes.ts';
import { openRedisDoors, type RedisDoors } from '../../src/run/redis-doors.ts';
import { rollbackRun } from '../../src/run/rollback.ts';
import { aCatalogue } from '../builders/a-catalogue.ts';
import { FakeOdoo } from '../fakes/fake-odoo.ts';
import { createBench, disturb } from '../fakes/fault-bench.ts';
import { type RedisTrio, startRedisTrio } from '../support/redis-trio.ts';

let trio: RedisTrio;
let doors: RedisDoors;

beforeAll(async () => {
  trio = await startRedisTrio();
});
afterAll(() => trio?.stop());
beforeEach(async () => {
  await trio.awaitWhole();
  doors = await openRedisDoors(trio.target, trio.env, systemClock);
});
afterEach(() => doors?.close());

const spec = (mode: SentinelFailoverSpec['mode']): SentinelFailoverSpec => ({
  kind: 'redis/sentinel-failover',
  id: 'move',
  mode,
  atMs: 0,
  proveWithinMs: 20_000,
  revertWithinMs: 45_000,
});

function sentinelOf({ sentinel }: RedisDoors): SentinelPort {
  if (sentinel === undefined) throw new Error('the plan has no Sentinel');
  return sentinel;
}

const faultDoors = (target: RedisTarget = trio.target) => ({
  clock: systemClock,
  redis: doors.redis,
  sentinel: sentinelOf(doors),
  redisTarget: target,
  commands: createCommandPort(),
});

const revert = (undo: Parameters<typeof sentinelFailover.revert>[0], timeoutMs = 45_000) =>
  sentinelFailover.revert(JSON.parse(JSON.stringify(undo)), faultDoors(), { timeoutMs });

/** The probe as a run has it, at 40 writes a second. */
async function startSessionProbe(runId: string) {
  const records: ProbeRecord[] = [];
  const writes: LedgerWrite[] = [];
  const probes = await startProbes({
    specs: [{ service: 'session-store', intervalMs: 25, timeoutMs: 20_000, slowMs: 1_000 }],
    odoo: new FakeOdoo(),
    catalogue: aCatalogue(),
    sessions: doors.sessions,
    runId,
    clock: systemClock,
    write: (record) => records.push(record),
    ledger: (write) => writes.push(write),
  });
  await awaitCondition('first sessions', async () => records.length, {
    until: (n) => n > 20,
    timeoutMs: 10_000,
    clock: systemClock,
  });
  return { records, writes, stop: () => probes.stop() };
}

/** What the read-back calls lost, of what was acknowledged. */
async function readLost(writes: readonly LedgerWrite[]): Promise<readonly string[]> {
  const acknowledged = new Set(writes.filter(({ outcome }) => outcome === 'ok').map(({ key }) => key));
  const absent: string[] = [];
  for await (const row of readBackSessions(doors.redis, writes, { pass: 1, clock: systemClock })) {
    if (row.row !== 'read-back') throw new Error(`${row.what}: ${row.detail}`);
    if (row.count === 0 && acknowledged.has(row.key)) absent.push(row.key);
  }
  return absent.toSorted();
}

/** The same, found by another way: every key of the run that is on the final master, by SCAN over a connection of its own. */
async function scanRun(runId: string): Promise<ReadonlySet<string>> {
  const { master } = await sentinelOf(doors).fetchGroup();
  const direct = createRedisPort({ url: `redis://${master}`, password: trio.env.TRIO_SERVER_PASSWORD ?? '' });
  const found = new Set<string>();
  try {
    for await (const keys of scanKeys(direct, prefixPattern(`peakproof:${runId}:`))) for (const key of keys) found.add(key);
  } finally {
    await direct.close();
  }
  return found;
}

/** Longest time between two good answers, ms. */
function longestGapMs(records: readonly ProbeRecord[]): number {
  const times = records.filter(({ good }) => good).map(({ answeredAt }) => answeredAt);
  const sorted = times.toSorted((one, other) => one - other);
  return Math.max(...sorted.map((at, index) => at - (sorted[index - 1] ?? at)));
}

const settled = (): Promise<void> => systemClock.sleep(500);

describe('redis/sentinel-failover on real Sentinels', () => {
  test('planned: nobody notices, and every acknowledged session of the seconds after it is lost, key by key', async () => {
    const probe = await startSessionProbe('planned');
    const { proof, undo } = await disturb(sentinelFailover, spec('planned'), createBench(faultDoors()));
    expect(proof.evidence.join()).toMatch(/config epoch was \d+, is \d+/);
    expect(proof.proven).toBe(true);
    expect(await revert(undo)).toMatchObject({ complete: true, detail: expect.stringContaining('2 replicas follow it') });
    await settled();
    await probe.stop();

    const acknowledged = probe.writes.filter(({ outcome }) => outcome === 'ok').map(({ key }) => key);
    const kept = await scanRun('planned');
    const lost = await readLost(probe.writes);
    expect(lost).toEqual(acknowledged.filter((key) => !kept.has(key)).toSorted());
    // Availability alone calls this perfect: no second without a good answer, yet seconds of sessions are gone.
    expect(longestGapMs(probe.records)).toBeLessThan(1_500);
    expect(lost.length).toBeGreaterThan(acknowledged.length / 4);
    expect(await removeSessions(doors.redis, probe.writes)).toEqual([]);
    expect((await scanRun('planned')).size).toBe(0);
  });

  test('safe-planned: writes wait a moment, and nothing is lost', async () => {
    const probe = await startSessionProbe('safe');
    const { proof, injection, undo } = await disturb(sentinelFailover, spec('safe-planned'), createBench(faultDoors()));
    expect(injection.detail).toMatch(/writes were paused for \d+ ms/);
    expect(proof.proven).toBe(true);
    expect(await revert(undo)).toMatchObject({ complete: true });
    await settled();
    await probe.stop();
    expect(await readLost(probe.writes)).toEqual([]);
    expect((await scanRun('safe')).size).toBeGreaterThanOrEqual(probe.writes.filter(({ outcome }) => outcome === 'ok').length);
    expect(longestGapMs(probe.records)).toBeGreaterThan(300);
    await removeSessions(doors.redis, probe.writes);
  });

  test('crash by command: Sentinel notices, and the group is whole only when the old master is back', async () => {
    const sentinel = sentinelOf(doors);
    const { master } = await sentinel.fetchGroup();
    const port = Number(master.split(':')[1]);
    const target = { ...trio.target, commands: { crash: [process.execPath, '-e', KILL, String(trio.pid(port))] } };
    const bench = createBench(faultDoors(target));
    const probe = await startSessionProbe('crash');
    const { plan, proof, undo } = await disturb(sentinelFailover, spec('crash'), bench);
    expect(plan.prediction).toContain('down-after-milliseconds 1000');
    expect(proof.proven).toBe(true);
    await awaitCondition('writes again', async () => probe.records.at(-1), {
      until: (last) => last?.good === true,
      timeoutMs: 20_000,
      clock: systemClock,
    });
    await settled();
    await probe.stop();
    expect(longestGapMs(probe.records)).toBeGreaterThan(1_000);
    const kept = await scanRun('crash');
    const acknowledged = probe.writes.filter(({ outcome }) => outcome === 'ok').map(({ key }) => key);
    expect(await readLost(probe.writes)).toEqual(acknowledged.filter((key) => !kept.has(key)).toSorted());
    await removeSessions(doors.redis, probe.writes);

    expect(await revert(undo, 3_000)).toMatchObject({
      complete: false,
      detail: expect.stringMatching(new RegExp(`1 of 2 replicas follow.*the former master ${master} is not back`)),
    });
    await trio.restart(port);
    expect(await revert(undo)).toMatchObject({ complete: true });
  });

  test('is refused without a quorum', async () => {
    const [first = 0, second = 0] = trio.sentinelPorts;
    await Promise.all([trio.kill(first), trio.kill(second)]);
    try {
      await awaitCondition('quorum lost', () => sentinelOf(doors).checkQuorum(), {
        until: ({ held }) => !held,
        timeoutMs: 20_000,
        clock: systemClock,
      });
      await expect(sentinelFailover.plan(spec('planned'), faultDoors())).rejects.toThrow(/no quorum: .*NOQUORUM/);
    } finally {
      await Promise.all([trio.restart(first), trio.restart(second)]);
    }
  });

  test('a kill -9 while writes are paused is undone from the record on disk: nobody stays waiting', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'peakproof-undo-'));
    const undoFile = join(folder, 'undo.ndjson');
    const { master } = await sentinelOf(doors).fetchGroup();
    const watcher = createRedisPort({ url: `redis://${master}`, password: trio.env.TRIO_SERVER_PASSWORD ?? '' });
    const child = spawn(
      process.execPath,
      [join(packageRoot(), 'test/integration/sentinel-failover-child.ts'), undoFile, JSON.stringify(trio.target)],
      { env: { ...process.env, ...trio.env }, stdio: 'inherit' },
    );
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      await awaitCondition('writes paused', () => isPaused(watcher), {
        until: (paused) => paused,
        timeoutMs: 20_000,
        intervalMs: 20,
        clock: systemClock,
      });
      child.kill('SIGKILL');
      await ended;
      const startedAt = systemClock.monotonic();
      const rollback = rollbackRun({ undoFile, doors: faultDoors(), journal: async () => undefined });
      await awaitCondition('writes go on', () => isPaused(watcher), {
        until: (paused) => !paused,
        timeoutMs: 4_000,
        intervalMs: 50,
        clock: systemClock,
      });
      // The pause itself would have lasted 10 s.
      expect(systemClock.monotonic() - startedAt).toBeLessThan(4_000);
      expect(await rollback).toMatchObject({ complete: true, undone: [{ fault: 'move', complete: true }] });
      const again = await rollbackRun({ undoFile, doors: faultDoors(), journal: async () => undefined });
      expect(again).toEqual({ complete: true, undone: [] });
    } finally {
      child.kill('SIGKILL');
      await watcher.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a server is reached where the address map says, by faults and by the probe alike', async () => {
    const { master, replicas } = await sentinelOf(doors).fetchGroup();
    const elsewhere = replicas[0]?.address ?? '';
    const sentinels = { ...trio.target.sentinels, addressMap: { [master]: elsewhere } } as NonNullable<RedisTarget['sentinels']>;
    const mapped = await openRedisDoors({ ...trio.target, sentinels }, trio.env, systemClock);
    const writer = mapped.sessions.openWriter();
    try {
      await expect(sentinelFailover.plan(spec('planned'), { ...faultDoors(), sentinel: sentinelOf(mapped) })).rejects.toThrow(
        /says of itself that it is a replica/,
      );
      const answer = await writer.write('peakproof:map:session:1', 'x', { ttlSeconds: 60, timeoutMs: 1_500 });
      // A client of Sentinel that finds a replica asks again, for ever: nothing was written.
      expect(answer.outcome).toBe('unknown');
      expect((await mapped.redis.info()).role).toBe('slave');
    } finally {
      await writer.close();
      await mapped.close();
    }
    expect((await scanRun('map')).size).toBe(0);
  });
});

const KILL = "process.kill(Number(process.argv[1]), 'SIGKILL')";

/** A write that is not answered at once; afterwards the server may be a replica, which answers too. */
async function isPaused(redis: RedisPort): Promise<boolean> {
  try {
    await redis.command('SET', ['peakproof:pause', 'x', 'PX', 1_000], { timeoutMs: 150 });
    return false;
  } catch (error) {
    return error instanceof Error && error.message.includes('no answer');
  }
}
