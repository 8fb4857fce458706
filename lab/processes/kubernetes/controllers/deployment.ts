/** Keeps one ReplicaSet per template of a Deployment and rolls from the old to the new one, as the rollout strategy allows. */
import { timestamp } from '../clock.ts';
import { sameJson } from '../json.ts';
import { newUid, templateHash } from '../naming.ts';
import { type Deployment, isControlledBy, ownerReference, type PodTemplate, type ReplicaSet } from '../objects.ts';
import type { ControllerContext } from './context.ts';
import { writeDeploymentStatus } from './deployment-status.ts';
import { scaleSets } from './rolling.ts';

export const revisionKey = 'deployment.kubernetes.io/revision';
export const hashLabel = 'pod-template-hash';

/** Of the Deployment's annotations, what its ReplicaSets do not take over. Source: annotationsToSkip of the deployment controller. */
const ownAnnotations: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionKey,
  'deployment.kubernetes.io/revision-history',
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
]);

export function reconcileDeployments(context: ControllerContext): void {
  for (const deployment of context.store.list('deployments')) {
    if (deployment.spec.paused !== true) roll(context, deployment);
    writeDeploymentStatus(
      context,
      deployment,
      ownedSets(context, deployment),
      currentSet(deployment, ownedSets(context, deployment)),
    );
  }
}

function ownedSets(context: ControllerContext, deployment: Deployment): readonly ReplicaSet[] {
  return context.store.list('replicasets', deployment.metadata.namespace).filter((set) => isControlledBy(set, deployment));
}

function roll(context: ControllerContext, deployment: Deployment): void {
  const owned = ownedSets(context, deployment);
  const current = reviseSet(context, deployment, currentSet(deployment, owned) ?? createSet(context, deployment, owned), owned);
  scaleSets(context, deployment, ownedSets(context, deployment), current.metadata.uid);
  forgetOldSets(context, deployment, current);
}

/** By the template itself: one that is written back by a rollback has other keys first, and is the same. */
function currentSet(deployment: Deployment, owned: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = plainTemplate(deployment.spec.template);
  return owned.find((set) => sameJson(plainTemplate(set.spec.template), wanted));
}

function plainTemplate({ metadata, spec }: PodTemplate): unknown {
  const { [hashLabel]: _hash, ...labels } = metadata.labels;
  const { annotations = {} } = metadata;
  return { labels, annotations, spec };
}

function createSet(context: ControllerContext, deployment: Deployment, owned: readonly ReplicaSet[]): ReplicaSet {
  const { store, clock } = context;
  const { template, selector } = deployment.spec;
  const hash = freeHash(plainTemplate(template), owned);
  const labels = { ...template.metadata.labels, [hashLabel]: hash };
  return store.create('replicasets', {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      ...(deployment.metadata.namespace === undefined ? {} : { namespace: deployment.metadata.namespace }),
      uid: newUid(),
      generation: 1,
      creationTimestamp: timestamp(clock.now()),
      labels,
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
    status: { replicas: 0 },
  });
}

function freeHash(template: unknown, owned: readonly ReplicaSet[], collisions = 0): string {
  const hash = templateHash(collisions === 0 ? template : [template, collisions]);
  const taken = owned.some((set) => set.metadata.labels?.[hashLabel] === hash);
  return taken ? freeHash(template, owned, collisions + 1) : hash;
}

/** The set of the present template has the highest revision: a rollback gives an old set a new number. */
function reviseSet(
  context: ControllerContext,
  deployment: Deployment,
  current: ReplicaSet,
  owned: readonly ReplicaSet[],
): ReplicaSet {
  const { store } = context;
  const others = owned.filter((set) => set.metadata.uid !== current.metadata.uid);
  const revision = String(Math.max(revisionOf(current), ...others.map((set) => revisionOf(set) + 1), 1));
  const inherited = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.has(key));
  const annotations = { ...current.metadata.annotations, ...Object.fromEntries(inherited), [revisionKey]: revision };
  store.mutate('deployments', deployment, (now) => ({
    ...now,
    metadata: { ...now.metadata, annotations: { ...now.metadata.annotations, [revisionKey]: revision } },
  }));
  return store.mutate('replicasets', current, (now) => ({ ...now, metadata: { ...now.metadata, annotations } })) ?? current;
}

export function revisionOf(set: ReplicaSet): number {
  return Number(set.metadata.annotations?.[revisionKey] ?? 0);
}

/** Old sets without pods, oldest revision first, beyond `revisionHistoryLimit`. */
function forgetOldSets(context: ControllerContext, deployment: Deployment, current: ReplicaSet): void {
  const limit = typeof deployment.spec.revisionHistoryLimit === 'number' ? deployment.spec.revisionHistoryLimit : 10;
  const idle = ownedSets(context, deployment)
    .filter((set) => set.metadata.uid !== current.metadata.uid && set.spec.replicas === 0 && set.status.replicas === 0)
    .toSorted((left, right) => revisionOf(left) - revisionOf(right));
  for (const set of idle.slice(0, Math.max(0, idle.length - limit))) context.store.delete('replicasets', set);
}
