/** Status of a Deployment: counts, and the conditions that `kubectl rollout status` and `kubectl wait` read. */
import { timestamp } from '../clock.ts';
import { type Condition, type Deployment, type ReplicaSet, withCondition } from '../objects.ts';
import type { ControllerContext } from './context.ts';
import { rollingBounds } from './rolling.ts';

interface Counts {
  readonly total: number;
  readonly updated: number;
  readonly ready: number;
}

export function writeDeploymentStatus(
  context: ControllerContext,
  deployment: Deployment,
  owned: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
): void {
  const counts: Counts = {
    total: owned.reduce((sum, set) => sum + set.status.replicas, 0),
    updated: current?.status.replicas ?? 0,
    ready: owned.reduce((sum, set) => sum + (set.status.readyReplicas ?? 0), 0),
  };
  const { total, updated, ready } = counts;
  const now = context.clock.now();
  context.store.mutate('deployments', deployment, (stored) => {
    const wanted = stored.spec.replicas;
    return {
      ...stored,
      status: {
        observedGeneration: stored.metadata.generation ?? 1,
        ...(total === 0 ? {} : { replicas: total }),
        ...(updated === 0 ? {} : { updatedReplicas: updated }),
        ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
        ...(ready >= wanted ? {} : { unavailableReplicas: wanted - ready }),
        conditions: withProgressing(withAvailable(stored, ready, now), stored, current, counts, now),
      },
    };
  });
  const left = deadlineMsOf(deployment);
  const stored = context.store.get('deployments', deployment.metadata.namespace, deployment.metadata.name);
  const progressing = stored?.status.conditions?.find(({ type }) => type === 'Progressing');
  // Nothing changes in the store when time runs out, so somebody has to look again then.
  if (progressing?.reason === 'ReplicaSetUpdated' && left !== null) {
    context.wakeAt(deployment.metadata.uid, Date.parse(progressing.lastUpdateTime ?? timestamp(now)) + left + 1_000);
  }
}

function withAvailable(deployment: Deployment, ready: number, nowMs: number): readonly Condition[] {
  const available = ready >= deployment.spec.replicas - rollingBounds(deployment).maxUnavailable;
  return withCondition(
    deployment.status.conditions ?? [],
    available
      ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    timestamp(nowMs),
  );
}

function deadlineMsOf({ spec }: Deployment): number | null {
  return typeof spec.progressDeadlineSeconds === 'number' ? spec.progressDeadlineSeconds * 1000 : null;
}

function withProgressing(
  conditions: readonly Condition[],
  deployment: Deployment,
  current: ReplicaSet | undefined,
  { total, updated, ready }: Counts,
  nowMs: number,
): readonly Condition[] {
  const { status, spec } = deployment;
  const name = current?.metadata.name ?? '';
  const previous = status.conditions?.find(({ type }) => type === 'Progressing');
  const mine = previous?.message?.includes(`"${name}"`) === true;
  const complete = updated === spec.replicas && total === spec.replicas && ready === spec.replicas;
  const done = complete || (mine && previous?.reason === 'NewReplicaSetAvailable');
  const progressed =
    !mine ||
    updated > (status.updatedReplicas ?? 0) ||
    total - updated < (status.replicas ?? 0) - (status.updatedReplicas ?? 0) ||
    ready > (status.readyReplicas ?? 0);
  const now = timestamp(nowMs);
  const since = progressed ? now : (previous?.lastUpdateTime ?? now);
  const deadlineMs = deadlineMsOf(deployment);
  const late = !done && spec.paused !== true && deadlineMs !== null && nowMs - Date.parse(since) > deadlineMs;
  const says = (state: Condition['status'], reason: string, words: string): readonly Condition[] =>
    withCondition(
      conditions,
      { type: 'Progressing', status: state, reason, message: `ReplicaSet "${name}" ${words}`, lastUpdateTime: since },
      now,
    );
  // A finished rollout stays finished while pods come and go; only a new template starts another.
  if (done) return says('True', 'NewReplicaSetAvailable', 'has successfully progressed.');
  return late
    ? says('False', 'ProgressDeadlineExceeded', 'has timed out progressing.')
    : says('True', 'ReplicaSetUpdated', 'is progressing.');
}
