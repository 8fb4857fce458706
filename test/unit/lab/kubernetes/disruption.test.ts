import { describe, expect, test } from 'vitest';
import type { ControlPlane } from '../../../../lab/processes/kubernetes/control-plane.ts';
import { requireEvictable } from '../../../../lab/processes/kubernetes/controllers/disruption.ts';
import type { DisruptionBudgetOptions } from '../../../../lab/processes/kubernetes/options.ts';
import { aControlPlane, settle } from './a-control-plane.ts';

const workloads = [{ kind: 'Deployment', name: 'erp', replicas: 4 }] as const;
const withBudgets = (...disruptionBudgets: readonly Omit<DisruptionBudgetOptions, 'name'>[]) =>
  aControlPlane({
    workloads,
    disruptionBudgets: disruptionBudgets.map((budget, index) => ({ name: `b${index}`, labels: { app: 'erp' }, ...budget })),
  });
const statusOf = (plane: ControlPlane) => plane.store.get('poddisruptionbudgets', 'erp', 'b0')?.status;
function aPod(plane: ControlPlane, index = 0) {
  const pod = plane.store.list('pods', 'erp')[index];
  if (pod === undefined) throw new Error('no pod');
  return pod;
}

describe('a disruption budget of the lab', () => {
  test.each([
    [{ maxUnavailable: 1 }, { desiredHealthy: 3, disruptionsAllowed: 1 }],
    [{ maxUnavailable: '30%' }, { desiredHealthy: 2, disruptionsAllowed: 2 }],
    [{ minAvailable: 4 }, { desiredHealthy: 4, disruptionsAllowed: 0 }],
    [{ minAvailable: '51%' }, { desiredHealthy: 3, disruptionsAllowed: 1 }],
  ])('%o of 4 pods: %o', async (budget, counts) => {
    const { plane } = await withBudgets(budget);
    expect(statusOf(plane)).toMatchObject({ expectedPods: 4, currentHealthy: 4, ...counts });
  });

  test('refuses an eviction with the numbers, and allows it again when the replacement is Ready', async () => {
    const { plane, runtime } = await withBudgets({ maxUnavailable: 1 });
    const sick = aPod(plane);
    runtime.setReady(sick.metadata.uid, false);
    await settle();
    const healthy = aPod(plane, 1);
    expect(() => requireEvictable(plane.store, healthy)).toThrowError(
      expect.objectContaining({
        code: 429,
        details: {
          causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget b0 needs 3 healthy pods and has 3 currently' }],
        },
      }),
    );
    // The sick pod itself may go: the healthy ones suffice without it.
    expect(() => requireEvictable(plane.store, aPod(plane))).not.toThrow();
    runtime.setReady(sick.metadata.uid, true);
    await settle();
    expect(() => requireEvictable(plane.store, healthy)).not.toThrow();
  });

  test('a pod that is on its way out no longer counts as healthy', async () => {
    const { plane, runtime } = await withBudgets({ maxUnavailable: 1 });
    runtime.stubborn = true;
    plane.terminate(aPod(plane), 30);
    expect(() => requireEvictable(plane.store, aPod(plane, 1))).toThrow('disruption budget');
  });

  test('of which a pod has two cannot be evicted at all', async () => {
    const { plane } = await withBudgets({ maxUnavailable: 1 }, { maxUnavailable: 2 });
    expect(() => requireEvictable(plane.store, aPod(plane))).toThrowError(expect.objectContaining({ code: 500 }));
  });

  test('of other pods does not matter', async () => {
    const { plane } = await withBudgets({ minAvailable: 4, labels: { app: 'other' } });
    expect(() => requireEvictable(plane.store, aPod(plane))).not.toThrow();
  });
});
