/** Every mode of redis/flood on a real server: what is predicted happens, is proven, and leaves nothing behind. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { flood } from '../../chaos/redis/flood.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { RedisPort } from '../../src/clients/ports.ts';
import { createRedisPort } from '../../src/clients/redis.ts';
import type { RedisFloodSpec } from '../../src/model/plan.ts';
import { createBench, disturb } from '../fakes/fault-bench.ts';
import { startTestRedis, type TestRedis } from './chaos-redis-server.ts';

const spec = (mode: RedisFloodSpec['mode'], fields: Partial<RedisFloodSpec> = {}): RedisFloodSpec => ({
  kind: 'redis/flood',
  id: `flood-${mode}`,
  atMs: 0,
  proveWithinMs: 10_000,
  revertWithinMs: 10_000,
  mode,
  durationMs: 2_000,
  maxMemoryMiB: 32,
  maxConnections: 100,
  commandsPerSecond: 2_000,
  blockMs: 400,
  sessionPattern: 'session:*',
  ...fields,
});

let server: TestRedis;
let redis: RedisPort;
let app: RedisPort;
const doors = () => ({ clock: systemClock, redis });

beforeAll(async () => {
  server = await startTestRedis({ policy: 'noeviction', maxMemoryMiB: 16, maxClients: 40 });
  redis = createRedisPort({ url: server.url });
});
afterAll(async () => {
  await redis?.close();
  await server?.stop();
});
beforeEach(async () => {
  app = await redis.connect();
  // As an application's connection, not as one of the harness: those do not count.
  await app.command('CLIENT', ['SETNAME', 'erp']);
  await app.command('FLUSHALL', []);
  await app.pipeline(Array.from({ length: 300 }, (_, at) => ['SET', `session:${at}`, `user ${at}`, 'EX', 3_600] as const));
  await app.command('SET', ['stock:1', '7']);
});
afterEach(async () => {
  await app.close();
});

const count = async (pattern: string): Promise<number> => ((await app.command('KEYS', [pattern])) as string[]).length;

async function revert(undo: Parameters<typeof flood.revert>[0]) {
  const record = JSON.parse(JSON.stringify(undo));
  const first = await flood.revert(record, doors(), { timeoutMs: 10_000 });
  const again = await flood.revert(record, doors(), { timeoutMs: 10_000 });
  expect([first.complete, again.complete]).toEqual([true, true]);
  expect(await count('peakproof:*')).toBe(0);
  expect(await app.command('PING', [])).toBe('PONG');
}

describe('redis/flood on a real server', () => {
  test('memory under noeviction: writes of others are refused, sessions stay, its own keys go', async () => {
    const bench = createBench(doors());
    const plan = await flood.plan(spec('memory'), bench);
    const flooding = disturb(flood, spec('memory'), bench);
    await systemClock.sleep(600);
    const logins: string[] = [];
    for (let login = 0; login < 20; login += 1) {
      logins.push(await app.command('SET', [`login:${login}`, 'x'.repeat(200)]).then(String, (error: Error) => error.message));
      await systemClock.sleep(50);
    }
    // A client that disconnects or empties its buffers leaves room for a write now and then.
    expect(logins.filter((answer) => answer.includes('OOM')).length).toBeGreaterThan(10);
    const { proof, undo } = await flooding;
    expect(plan.prediction).toContain('nobody new can log in');
    expect(proof.evidence.join()).toMatch(/errorstat_OOM \+[1-9]/);
    expect(proof.proven).toBe(true);
    expect(await count('session:*')).toBe(300);
    await revert(undo);
    expect(await count('*')).toBe(301 + (await count('login:*')));
    expect(await app.command('SET', ['session:new', 'x'])).toBe('OK');
  });

  test('memory under allkeys-lru: sessions are evicted without an error', async () => {
    await app.command('CONFIG', ['SET', 'maxmemory-policy', 'allkeys-lru']);
    try {
      const { plan, proof, undo } = await disturb(flood, spec('memory'), createBench(doors()));
      expect(plan.prediction).toContain('logged out silently');
      expect(proof.evidence.join()).toMatch(/evicted_keys \+[1-9]\d/);
      expect(proof.proven).toBe(true);
      expect(await count('session:*')).toBeLessThan(30);
      await revert(undo);
    } finally {
      await app.command('CONFIG', ['SET', 'maxmemory-policy', 'noeviction']);
    }
  });

  test('connections: new clients are refused, connected ones and the revert go on', async () => {
    const flooding = disturb(flood, spec('connections'), createBench(doors()));
    await systemClock.sleep(1_200);
    await expect(redis.connect()).rejects.toThrow('max number of clients reached');
    expect(await app.command('GET', ['stock:1'])).toBe('7');
    const { proof, undo } = await flooding;
    expect(proof.proven).toBe(true);
    await revert(undo);
    const free = await redis.connect();
    await free.close();
  });

  test('commands: the rate is reached and not exceeded', async () => {
    const { proof, injection, undo } = await disturb(flood, spec('commands'), createBench(doors()));
    expect(proof.proven).toBe(true);
    const sent = Number(/^(\d+) commands/.exec(injection.detail)?.[1]);
    expect(sent).toBeGreaterThan(3_000);
    expect(sent).toBeLessThanOrEqual(4_000);
    await revert(undo);
  });

  test('blocking: others wait about as long as was asked, and it ends by itself', async () => {
    const flooding = disturb(flood, spec('blocking'), createBench(doors()));
    const { proof, injection, undo } = await flooding;
    expect(proof.proven).toBe(true);
    const longestMs = Number(/longest for (\d+) ms/.exec(injection.detail)?.[1]);
    expect(longestMs).toBeGreaterThan(150);
    expect(longestMs).toBeLessThan(2_000);
    await revert(undo);
  });

  test('flush-sessions: the sessions are gone, nothing else is', async () => {
    const { proof, undo } = await disturb(flood, spec('flush-sessions'), createBench(doors()));
    expect(proof.proven).toBe(true);
    expect([await count('session:*'), await count('stock:*')]).toEqual([0, 1]);
    await revert(undo);
  });

  test('a flood that nobody ended (its harness was killed) is removed by another process from the record alone', async () => {
    const bench = createBench(doors());
    const stop = new AbortController();
    const long = spec('memory', { durationMs: 600_000 });
    const plan = await flood.plan(long, bench);
    const begun = Promise.withResolvers<void>();
    const flooding = flood.inject(long, plan, { ...bench, signal: stop.signal }, () => begun.resolve());
    await begun.promise;
    stop.abort();
    await flooding;
    expect(await count('peakproof:*')).toBeGreaterThan(0);
    const [undo] = bench.undone;
    if (undo === undefined) throw new Error('no undo');
    const other = createRedisPort({ url: server.url });
    try {
      expect(await flood.revert(undo, { clock: systemClock, redis: other }, { timeoutMs: 10_000 })).toMatchObject({
        complete: true,
      });
    } finally {
      await other.close();
    }
    expect(await count('*')).toBe(301);
  });
});
