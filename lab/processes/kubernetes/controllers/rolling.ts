/**
 * How many pods the ReplicaSets of a Deployment should have now. The rules of the deployment controller: never more than
 * `replicas + maxSurge` pods, never fewer than `replicas - maxUnavailable` available ones, sick old pods first.
 */
import { referenceTo } from '../events.ts';
import type { Deployment, ReplicaSet } from '../objects.ts';
import type { ControllerContext } from './context.ts';

export interface RollingBounds {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Percentages of the wanted pods: surge rounded up, unavailable down; both zero would never move. */
export function rollingBounds({ spec }: Pick<Deployment, 'spec'>): RollingBounds {
  if (spec.strategy.type === 'Recreate') return { maxSurge: 0, maxUnavailable: spec.replicas };
  const { maxSurge = '25%', maxUnavailable = '25%' } = spec.strategy.rollingUpdate ?? {};
  const surge = resolve(maxSurge, spec.replicas, Math.ceil);
  const unavailable = resolve(maxUnavailable, spec.replicas, Math.floor);
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, spec.replicas) };
}

function resolve(value: unknown, replicas: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = typeof value === 'string' ? /^(\d+)%$/.exec(value)?.[1] : undefined;
  return round((replicas * Number(percent ?? 25)) / 100);
}

const maxKey = 'deployment.kubernetes.io/max-replicas';
const desiredKey = 'deployment.kubernetes.io/desired-replicas';

export function scaleSets(
  context: ControllerContext,
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  currentUid: string,
): void {
  const wanted = deployment.spec.replicas;
  const bounds = rollingBounds(deployment);
  const current = sets.find((set) => set.metadata.uid === currentUid);
  if (current === undefined) return;
  const old = sets.filter((set) => set.metadata.uid !== currentUid);
  const running = sets.filter((set) => set.spec.replicas > 0);
  const rescaled = running.some((set) => Number(set.metadata.annotations?.[desiredKey] ?? wanted) !== wanted);
  const targets =
    running.length > 1 && rescaled
      ? proportional(running, wanted + bounds.maxSurge, current)
      : deployment.spec.strategy.type === 'Recreate'
        ? recreated(old, current, wanted)
        : rolled(old, current, wanted, bounds);
  for (const set of sets) {
    const replicas = targets.get(set.metadata.uid) ?? set.spec.replicas;
    scaleSet(context, deployment, set, replicas, { [desiredKey]: String(wanted), [maxKey]: String(wanted + bounds.maxSurge) });
  }
}

type Targets = ReadonlyMap<string, number>;

/** A Deployment that is scaled in the middle of a rollout: every set grows or shrinks by its share, so that a bad revision does not take all. */
function proportional(running: readonly ReplicaSet[], allowed: number, current: ReplicaSet): Targets {
  const total = running.reduce((sum, set) => sum + set.spec.replicas, 0);
  const ordered = running.toSorted(
    (left, right) =>
      right.spec.replicas - left.spec.replicas || Number(right === current) - Number(left === current) || compare(left, right),
  );
  const targets = new Map<string, number>();
  let left = allowed - total;
  for (const set of ordered) {
    const share = Math.round((set.spec.replicas * (allowed - total)) / total);
    const change = allowed > total ? Math.min(share, left) : Math.max(share, left);
    left -= change;
    targets.set(set.metadata.uid, Math.max(0, set.spec.replicas + change));
  }
  const [largest] = ordered;
  if (largest !== undefined && left !== 0) {
    targets.set(largest.metadata.uid, Math.max(0, (targets.get(largest.metadata.uid) ?? 0) + left));
  }
  return targets;
}

function compare(left: ReplicaSet, right: ReplicaSet): number {
  return left.metadata.name < right.metadata.name ? -1 : 1;
}

/** The new pods come only when the last old one is gone. */
function recreated(old: readonly ReplicaSet[], current: ReplicaSet, wanted: number): Targets {
  const gone = old.every((set) => set.spec.replicas === 0 && set.status.replicas === 0);
  return new Map([
    ...old.map((set) => [set.metadata.uid, 0] as const),
    [current.metadata.uid, gone ? wanted : Math.min(current.spec.replicas, wanted)],
  ]);
}

function rolled(old: readonly ReplicaSet[], current: ReplicaSet, wanted: number, bounds: RollingBounds): Targets {
  const oldReplicas = old.reduce((sum, set) => sum + set.spec.replicas, 0);
  const room = wanted + bounds.maxSurge - oldReplicas - current.spec.replicas;
  const grown = Math.max(0, Math.min(room, wanted - current.spec.replicas));
  const next = Math.min(wanted, current.spec.replicas + grown);
  const targets = new Map(old.map((set) => [set.metadata.uid, set.spec.replicas]));
  const take = (set: ReplicaSet, count: number): void => {
    targets.set(set.metadata.uid, (targets.get(set.metadata.uid) ?? 0) - count);
  };
  const minAvailable = wanted - bounds.maxUnavailable;
  const available = (set: ReplicaSet): number => set.status.availableReplicas ?? 0;
  let spare = oldReplicas + current.spec.replicas - minAvailable - Math.max(0, current.spec.replicas - available(current));
  for (const set of old) {
    const sick = Math.min(Math.max(0, spare), Math.max(0, set.spec.replicas - available(set)));
    take(set, sick);
    spare -= sick;
  }
  let free = old.reduce((sum, set) => sum + Math.min(available(set), set.spec.replicas), available(current)) - minAvailable;
  for (const set of old) {
    const healthy = Math.min(Math.max(0, free), Math.max(0, spare), targets.get(set.metadata.uid) ?? 0);
    take(set, healthy);
    free -= healthy;
    spare -= healthy;
  }
  return targets.set(current.metadata.uid, next);
}

function scaleSet(
  context: ControllerContext,
  deployment: Deployment,
  set: ReplicaSet,
  replicas: number,
  annotations: Readonly<Record<string, string>>,
): void {
  const from = context.store.get('replicasets', set.metadata.namespace, set.metadata.name)?.spec.replicas ?? replicas;
  context.store.mutate('replicasets', set, (current) => ({
    ...current,
    metadata: {
      ...current.metadata,
      generation: (current.metadata.generation ?? 1) + (from === replicas ? 0 : 1),
      annotations: { ...current.metadata.annotations, ...annotations },
    },
    spec: { ...current.spec, replicas },
  }));
  if (from === replicas) return;
  context.events.record({
    involved: referenceTo(deployment),
    type: 'Normal',
    reason: 'ScalingReplicaSet',
    message: `Scaled ${replicas > from ? 'up' : 'down'} replica set ${set.metadata.name} from ${from} to ${replicas}`,
    component: 'deployment-controller',
  });
}
