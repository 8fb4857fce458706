import { describe, expect, test } from 'vitest';
import { flood } from '../../../../chaos/redis/flood.ts';
import type { RedisFloodSpec } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeRedis, type FakeRedisOptions } from '../../../fakes/fake-redis.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';

const spec = (mode: RedisFloodSpec['mode'], fields: Partial<RedisFloodSpec> = {}): RedisFloodSpec => ({
  kind: 'redis/flood',
  id: 'flood',
  atMs: 0,
  proveWithinMs: 10_000,
  revertWithinMs: 5_000,
  mode,
  durationMs: 3_000,
  maxMemoryMiB: 16,
  maxConnections: 200,
  commandsPerSecond: 1_000,
  blockMs: 400,
  sessionPattern: 'session:*',
  ...fields,
});

function aRedis(options: Omit<FakeRedisOptions, 'clock'> = {}) {
  const clock = createFakeClock();
  const redis = createFakeRedis({ clock, ...options });
  for (let index = 0; index < 20; index += 1) redis.keys.set(`session:${index}`, 100);
  redis.keys.set('stock:1', 100);
  return { clock, redis, doors: { clock, redis } };
}

const own = (keys: Map<string, number>): number => [...keys.keys()].filter((key) => key.startsWith('peakproof:')).length;
const sessions = (keys: Map<string, number>): number => [...keys.keys()].filter((key) => key.startsWith('session:')).length;

describe('redis/flood memory', () => {
  test('fills to OOM under noeviction, proves it by the error counter, and removes exactly its own keys', async () => {
    const { redis, doors } = aRedis();
    const bench = createBench(doors);
    const { plan, proof, undo } = await disturb(flood, spec('memory'), bench);
    expect(plan.prediction).toContain('nobody new can log in');
    expect(proof.proven).toBe(true);
    expect(proof.evidence[0]).toMatch(/errorstat_OOM \+[1-9]/);
    expect(bench.story).toEqual(['undo on disk', 'started']);
    expect(own(redis.keys)).toBeGreaterThan(0);
    const revert = await flood.revert(JSON.parse(JSON.stringify(undo)), doors, { timeoutMs: 5_000 });
    expect(revert.complete).toBe(true);
    expect(own(redis.keys)).toBe(0);
    expect(redis.keys.size).toBe(21);
  });

  test('fills to eviction under allkeys-lru and says that users are logged out silently', async () => {
    const { redis, doors } = aRedis({ policy: 'allkeys-lru' });
    const { plan, proof } = await disturb(flood, spec('memory'), createBench(doors));
    expect(plan.prediction).toContain('logged out silently');
    expect(proof.proven).toBe(true);
    expect(proof.evidence[0]).toMatch(/evicted_keys \+[1-9]/);
    expect(sessions(redis.keys)).toBe(0);
  });

  test('is not proven when nobody but the harness is connected, however far the counters moved', async () => {
    const { doors } = aRedis({ offPath: true });
    const { plan, proof } = await disturb(flood, spec('memory'), createBench(doors));
    expect(plan.blastRadius).toContain('not on the path of the application');
    expect(proof.proven).toBe(false);
    expect(proof.evidence.join('\n')).toMatch(/errorstat_OOM \+[1-9][\s\S]*not on the path/);
  });

  test('never has more alive than its bound', async () => {
    const { redis, doors } = aRedis({ maxMemoryBytes: 0 });
    const { proof } = await disturb(flood, spec('memory', { maxMemoryMiB: 1 }), createBench(doors)).catch(() => ({
      proof: null,
    }));
    // Without a limit the fake refuses everything, so only the count of its keys is of interest.
    expect(proof).not.toBeNull();
    expect(own(redis.keys)).toBeLessThanOrEqual(Math.floor((1_048_576 * 0.9) / 33_000) + Math.floor((1_048_576 * 0.1) / 400));
  });

  test('refuses a bound that cannot reach maxmemory, and one that would take the machine down', async () => {
    await expect(flood.plan(spec('memory', { maxMemoryMiB: 2 }), aRedis().doors)).rejects.toMatchObject({
      code: 'ERR_BLAST_RADIUS',
      message: expect.stringContaining('takes 9.0 MiB'),
    });
    const unlimited = aRedis({ maxMemoryBytes: 0 });
    await expect(flood.plan(spec('memory', { maxMemoryMiB: 900 }), unlimited.doors)).rejects.toMatchObject({
      code: 'ERR_BLAST_RADIUS',
      message: expect.stringContaining('no maxmemory'),
    });
    await expect(flood.plan(spec('memory', { maxMemoryMiB: 0 }), unlimited.doors)).rejects.toThrow('has no bound');
  });
});

