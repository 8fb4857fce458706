import { describe, expect, test } from 'vitest';
import { readPlan } from '../../../src/plan/read-plan.ts';
import { checkRedis } from '../../../src/run/preflight-redis.ts';
import { shortPlan } from '../../e2e/short-plan.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';
import { FakeOdoo } from '../../fakes/fake-odoo.ts';
import { createFakeRedis, type FakeRedisOptions } from '../../fakes/fake-redis.ts';
import { createFakeSentinel, type FakeSentinel } from '../../fakes/fake-sentinel.ts';

const MOVE = { id: 'move', kind: 'redis/sentinel-failover', at: '1s', mode: 'planned' };
const LOSS = { id: 'nothing-lost', kind: 'data-loss', service: 'session-store' };
const FAST = { id: 'orders', kind: 'data-loss', service: 'order-capture' };

function check(
  { faults = [], probes = ['order-capture'] }: { readonly faults?: readonly object[]; readonly probes?: readonly string[] },
  arrange: (sentinel: FakeSentinel) => void = () => undefined,
  redisOptions: Partial<FakeRedisOptions> = {},
) {
  const clock = createFakeClock();
  const sentinel = createFakeSentinel({ clock });
  arrange(sentinel);
  const objectives = [probes.includes('session-store') ? LOSS : FAST];
  const plan = readPlan(shortPlan({ name: 'check', faults, probes, objectives }), 'plan');
  const doorsOfFaults = { clock, sentinel, redis: createFakeRedis({ clock, ...redisOptions }) };
  return checkRedis(plan, { odoo: new FakeOdoo(), faults: doorsOfFaults, close: async () => undefined });
}

describe('checkRedis', () => {
  test('passes a group that is whole, and says who is connected', async () => {
    const { problems, warnings, passed } = await check({ faults: [MOVE], probes: ['session-store'] });
    expect([problems, warnings]).toEqual([[], []]);
    expect(passed.join('\n')).toMatch(/10\.0\.0\.1:6379 is the master of "sessions", 2 replicas, 3 Sentinels with quorum 2/);
    expect(passed.join('\n')).toMatch(/2 connections of others \(erp\)/);
  });

  test.each([
    ['no quorum', (sentinel: FakeSentinel) => Object.assign(sentinel, { quorum: false }), /no quorum: NOQUORUM/],
    [
      'no replica that could take over',
      (sentinel: FakeSentinel) => {
        for (const server of sentinel.servers.values()) server.linkUp = false;
      },
      /no replica is connected/,
    ],
    [
      'one server under two addresses',
      (sentinel: FakeSentinel) => {
        const third = sentinel.servers.get('10.0.0.3:6379');
        if (third !== undefined) third.runId = 'run of 10.0.0.1:6379';
      },
      /are one server, and Sentinel takes them for two/,
    ],
    [
      'a master that does not answer from here',
      (sentinel: FakeSentinel) => sentinel.servers.delete('10.0.0.1:6379'),
      /announces 10\.0\.0\.1:6379, which does not answer from here: .*ECONNREFUSED/,
    ],
  ])('%s is a problem for a plan that moves the master or probes the sessions, else a warning', async (_, arrange, message) => {
    for (const plan of [{ faults: [MOVE] }, { probes: ['session-store'] }]) {
      const { problems } = await check(plan, arrange);
      expect(problems).toMatchObject([
        { code: 'ERR_PREFLIGHT', at: 'redis.sentinels sessions', message: expect.stringMatching(message) },
      ]);
    }
    const { problems, warnings } = await check({}, arrange);
    expect(problems).toEqual([]);
    expect(warnings).toMatchObject([{ message: expect.stringMatching(message) }]);
  });

  test('a Redis that nobody uses is told before a plan breaks it', async () => {
    const broken = await check({ faults: [MOVE] }, undefined, { offPath: true });
    expect(broken.warnings).toMatchObject([{ message: expect.stringContaining('not on the path of the application') }]);
    expect(broken.problems).toEqual([]);
    expect((await check({}, undefined, { offPath: true })).warnings).toEqual([]);
  });

  test('says nothing where there is no Redis', async () => {
    const plan = readPlan(shortPlan({ name: 'check', objectives: [FAST] }), 'plan');
    const doors = { odoo: new FakeOdoo(), faults: { clock: createFakeClock() }, close: async () => undefined };
    expect(await checkRedis(plan, doors)).toEqual({ problems: [], warnings: [], passed: [] });
  });
});
