/** Keeps the numbered pods of each StatefulSet: a pod that was deleted comes back under the same name with a new UID. */
import { referenceTo } from '../events.ts';
import { templateHash } from '../naming.ts';
import { isControlledBy, isPodReady, type Pod, type StatefulSet } from '../objects.ts';
import { type ControllerContext, graceSecondsOf, newPod } from './context.ts';

const component = 'statefulset-controller';

export function reconcileStatefulSets(context: ControllerContext): void {
  for (const set of context.store.list('statefulsets')) {
    createMissing(context, set);
    removeSurplus(context, set);
    writeStatus(context, set);
  }
}

function podsOf(context: ControllerContext, set: StatefulSet): ReadonlyMap<number, Pod> {
  const owned = context.store.list('pods', set.metadata.namespace).filter((pod) => isControlledBy(pod, set));
  return new Map(owned.map((pod) => [Number(pod.metadata.name.slice(set.metadata.name.length + 1)), pod]));
}

function createMissing(context: ControllerContext, set: StatefulSet): void {
  const { store, events, clock } = context;
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  const pods = podsOf(context, set);
  for (let ordinal = 0; ordinal < set.spec.replicas; ordinal += 1) {
    const existing = pods.get(ordinal);
    if (existing !== undefined) {
      if (ordered && (!isPodReady(existing) || existing.metadata.deletionTimestamp !== undefined)) return;
      continue;
    }
    const name = `${set.metadata.name}-${ordinal}`;
    const labels = {
      'apps.kubernetes.io/pod-index': String(ordinal),
      'controller-revision-hash': revisionOf(set),
      'statefulset.kubernetes.io/pod-name': name,
    };
    const pod = newPod(name, set.spec.template, set, { nowMs: clock.now(), labels });
    store.create('pods', pod);
    events.record({
      involved: referenceTo(set),
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `create Pod ${name} in StatefulSet ${set.metadata.name} successful`,
      component,
    });
    if (ordered) return;
  }
}

function removeSurplus(context: ControllerContext, set: StatefulSet): void {
  const surplus = [...podsOf(context, set)]
    .filter(([ordinal, pod]) => ordinal >= set.spec.replicas && pod.metadata.deletionTimestamp === undefined)
    .toSorted(([left], [right]) => right - left);
  for (const [, pod] of surplus) {
    context.terminate(pod, graceSecondsOf(pod));
    context.events.record({
      involved: referenceTo(set),
      type: 'Normal',
      reason: 'SuccessfulDelete',
      message: `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`,
      component,
    });
  }
}

function revisionOf(set: StatefulSet): string {
  return `${set.metadata.name}-${templateHash(set.spec.template)}`;
}

function writeStatus(context: ControllerContext, set: StatefulSet): void {
  const pods = [...podsOf(context, set).values()];
  const ready = pods.filter(isPodReady).length;
  const revision = revisionOf(set);
  const updated = pods.filter((pod) => pod.metadata.labels?.['controller-revision-hash'] === revision).length;
  context.store.mutate('statefulsets', set, (current) => ({
    ...current,
    status: {
      observedGeneration: current.metadata.generation ?? 1,
      replicas: pods.length,
      ...(ready === 0 ? {} : { readyReplicas: ready }),
      availableReplicas: ready,
      ...(updated === 0 ? {} : { currentReplicas: updated, updatedReplicas: updated }),
      currentRevision: updated === pods.length ? revision : (current.status.currentRevision ?? revision),
      updateRevision: revision,
      collisionCount: 0,
    },
  }));
}
