import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/errors.ts';
import { readPlan } from '../../../src/plan/read-plan.ts';

const PLAN = `schemaVersion: 1
name: sessions
target: { kind: odoo, url: "http://127.0.0.1:8069", database: erp, login: admin, password: { env: ODOO_PASSWORD } }
redis:
  url: redis://127.0.0.1:6379/0
  sentinels:
    urls: [redis://127.0.0.1:26379, redis://127.0.0.1:26380]
    master: sessions
    password: { env: SENTINEL_PASSWORD }
    addressMap: { "10.42.0.7:6379": "127.0.0.1:31379" }
  commands: { crash: [kill-redis] }
phases: { warmUp: 1s, baseline: 2s, disturbance: 10s, recovery: 2s, settle: 1s }
load: { scenarios: [{ id: sale, kind: flash-sale, stages: [{ ratePerSecond: 2, for: 15s }] }] }
probes: [{ service: session-store, interval: 50ms, failoverDetector: true }]
faults: [{ id: move, kind: redis/sentinel-failover, mode: planned, at: 1s }]
objectives:
  - { id: back, kind: recovery, service: session-store, fault: move, max: 5s }
  - { id: kept, kind: data-loss, service: session-store }
`;

function problemsOf(text: string): readonly string[] {
  try {
    readPlan(text, 'p.yaml');
  } catch (error) {
    if (error instanceof HarnessError) return error.problems.map(({ at, message }) => `${at}: ${message}`);
    throw error;
  }
  return [];
}

describe('Redis in a plan', () => {
  test('names its Sentinels, its fault and the probe of its sessions', () => {
    const plan = readPlan(PLAN, 'p.yaml');
    expect(plan.redis?.sentinels).toMatchObject({ master: 'sessions', addressMap: { '10.42.0.7:6379': '127.0.0.1:31379' } });
    expect(plan.faults).toMatchObject([{ kind: 'redis/sentinel-failover', mode: 'planned', atMs: 1_000 }]);
    expect(plan.probes).toEqual([
      { service: 'session-store', intervalMs: 50, timeoutMs: 30_000, slowMs: 2_000, failoverDetector: true },
    ]);
  });

  test.each([
    [
      'the fault without Sentinels',
      / {2}sentinels:[\s\S]*?31379" }\n/,
      '',
      /needs redis\.sentinels, which this plan does not have/,
    ],
    [
      'the fault and the probe without Redis',
      /redis:[\s\S]*?\[kill-redis\] }\n/,
      '',
      /"session-store" needs the section "redis"/,
    ],
    ['an objective of the sessions without their probe', /probes: .*\n/, '', /no probe writes to "session-store"/],
    [
      'an slo of the sessions',
      'kind: data-loss, service',
      'kind: slo, errors: { maxRatio: 1% }, service',
      /no load calls "session-store"/,
    ],
    [
      'a failover detector of another probe',
      'service: session-store, interval',
      'service: pos, interval',
      /failoverDetector: is only for/,
    ],
    ['an address without a port', '"127.0.0.1:31379"', '"127.0.0.1"', /addressMap.*must be host:port/],
    [
      'a Sentinel with a password in its URL',
      'redis://127.0.0.1:26379',
      'redis://:hunter7@127.0.0.1:26379',
      /carries a user name/,
    ],
  ])('refuses %s', (_, from, to, message) => {
    const problems = problemsOf(PLAN.replace(from, to)).join('\n');
    expect(problems).toMatch(message);
    expect(problems).not.toContain('hunter7');
  });
});
