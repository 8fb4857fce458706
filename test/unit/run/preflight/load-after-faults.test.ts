import { expect, test } from 'vitest';
import { readPlan } from '../../../../src/plan/read-plan.ts';
import { Findings } from '../../../../src/run/preflight/findings.ts';
import { checkLoadAfterFaults } from '../../../../src/run/preflight/load-after-faults.ts';

const KILL = '{ id: kill, kind: kubernetes/kill-pods, at: 3s, selector: app=erp, count: 1 }';

function check(faults: string, loadSeconds: number) {
  const plan = readPlan(
    `schemaVersion: 1
name: p
target: { kind: lab }
phases: { warmUp: 2s, baseline: 5s, disturbance: 20s, recovery: 60s, settle: 1s }
load: { scenarios: [{ id: sale, kind: flash-sale, stages: [{ ratePerSecond: 1, for: ${loadSeconds}s }] }] }
faults: [${faults}]
objectives: [{ id: x, kind: data-loss, service: order-capture }]
`,
    'p.yaml',
  );
  const findings = new Findings();
  checkLoadAfterFaults({ plan }, findings);
  return findings.checks;
}

test('load that ends less than 35 s after the last fault is refused, with the seconds that are missing', () => {
  // Injected at 2 + 5 + 3 = 10 s of the run.
  expect(check(KILL, 45)).toMatchObject([{ verdict: 'ok' }]);
  expect(check(KILL, 43)).toMatchObject([
    {
      verdict: 'fail',
      at: 'fault kill',
      evidence: expect.stringContaining('ends at 10 s'),
      hint: expect.stringContaining('2 s longer'),
    },
  ]);
});

test('a kill that repeats ends with its last round', () => {
  const repeated = KILL.replace('count: 1', 'count: 1, repeat: { every: 5s, for: 10s }');
  expect(check(repeated, 54)).toMatchObject([{ verdict: 'fail', evidence: expect.stringContaining('ends at 20 s') }]);
  expect(check(repeated, 55)).toMatchObject([{ verdict: 'ok' }]);
});

test('a flood takes nothing away, so nobody notices it late', () => {
  expect(check('{ id: flood, kind: redis/flood, at: 15s, mode: memory, for: 3s }', 28)).toEqual([]);
});
