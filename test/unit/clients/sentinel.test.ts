import { expect, test } from 'vitest';
import type { SentinelGroup } from '../../../src/clients/ports.ts';
import { mergeViews, toAddress } from '../../../src/clients/sentinel.ts';

const view = (changes: Partial<SentinelGroup>): SentinelGroup => ({
  name: 'sessions',
  master: '10.0.0.1:6379',
  flags: ['master'],
  runId: 'r1',
  configEpoch: 4,
  quorum: 2,
  downAfterMs: 1_000,
  failoverTimeoutMs: 6_000,
  replicas: [],
  sentinels: 3,
  answered: 1,
  ...changes,
});

test('the Sentinel with the newest configuration is right about the master', () => {
  const views = [view({}), view({ configEpoch: 5, master: '10.0.0.2:6379' }), view({})];
  expect(mergeViews(views)).toMatchObject({ master: '10.0.0.2:6379', configEpoch: 5, answered: 3 });
});

test('a failover that only its leader knows of is in progress', () => {
  const leader = view({ flags: ['master', 'failover_in_progress'] });
  expect(mergeViews([view({}), leader, view({})]).flags).toEqual(['master', 'failover_in_progress']);
  expect(mergeViews([leader, view({})]).flags).toEqual(['master', 'failover_in_progress']);
  expect(mergeViews([view({}), view({})]).flags).toEqual(['master']);
});

test('an IPv6 host is written in brackets', () => {
  expect([toAddress('fd00::7', '6379'), toAddress('redis-0.redis', '6379')]).toEqual(['[fd00::7]:6379', 'redis-0.redis:6379']);
});
