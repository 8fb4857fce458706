/** Keeps one ReplicaSet per template of a Deployment and rolls from the old to the new one. */
import { timestamp } from '../clock.ts';
import { referenceTo } from '../events.ts';
import { newUid, templateHash } from '../naming.ts';
import { type Condition, type Deployment, isControlledBy, ownerReference, type ReplicaSet, withCondition } from '../objects.ts';
import type { ControllerContext } from './context.ts';

const revisionKey = 'deployment.kubernetes.io/revision';
const hashLabel = 'pod-template-hash';

export function reconcileDeployments(context: ControllerContext): void {
  for (const deployment of context.store.list('deployments')) {
    if (deployment.spec.paused !== true) roll(context, deployment);
    writeStatus(context, deployment);
  }
}

function ownedSets(context: ControllerContext, deployment: Deployment): readonly ReplicaSet[] {
  return context.store.list('replicasets', deployment.metadata.namespace).filter((set) => isControlledBy(set, deployment));
}

function roll(context: ControllerContext, deployment: Deployment): void {
  const hash = templateHash(deployment.spec.template);
  const owned = ownedSets(context, deployment);
  const current = owned.find((set) => set.metadata.labels?.[hashLabel] === hash) ?? createSet(context, deployment, hash, owned);
  const old = owned.filter((set) => set.metadata.uid !== current.metadata.uid);
  const wanted = deployment.spec.replicas;
  const oldPods = old.reduce((sum, set) => sum + Math.max(set.spec.replicas, set.status.replicas), 0);
  const room = wanted + maxSurge(deployment) - oldPods;
  scaleSet(context, deployment, current, old.length === 0 ? wanted : Math.max(current.spec.replicas, Math.min(wanted, room)));
  if (current.spec.replicas > wanted) scaleSet(context, deployment, current, wanted);
  const available = current.status.availableReplicas ?? 0;
  // Old pods go only as new ones become available, so the number that serves never falls below the wanted one.
  let keep = Math.max(0, wanted - available);
  for (const set of old) {
    const next = Math.min(set.spec.replicas, keep);
    keep -= next;
    scaleSet(context, deployment, set, next);
  }
}

function createSet(context: ControllerContext, deployment: Deployment, hash: string, owned: readonly ReplicaSet[]): ReplicaSet {
  const { store, clock } = context;
  const revision = String(1 + Math.max(0, ...owned.map((set) => Number(set.metadata.annotations?.[revisionKey] ?? 0))));
  const { template, selector } = deployment.spec;
  const labels = { ...template.metadata.labels, [hashLabel]: hash };
  const created = store.create('replicasets', {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      ...(deployment.metadata.namespace === undefined ? {} : { namespace: deployment.metadata.namespace }),
      uid: newUid(),
      generation: 1,
      creationTimestamp: timestamp(clock.now()),
      labels,
      annotations: { [revisionKey]: revision },
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
    status: { replicas: 0 },
  });
  store.mutate('deployments', deployment, (current) => ({
    ...current,
    metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, [revisionKey]: revision } },
  }));
  return created;
}

function scaleSet(context: ControllerContext, deployment: Deployment, set: ReplicaSet, replicas: number): void {
  const from = context.store.get('replicasets', set.metadata.namespace, set.metadata.name)?.spec.replicas ?? replicas;
  if (from === replicas) return;
  context.store.mutate('replicasets', set, (current) => ({
    ...current,
    metadata: { ...current.metadata, generation: (current.metadata.generation ?? 1) + 1 },
    spec: { ...current.spec, replicas },
  }));
  context.events.record({
    involved: referenceTo(deployment),
    type: 'Normal',
    reason: 'ScalingReplicaSet',
    message: `Scaled ${replicas > from ? 'up' : 'down'} replica set ${set.metadata.name} from ${from} to ${replicas}`,
    component: 'deployment-controller',
  });
}

function maxSurge(deployment: Deployment): number {
  const value = deployment.spec.strategy.rollingUpdate?.maxSurge;
  if (typeof value === 'number') return Math.max(1, value);
  const percent = typeof value === 'string' ? /^(\d+)%$/.exec(value)?.[1] : undefined;
  return Math.max(1, Math.ceil((deployment.spec.replicas * Number(percent ?? 25)) / 100));
}

function writeStatus(context: ControllerContext, deployment: Deployment): void {
  const owned = ownedSets(context, deployment);
  const hash = templateHash(deployment.spec.template);
  const updatedSet = owned.find((set) => set.metadata.labels?.[hashLabel] === hash);
  const total = owned.reduce((sum, set) => sum + set.status.replicas, 0);
  const ready = owned.reduce((sum, set) => sum + (set.status.readyReplicas ?? 0), 0);
  const updated = updatedSet?.status.replicas ?? 0;
  const wanted = deployment.spec.replicas;
  const complete = updated === wanted && total === wanted && ready === wanted;
  context.store.mutate('deployments', deployment, (current) => ({
    ...current,
    status: {
      observedGeneration: current.metadata.generation ?? 1,
      ...(total === 0 ? {} : { replicas: total }),
      ...(updated === 0 ? {} : { updatedReplicas: updated }),
      ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
      ...(ready >= wanted ? {} : { unavailableReplicas: wanted - ready }),
      conditions: conditions(current, updatedSet?.metadata.name ?? '', { ready, complete }, timestamp(context.clock.now())),
    },
  }));
}

function conditions(
  deployment: Deployment,
  setName: string,
  counts: { readonly ready: number; readonly complete: boolean },
  now: string,
): readonly Condition[] {
  const wanted = deployment.spec.replicas;
  const available = counts.ready >= wanted - Math.floor(wanted / 4);
  const previous = deployment.status.conditions ?? [];
  const progressed = previous.find((condition) => condition.type === 'Progressing');
  const reason = counts.complete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated';
  // A finished rollout stays finished while pods come and go; only a new template starts another.
  const done = counts.complete || (progressed?.reason === 'NewReplicaSetAvailable' && progressed.message?.includes(setName));
  const withAvailable = withCondition(
    previous,
    available
      ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    now,
  );
  return withCondition(
    withAvailable,
    {
      type: 'Progressing',
      status: 'True',
      reason: done ? 'NewReplicaSetAvailable' : reason,
      message: done ? `ReplicaSet "${setName}" has successfully progressed.` : `ReplicaSet "${setName}" is progressing.`,
    },
    now,
  );
}
