/** redis/sentinel-failover and the session store's probe on real servers and Sentinels: what is lost is counted to the key. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sentinelFailover } from '../../chaos/redis/sentinel-failover.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createCommandPort } from '../../src/clients/command.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import type { RedisPort, SentinelPort } from '../../src/clients/ports.ts';
import { createRedisPort } from '../../src/clients/redis.ts';
import type { RedisTarget, SentinelFailoverSpec } from '../../src/model/plan.ts';
import { openRedisDoors, type RedisDoors } from '../../src/run/redis-doors.ts';
import { rollbackRun } from '../../src/run/rollback.ts';
import { createBench, disturb } from '../fakes/fault-bench.ts';
import { type RedisTrio, startRedisTrio } from '../support/redis-trio.ts';
import { startSessionRun } from '../support/session-run.ts';

let trio: RedisTrio;
let doors: RedisDoors;

beforeAll(async () => {
  trio = await startRedisTrio();
});
afterAll(() => trio?.stop());
beforeEach(async () => {
  // What a test that failed has left dead must not fail the next.
  for (const port of [...trio.serverPorts, ...trio.sentinelPorts]) if (trio.pid(port) === null) await trio.restart(port);
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

describe('redis/sentinel-failover on real Sentinels', () => {
  test('planned: nobody notices, and every acknowledged session of the seconds after it is lost, key by key', async () => {
    const probe = await startSessionRun(doors, 'planned');
    const { proof, undo } = await disturb(sentinelFailover, spec('planned'), createBench(faultDoors()));
    expect(proof.evidence.join()).toMatch(/config epoch was \d+, is \d+/);
    expect(proof.proven).toBe(true);
    expect(await revert(undo)).toMatchObject({ complete: true, detail: expect.stringContaining('2 replicas follow it') });
    await probe.stop();

    const lost = await probe.readLost();
    expect(lost).toEqual(probe.absentFrom(await probe.scan()));
    // Availability alone calls this perfect: no second without a good answer, yet seconds of sessions are gone.
    expect(probe.longestGapMs()).toBeLessThan(1_500);
    expect(lost.length).toBeGreaterThan(probe.acknowledged().length / 4);
    expect(await probe.remove()).toEqual([]);
    expect((await probe.scan()).size).toBe(0);
  });

  test('safe-planned: writes wait a moment, and nothing is lost', async () => {
    const probe = await startSessionRun(doors, 'safe');
    const { proof, injection, undo } = await disturb(sentinelFailover, spec('safe-planned'), createBench(faultDoors()));
    expect(injection.detail).toMatch(/writes were paused for \d+ ms/);
    expect(proof.proven).toBe(true);
    expect(await revert(undo)).toMatchObject({ complete: true });
    await probe.stop();
    expect(await probe.readLost()).toEqual([]);
    expect(probe.absentFrom(await probe.scan())).toEqual([]);
    expect(probe.longestGapMs()).toBeGreaterThan(300);
    await probe.remove();
  });

  test('crash by command: Sentinel notices, and the group is whole only when the old master is back', async () => {
    const sentinel = sentinelOf(doors);
    const { master } = await sentinel.fetchGroup();
    const port = Number(master.split(':')[1]);
    const target = { ...trio.target, commands: { crash: [process.execPath, '-e', KILL, String(trio.pid(port))] } };
    const bench = createBench(faultDoors(target));
    const probe = await startSessionRun(doors, 'crash');
    const { plan, proof, undo } = await disturb(sentinelFailover, spec('crash'), bench);
    expect(plan.prediction).toContain('down-after-milliseconds 1000');
    expect(proof.proven).toBe(true);
    await probe.awaitGood(20_000);
    await probe.stop();
    expect(probe.longestGapMs()).toBeGreaterThan(1_000);
    expect(await probe.readLost()).toEqual(probe.absentFrom(await probe.scan()));
    await probe.remove();

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
    expect(await doors.redis.command('EXISTS', ['peakproof:map:session:1'])).toBe(0);
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
