import { formatSeconds } from '../../src/clients/await-condition.ts';
import type { ReplicaSetView } from '../../src/clients/ports.ts';
import type { RollbackSpec } from '../../src/model/plan.ts';
import type { Fault } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { holdFor } from './hold.ts';
import { newProgress, type RolloutProgress, watchRollout } from './roll-out.ts';
import { findRolloutStart, ROLLOUT_ACCESS, type RolloutStart, refused, rolloutAccess } from './rollout-plan.ts';
import { proveRollout } from './rollout-proof.ts';
import { revertRollout, undoData } from './rollout-undo.ts';

export interface PlannedRollback {
  readonly start: RolloutStart;
  /** Null: the rolling update that makes the revision to go back from has not run yet. */
  readonly to: ReplicaSetView | null;
}

const KIND = 'kubernetes/rollback';

export const rollback: Fault<RollbackSpec, PlannedRollback, RolloutProgress> = {
  kind: KIND,
  summary: 'rolls a deployment back to its previous or a named revision, as kubectl rollout undo does, and then forward again',
  needs: ['kubernetes'],
  access: ROLLOUT_ACCESS,
  accessFor: rolloutAccess,

  async plan(spec, doors) {
    const kubernetes = requireDoor(doors, 'kubernetes', KIND);
    const start = await findRolloutStart(spec, kubernetes);
    const { rollout, current } = start;
    const to = chooseRevision(spec, start);
    if (to === null && spec.after === undefined) throw noRevision(spec, start);
    const goal = to === null ? `the revision before fault ${spec.after}` : `revision ${to.revision} (${to.name})`;
    return {
      target: `deployment ${rollout.name} in ${kubernetes.context}/${kubernetes.namespace}, from revision ${current.revision} to ${goal}`,
      blastRadius: start.blastRadius,
      undo: `rolls ${rollout.name} to ${current.name} again, which it runs before the fault`,
      prediction: `at least ${rollout.replicas - rollout.maxUnavailable} of ${rollout.replicas} pods serve while it rolls`,
      state: { start, to },
    };
  },

  async inject(spec, { state }, context, started) {
    const { clock, signal } = context;
    const { start, to } = state;
    const kubernetes = requireDoor(context, 'kubernetes', KIND);
    if (to === null) throw noRevision(spec, start);
    await context.openUndo({
      fault: spec.id,
      kind: KIND,
      action: `roll ${spec.deployment} forward again to ${start.current.name} (revision ${start.current.revision})`,
      data: { ...undoData(start, { mark: null, rolledTo: to.uid, keepsComplete: false }) },
    });
    signal.throwIfAborted();
    const progress = newProgress();
    const injectedAt = clock.now();
    await kubernetes.rollouts.rollTo(spec.deployment, { uid: to.uid });
    const injection = {
      injectedAt,
      detail: `${spec.deployment} rolled back to revision ${to.revision} (${to.name})`,
      state: progress,
    };
    started(injection);
    const { deployment, withinMs, readyWithinMs } = spec;
    const watch = {
      deployment,
      withinMs,
      readyWithinMs,
      before: start.before,
      replicaSetBefore: start.current.uid,
      clock,
      signal,
    };
    const outcome = await watchRollout(kubernetes, watch, progress);
    await holdFor(spec.holdMs, context);
    return {
      ...injection,
      detail: `${injection.detail}; ${outcome.result} after ${formatSeconds(outcome.tookMs)}: ${outcome.reason}`,
    };
  },

  prove: (spec, { state }, injection, context) =>
    proveRollout(
      {
        kind: KIND,
        deployment: spec.deployment,
        before: state.start.before,
        expected: 'complete',
        proveWithinMs: spec.proveWithinMs,
      },
      injection.state,
      context,
    ),

  revert: (undo, doors, { timeoutMs }) => revertRollout(undo, doors, timeoutMs),
};

/** The named revision, else the highest one below the present: what `kubectl rollout undo` goes to. */
function chooseRevision({ toRevision, deployment }: RollbackSpec, { sets, current }: RolloutStart): ReplicaSetView | null {
  if (toRevision === undefined) return sets.find(({ revision }) => (revision ?? 0) < (current.revision ?? 0)) ?? null;
  if (toRevision === current.revision) {
    throw refused(
      `deployment ${deployment} runs revision ${toRevision} already`,
      'name another revision, or leave toRevision out',
    );
  }
  return sets.find(({ revision }) => revision === toRevision) ?? null;
}

function noRevision({ deployment, toRevision }: RollbackSpec, { sets }: RolloutStart) {
  const known = `it has ${sets.map(({ revision }) => revision).join(', ')}`;
  const what = toRevision === undefined ? 'no earlier revision to go back to' : `no revision ${toRevision}`;
  return refused(
    `deployment ${deployment} has ${what} (${known})`,
    'roll something out first, or name with "after" the fault that does',
  );
}
