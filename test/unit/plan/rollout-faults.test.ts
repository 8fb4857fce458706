import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/errors.ts';
import { readPlan } from '../../../src/plan/read-plan.ts';

const plan = (...faults: readonly string[]): string => `schemaVersion: 1
name: small
target: { kind: lab }
phases: { warmUp: 1s, baseline: 2s, disturbance: 10s, recovery: 2s, settle: 1s }
load:
  scenarios:
    - { id: sale, kind: flash-sale, stages: [{ ratePerSecond: 2, for: 15s }] }
objectives:
  - { id: fast, kind: attainment, scenario: sale, phases: [baseline], within: 1s, minRatio: 95% }
faults:
${faults.map((fault) => `  - { at: 1s, ${fault} }`).join('\n')}
`;

function messagesOf(text: string): string {
  try {
    readPlan(text, 'p.yaml');
  } catch (error) {
    if (error instanceof HarnessError) return error.problems.map(({ at, message }) => `${at} ${message}`).join('\n');
    throw error;
  }
  return '';
}
const UPDATE = 'id: roll, kind: kubernetes/rolling-update, deployment: erp';
const BACK = 'id: back, kind: kubernetes/rollback, deployment: erp';

describe('faults of nodes and rollouts in a plan', () => {
  test('have careful defaults', () => {
    const { faults } = readPlan(
      plan('id: drain, kind: kubernetes/drain-node', `${UPDATE}, change: bad-image, within: 90s`, BACK),
      'p.yaml',
    );
    expect(faults).toMatchObject([
      { otherPods: 'refuse', deleteEmptyDirData: false, evictWithinMs: 60_000, holdMs: 20_000, maxAffectedRatio: 0.5 },
      { rollBack: 'on-failure', withinMs: 90_000, proveWithinMs: 90_000, readyWithinMs: 60_000, maxAffectedRatio: 0.5 },
      { withinMs: 180_000, holdMs: 0 },
    ]);
    expect(faults[0]).not.toHaveProperty('node');
  });

  test.each([
    ['an image that is not named', `${UPDATE}, change: image`, 'image is needed for "change: image"'],
    ['an image for another change', `${UPDATE}, change: restart, image: erp`, 'image is needed for "change: image"'],
    ['an empty selector', 'id: d, kind: kubernetes/drain-node, selector: ""', 'leave it out to drain every pod'],
    ['a readiness path that is no path', `${UPDATE}, change: failing-readiness, readinessPath: x`, 'readinessPath'],
  ])('refuse %s', (_, fault, message) => expect(messagesOf(plan(fault))).toContain(message));

  test('a rollback names a rolling update of the same deployment that comes before it', () => {
    const update = `${UPDATE}, change: restart`;
    expect(messagesOf(plan(update, `${BACK}, after: roll`))).toContain('"roll" does not come before it');
    expect(messagesOf(plan(update, `${BACK.replace('erp', 'other')}, after: roll`))).toContain(
      '"roll" is no rolling update of other',
    );
    expect(messagesOf(plan(`${UPDATE}, change: bad-image`, `${BACK}, after: roll`))).toContain('leaves no new revision behind');
    expect(messagesOf(plan(update, `${BACK}, after: roll`).replace(`at: 1s, ${BACK}`, `at: 5s, ${BACK}`))).toBe('');
  });
});