describe('redis/flood connections', () => {
  test('takes every connection until new ones are refused, with an admin connection from before', async () => {
    const { redis, doors } = aRedis({ maxClients: 40 });
    const { proof, injection } = await disturb(flood, spec('connections'), createBench(doors));
    expect(proof.proven).toBe(true);
    expect(proof.evidence[0]).toMatch(/rejected_connections \+([3-9]|\d\d)/);
    expect(injection.detail).toMatch(/^38 connections held/);
    // Only the port of the plan is left.
    expect(redis.open()).toBe(1);
  });

  test('refuses when maxclients is further away than it may go', async () => {
    const { doors } = aRedis({ maxClients: 10_000 });
    await expect(flood.plan(spec('connections'), doors)).rejects.toMatchObject({ code: 'ERR_BLAST_RADIUS' });
  });

  test('reverts connections that a killed harness left, by their name only', async () => {
    const { redis, doors } = aRedis();
    const other = await redis.connect();
    await other.command('CLIENT', ['SETNAME', 'odoo']);
    const left = await redis.connect();
    await left.command('CLIENT', ['SETNAME', 'peakproof-flood-run-1-flood']);
    const data = { mode: 'connections', prefix: 'peakproof:flood:run-1:flood:', connectionName: 'peakproof-flood-run-1-flood' };
    const undo = { id: 'u', fault: 'flood', kind: 'redis/flood' as const, action: '', data };
    expect(await flood.revert(undo, doors, { timeoutMs: 5_000 })).toMatchObject({
      complete: true,
      detail: expect.stringContaining('1 connections closed'),
    });
    expect(redis.open()).toBe(2);
  });
});

describe('redis/flood commands', () => {
  test('keeps to its rate and proves it by the counter of commands', async () => {
    const { redis, doors } = aRedis();
    const { proof, injection } = await disturb(flood, spec('commands'), createBench(doors));
    expect(proof.proven).toBe(true);
    const sent = Number(/^(\d+) commands/.exec(injection.detail)?.[1]);
    expect(sent).toBeGreaterThan(2_700);
    expect(sent).toBeLessThanOrEqual(3_000);
    expect(own(redis.keys)).toBeLessThanOrEqual(1_000);
  });
});

describe('redis/flood blocking', () => {
  test('blocks for the time wanted, again and again, and proves it by a slow PING', async () => {
    const { doors } = aRedis();
    const { proof, injection } = await disturb(flood, spec('blocking'), createBench(doors));
    expect(proof.proven).toBe(true);
    expect(injection.detail).toMatch(/scripts ran, the longest for 400 ms/);
  });

  test('refuses to block without an end', async () => {
    await expect(flood.plan(spec('blocking', { blockMs: 3_600_000 }), aRedis().doors)).rejects.toMatchObject({
      code: 'ERR_BLAST_RADIUS',
    });
  });
});

describe('redis/flood flush-sessions', () => {
  test('removes the sessions and nothing else, and says that they do not come back', async () => {
    const { redis, doors } = aRedis();
    const { plan, proof, undo } = await disturb(flood, spec('flush-sessions'), createBench(doors));
    expect(plan.undo).toContain('sessions are lost');
    expect(proof).toMatchObject({ proven: true, evidence: expect.arrayContaining(['Redis removed 20 of 20 sessions found']) });
    expect([...redis.keys.keys()]).toEqual(['stock:1']);
    expect((await flood.revert(undo, doors, { timeoutMs: 5_000 })).detail).toContain('that was the fault');
  });

  test('refuses a pattern that matches nothing, or could match everything', async () => {
    const { doors } = aRedis();
    await expect(flood.plan(spec('flush-sessions', { sessionPattern: 'sess:*' }), doors)).rejects.toMatchObject({
      code: 'ERR_SELECTOR_EMPTY',
    });
    await expect(flood.plan(spec('flush-sessions', { sessionPattern: '*' }), doors)).rejects.toMatchObject({
      code: 'ERR_BLAST_RADIUS',
    });
  });

  test('is not proven when Redis removed nothing', async () => {
    const { doors } = aRedis({ keepsKeys: true });
    expect((await disturb(flood, spec('flush-sessions'), createBench(doors))).proof.proven).toBe(false);
  });
});

describe('redis/flood, every mode', () => {
  test.each(['memory', 'connections', 'commands', 'blocking'] as const)(
    '%s is not proven when the counters do not move',
    async (mode) => {
      const { doors } = aRedis({ unmoved: true, maxClients: 40 });
      const { proof } = await disturb(flood, spec(mode), createBench(doors));
      expect(proof.proven).toBe(false);
    },
  );

  test.each(['memory', 'connections', 'commands', 'blocking'] as const)('%s reverts when cancelled midway', async (mode) => {
    const { clock, redis, doors } = aRedis({ maxClients: 40 });
    const stop = new AbortController();
    const bench = createBench(doors, stop.signal);
    const long = spec(mode, { durationMs: 600_000 });
    const plan = await flood.plan(long, bench);
    const cancelled = clock.sleep(2_000).then(() => stop.abort());
    await flood.inject(long, plan, bench, () => {});
    await cancelled;
    expect(clock.monotonic()).toBeLessThan(5_000);
    const [undo] = bench.undone;
    if (undo === undefined) throw new Error('no undo');
    expect(await flood.revert(undo, doors, { timeoutMs: 5_000 })).toMatchObject({ complete: true });
    expect([own(redis.keys), redis.open(), redis.keys.size]).toEqual([0, 1, 21]);
  });

  test('refuses a replica', async () => {
    const { redis, doors } = aRedis();
    const info = redis.info;
    redis.info = async () => ({ ...(await info()), role: 'slave' });
    await expect(flood.plan(spec('memory'), doors)).rejects.toThrow('is a replica');
  });

  test('removes nothing on an undo record that names no prefix of a flood', async () => {
    const { redis, doors } = aRedis();
    const undo = { id: 'u', fault: 'flood', kind: 'redis/flood' as const, action: '', data: { prefix: '', connectionName: 'x' } };
    expect((await flood.revert(undo, doors, { timeoutMs: 1_000 })).complete).toBe(false);
    expect(redis.keys.size).toBe(21);
  });
});
