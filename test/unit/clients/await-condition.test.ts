import { describe, expect, test } from 'vitest';
import { awaitCondition, withDeadline } from '../../../src/clients/await-condition.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

describe('awaitCondition', () => {
  test('gives what it saw when the condition holds', async () => {
    const clock = createFakeClock();
    let looks = 0;
    const seen = await awaitCondition('third look', async () => ++looks, {
      until: (look) => look === 3,
      timeoutMs: 5_000,
      clock,
    });
    expect([seen, clock.monotonic()]).toEqual([3, 500]);
  });

  test('names the wait and the last thing seen when the time is over', async () => {
    const clock = createFakeClock();
    const waiting = awaitCondition('new primary', async () => 'pg-0', { until: () => false, timeoutMs: 30_000, clock });
    await expect(waiting).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
      message: 'timed out after 30 s waiting for new primary; last seen: "pg-0"',
    });
    expect(clock.monotonic()).toBeLessThanOrEqual(30_000);
  });

  test('a last look that the deadline cuts short does not hide what was seen before', async () => {
    const clock = createFakeClock();
    let looks = 0;
    const poll = async () => {
      looks += 1;
      if (looks > 2) await clock.sleep(60_000);
      return `look ${looks}`;
    };
    const waiting = awaitCondition('it', poll, { until: () => false, timeoutMs: 1_000, clock });
    await expect(waiting).rejects.toThrow('last seen: "look 2"');
  });

  test('a look that throws is no end, and is told as the last thing seen', async () => {
    const clock = createFakeClock();
    let looks = 0;
    const poll = async () => {
      looks += 1;
      if (looks < 3) throw new Error('connection refused');
      return looks;
    };
    expect(await awaitCondition('it', poll, { until: () => true, timeoutMs: 5_000, clock })).toBe(3);
    const down = awaitCondition('it', () => Promise.reject(new Error('connection refused')), {
      until: () => true,
      timeoutMs: 1_000,
      clock,
    });
    await expect(down).rejects.toThrow('last seen: an error: connection refused');
  });

  test('a look that hangs does not outlive the deadline', async () => {
    const clock = createFakeClock();
    const waiting = awaitCondition('it', () => new Promise(() => {}), { until: () => true, timeoutMs: 2_000, clock });
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(clock.monotonic()).toBe(2_000);
  });

  test('ends with the reason of the signal', async () => {
    const clock = createFakeClock();
    const stop = new AbortController();
    const waiting = awaitCondition('it', async () => 1, { until: () => false, timeoutMs: 60_000, clock, signal: stop.signal });
    void clock.sleep(1_100).then(() => stop.abort('SIGINT'));
    await expect(waiting).rejects.toBe('SIGINT');
    expect(clock.monotonic()).toBeLessThan(2_000);
  });
});

describe('withDeadline', () => {
  test('gives up work at the deadline, by its name', async () => {
    const clock = createFakeClock();
    await expect(withDeadline('the revert', new Promise(() => {}), { timeoutMs: 1_500, clock })).rejects.toThrow(
      'no end of the revert within 1.5 s',
    );
  });

  test('leaves no sleeper behind when the work is done first', async () => {
    const clock = createFakeClock();
    expect(await withDeadline('it', Promise.resolve(7), { timeoutMs: 60_000, clock })).toBe(7);
    await clock.sleep(1);
    expect(clock.monotonic()).toBe(1);
  });
});
