/** Disruption budgets: how many pods may be evicted now. The rules of the disruption controller and of the eviction API. */
import { timestamp } from '../clock.ts';
import { isPodReady, type Pod, type PodDisruptionBudget, withCondition } from '../objects.ts';
import { matchesSelector } from '../selectors.ts';
import { ApiError } from '../status.ts';
import type { Store } from '../store.ts';
import type { ControllerContext } from './context.ts';

export interface DisruptionCounts {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
  readonly currentHealthy: number;
  readonly disruptionsAllowed: number;
}

export function reconcileDisruptionBudgets({ store, clock }: ControllerContext): void {
  for (const budget of store.list('poddisruptionbudgets')) {
    const counts = countDisruptions(store, budget);
    const fine = counts.disruptionsAllowed > 0;
    store.mutate('poddisruptionbudgets', budget, (current) => ({
      ...current,
      status: {
        observedGeneration: current.metadata.generation ?? 1,
        ...counts,
        conditions: withCondition(
          current.status?.conditions ?? [],
          {
            type: 'DisruptionAllowed',
            status: fine ? 'True' : 'False',
            reason: fine ? 'SufficientPods' : 'InsufficientPods',
            message: '',
          },
          timestamp(clock.now()),
        ),
      },
    }));
  }
}

export function countDisruptions(store: Store, budget: PodDisruptionBudget): DisruptionCounts {
  const { spec, metadata } = budget;
  const pods = store.list('pods', metadata.namespace).filter((pod) => matchesSelector(pod, spec.selector));
  const owners = new Set(pods.map((pod) => pod.metadata.ownerReferences?.[0]?.uid));
  const wanted = [...store.list('replicasets', metadata.namespace), ...store.list('statefulsets', metadata.namespace)]
    .filter((set) => owners.has(set.metadata.uid))
    .reduce((sum, set) => sum + set.spec.replicas, 0);
  const { minAvailable, maxUnavailable } = spec;
  const expectedPods = typeof minAvailable === 'number' ? pods.length : wanted;
  const desiredHealthy =
    maxUnavailable !== undefined
      ? Math.max(0, expectedPods - amount(maxUnavailable, expectedPods))
      : amount(minAvailable ?? 1, expectedPods);
  const currentHealthy = pods.filter((pod) => isPodReady(pod) && pod.metadata.deletionTimestamp === undefined).length;
  return {
    expectedPods,
    desiredHealthy,
    currentHealthy,
    disruptionsAllowed: expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0,
  };
}

/** Percentages are rounded up, as the controller does. */
function amount(value: number | string, of: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * of) / 100);
}

/** Throws 429 when a budget does not allow it, 500 when more than one budget covers the pod. */
export function requireEvictable(store: Store, pod: Pod): void {
  const running = pod.status.phase === 'Running' && pod.metadata.deletionTimestamp === undefined;
  if (!running) return;
  const budgets = store
    .list('poddisruptionbudgets', pod.metadata.namespace)
    .filter((budget) => matchesSelector(pod, budget.spec.selector));
  const [budget, second] = budgets;
  if (budget === undefined) return;
  if (second !== undefined) {
    const why = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new ApiError(500, 'InternalError', why);
  }
  const { disruptionsAllowed, currentHealthy, desiredHealthy } = countDisruptions(store, budget);
  if (disruptionsAllowed > 0) return;
  // A pod that is not healthy may go as long as the healthy ones suffice without it.
  if (!isPodReady(pod) && desiredHealthy > 0 && currentHealthy >= desiredHealthy) return;
  const { name } = budget.metadata;
  const message = `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  throw new ApiError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message }],
  });
}
