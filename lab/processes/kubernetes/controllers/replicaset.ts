/** Keeps the number of pods of each ReplicaSet; a pod that is being deleted no longer counts. */
import { referenceTo } from '../events.ts';
import { randomSuffix } from '../naming.ts';
import { isControlledBy, isPodReady, type Pod, type ReplicaSet } from '../objects.ts';
import { type ControllerContext, graceSecondsOf, newPod } from './context.ts';

const component = 'replicaset-controller';

export function reconcileReplicaSets(context: ControllerContext): void {
  for (const set of context.store.list('replicasets')) reconcileReplicaSet(context, set);
}

function reconcileReplicaSet(context: ControllerContext, set: ReplicaSet): void {
  const { store, events, clock } = context;
  const active = activePods(context, set);
  for (let missing = set.spec.replicas - active.length; missing > 0; missing -= 1) {
    const generateName = `${set.metadata.name}-`;
    const pod = newPod(freeName(context, set, generateName), set.spec.template, set, { nowMs: clock.now(), generateName });
    store.create('pods', pod);
    events.record({
      involved: referenceTo(set),
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `Created pod: ${pod.metadata.name}`,
      component,
    });
  }
  const surplus = active.toSorted(deletionOrder).slice(0, Math.max(0, active.length - set.spec.replicas));
  for (const pod of surplus) {
    context.terminate(pod, graceSecondsOf(pod));
    events.record({
      involved: referenceTo(set),
      type: 'Normal',
      reason: 'SuccessfulDelete',
      message: `Deleted pod: ${pod.metadata.name}`,
      component,
    });
  }
  const counted = activePods(context, set);
  const ready = counted.filter(isPodReady).length;
  store.mutate('replicasets', set, (current) => ({
    ...current,
    status: {
      replicas: counted.length,
      fullyLabeledReplicas: counted.length,
      ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
      observedGeneration: current.metadata.generation ?? 1,
    },
  }));
}

export function activePods(context: ControllerContext, set: ReplicaSet): readonly Pod[] {
  return context.store
    .list('pods', set.metadata.namespace)
    .filter((pod) => isControlledBy(pod, set) && pod.metadata.deletionTimestamp === undefined);
}

/** Which pods go first when scaling in: not started, then not ready, then the youngest. */
export function deletionOrder(left: Pod, right: Pod): number {
  const rank = (pod: Pod) => (pod.status.phase === 'Pending' ? 0 : isPodReady(pod) ? 2 : 1);
  return rank(left) - rank(right) || readySince(right) - readySince(left) || createdAt(right) - createdAt(left);
}

function readySince(pod: Pod): number {
  const ready = pod.status.conditions.find((condition) => condition.type === 'Ready' && condition.status === 'True');
  return ready === undefined ? 0 : Date.parse(ready.lastTransitionTime);
}

function createdAt(pod: Pod): number {
  return Date.parse(pod.metadata.creationTimestamp);
}

function freeName(context: ControllerContext, set: ReplicaSet, prefix: string): string {
  const name = `${prefix}${randomSuffix()}`;
  return context.store.get('pods', set.metadata.namespace, name) === undefined ? name : freeName(context, set, prefix);
}
