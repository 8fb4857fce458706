/** What a rollout fault finds before it, and what it refuses. Read only. */
import type { KubernetesPort, ReplicaSetView, RolloutView } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { RollbackSpec, RollingUpdateSpec } from '../../src/model/plan.ts';
import type { Access } from '../fault.ts';
import { currentReplicaSet } from './roll-out.ts';

export interface RolloutStart {
  readonly rollout: RolloutView;
  readonly current: ReplicaSetView;
  readonly sets: readonly ReplicaSetView[];
  /** UIDs of the pods there are now. */
  readonly before: readonly string[];
  readonly blastRadius: string;
}

/** Throws HarnessError when the Deployment cannot roll, could not be put back, or would lose more pods than allowed. */
export async function findRolloutStart(
  spec: RollingUpdateSpec | RollbackSpec,
  kubernetes: KubernetesPort,
): Promise<RolloutStart> {
  const { rollouts } = kubernetes;
  const [rollout, sets, { selector }] = await Promise.all([
    rollouts.fetchRollout(spec.deployment),
    rollouts.fetchReplicaSets(spec.deployment),
    kubernetes.fetchDeployment(spec.deployment),
  ]);
  const at = `deployment ${spec.deployment} in ${kubernetes.context}/${kubernetes.namespace}`;
  const current = currentReplicaSet(rollout, sets);
  if (current === null || rollout.existing > rollout.updated) {
    throw refused(`${at} is in the middle of a rollout already`, 'wait for it: kubectl rollout status deployment/NAME');
  }
  if (rollout.paused) throw refused(`${at} is paused, so no rollout would start`, 'kubectl rollout resume deployment/NAME');
  if (rollout.revisionHistoryLimit === 0) {
    throw refused(`${at} keeps no earlier revision, so it could not be put back`, 'set its revisionHistoryLimit to 1 or more');
  }
  if (rollout.replicas === 0) throw new HarnessError('ERR_SELECTOR_EMPTY', `${at} wants no pods: there is nothing to roll`);
  const allowed = Math.floor(spec.maxAffectedRatio * rollout.replicas + 1e-9);
  const strategy = rollout.strategy === 'RollingUpdate' ? 'maxUnavailable' : `strategy ${rollout.strategy}`;
  if (rollout.maxUnavailable > allowed) {
    throw new HarnessError(
      'ERR_BLAST_RADIUS',
      `${strategy} of ${at} lets ${rollout.maxUnavailable} of ${rollout.replicas} pods go at once; ` +
        `maxAffected ${Math.round(spec.maxAffectedRatio * 100)} % allows ${allowed}`,
      { hint: 'lower maxUnavailable of the deployment, run more replicas, or raise maxAffected of this fault' },
    );
  }
  const pods = await kubernetes.fetchPods(selector);
  return {
    rollout,
    current,
    sets,
    before: pods.filter(({ deleting, owner }) => !deleting && owner?.name === current.name).map(({ uid }) => uid),
    blastRadius: `at most ${rollout.maxUnavailable} of ${rollout.replicas} pods down at once by ${strategy}; every pod is replaced`,
  };
}

export function refused(message: string, hint: string): HarnessError {
  return new HarnessError('ERR_FAULT_UNSUPPORTED', message, { hint });
}

/** Permissions of every fault that rolls a Deployment. */
export const ROLLOUT_ACCESS = [
  { verb: 'list', group: '', resource: 'pods' },
  { verb: 'get', group: 'apps', resource: 'deployments' },
  { verb: 'patch', group: 'apps', resource: 'deployments' },
  { verb: 'list', group: 'apps', resource: 'replicasets' },
] as const;

/** {@link ROLLOUT_ACCESS} on the fault's own Deployment alone. */
export const rolloutAccess = ({ deployment }: { readonly deployment: string }): readonly Access[] =>
  ROLLOUT_ACCESS.map((access) => (access.resource === 'deployments' ? { ...access, name: deployment } : access));
