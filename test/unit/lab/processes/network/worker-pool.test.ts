import { describe, expect, test } from 'vitest';
import { type HealthCheck, type PoolWorker, WorkerPool } from '../../../../../lab/processes/network/worker-pool.ts';

const one = { name: 'one', port: 1 };
const two = { name: 'two', port: 2 };
const none: ReadonlySet<PoolWorker> = new Set();

/** A pool whose health answers are set by port. */
function poolWith(answers: Record<number, Awaited<ReturnType<HealthCheck>>>): WorkerPool {
  return new WorkerPool(async (port) => answers[port] ?? 'ok');
}

describe('WorkerPool', () => {
  test('gives nothing to a worker before its first good check', async () => {
    const pool = poolWith({ 2: 'bad' });
    pool.setWorkers([one, two]);
    expect(pool.pick(none)).toBeUndefined();
    await pool.checkAll();
    expect(pool.workers.map(({ ready }) => ready)).toEqual([true, false]);
  });

  test('picks the worker with the fewest requests in flight, leaving out those already tried', async () => {
    const pool = poolWith({});
    pool.setWorkers([one, two]);
    await pool.checkAll();
    const first = pool.pick(none);
    expect(first?.name).toBe('one');
    if (first !== undefined) first.inFlight = 2;
    expect(pool.pick(none)?.name).toBe('two');
    expect(pool.pick(new Set([pool.pick(none)].flatMap((worker) => worker ?? [])))?.name).toBe('one');
  });

  test('takes a worker out after two bad checks, at once when it refuses, and back after one good check', async () => {
    const answers: Record<number, Awaited<ReturnType<HealthCheck>>> = { 1: 'ok', 2: 'ok' };
    const pool = poolWith(answers);
    pool.setWorkers([one, two]);
    const ready = async () => {
      await pool.checkAll();
      return pool.workers.map((worker) => worker.ready);
    };
    expect(await ready()).toEqual([true, true]);
    Object.assign(answers, { 1: 'bad', 2: 'refused' });
    expect(await ready()).toEqual([true, false]);
    expect(await ready()).toEqual([false, false]);
    Object.assign(answers, { 1: 'ok', 2: 'ok' });
    expect(await ready()).toEqual([true, true]);
  });

  test('fails open when all are sick: to workers that were ready once, never to one that refuses or never was', async () => {
    const answers: Record<number, Awaited<ReturnType<HealthCheck>>> = { 1: 'ok', 2: 'bad' };
    const pool = poolWith(answers);
    pool.setWorkers([one, two]);
    await pool.checkAll();
    answers[1] = 'bad';
    await pool.checkAll();
    await pool.checkAll();
    expect(pool.workers.map(({ ready }) => ready)).toEqual([false, false]);
    expect(pool.pick(none)?.name).toBe('one');
    answers[1] = 'refused';
    await pool.checkAll();
    expect(pool.pick(none)).toBeUndefined();
  });

  test('keeps what it knows of a worker that stays in the list, and forgets one with a new port', async () => {
    const pool = poolWith({});
    pool.setWorkers([one, two]);
    await pool.checkAll();
    pool.setWorkers([one, { name: 'two', port: 3 }]);
    expect(pool.workers.map(({ ready }) => ready)).toEqual([true, false]);
  });
});
