import { formatSeconds } from '../../src/clients/await-condition.ts';
import type { TemplateChange } from '../../src/clients/ports.ts';
import type { RollingUpdateSpec } from '../../src/model/plan.ts';
import type { Fault, FaultContext, Injection } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { holdFor } from './hold.ts';
import { newProgress, type RolloutOutcome, type RolloutProgress, watchRollout } from './roll-out.ts';
import { findRolloutStart, ROLLOUT_ACCESS, type RolloutStart, refused, rolloutAccess } from './rollout-plan.ts';
import { proveRollout } from './rollout-proof.ts';
import { CHANGED_BY, revertRollout, undoData } from './rollout-undo.ts';

export interface PlannedUpdate {
  readonly start: RolloutStart;
  readonly container: string;
  readonly image: string;
  readonly port: number | string | null;
}

const KIND = 'kubernetes/rolling-update';

/** No image can have this name: `.invalid` is reserved for names that never resolve (RFC 2606). */
const NO_IMAGE = 'peakproof.invalid/no-such-image';

export const rollingUpdate: Fault<RollingUpdateSpec, PlannedUpdate, RolloutProgress> = {
  kind: KIND,
  summary: 'rolls a deployment to a new revision (restart, image, image that does not exist, readiness that fails) and back',
  needs: ['kubernetes'],
  access: ROLLOUT_ACCESS,
  accessFor: rolloutAccess,

  async plan(spec, doors) {
    const kubernetes = requireDoor(doors, 'kubernetes', KIND);
    const start = await findRolloutStart(spec, kubernetes);
    const { rollout, current } = start;
    const container =
      spec.container === undefined ? rollout.containers[0] : rollout.containers.find(({ name }) => name === spec.container);
    const names = rollout.containers.map(({ name }) => name).join(', ');
    if (container === undefined)
      throw refused(`deployment ${rollout.name} has no container "${spec.container}"`, `it has ${names}`);
    if (spec.change === 'failing-readiness' && container.port === null) {
      throw refused(`container ${container.name} of deployment ${rollout.name} names no port to check`, 'add a containerPort');
    }
    if (spec.change === 'image' && spec.image === container.image) {
      throw refused(`deployment ${rollout.name} runs ${container.image} already: nothing would roll`, 'name another image');
    }
    return {
      target: `deployment ${rollout.name} (revision ${current.revision}) in ${kubernetes.context}/${kubernetes.namespace}`,
      blastRadius: start.blastRadius,
      undo: `rolls back to revision ${current.revision} (${current.name}), unless the new one is complete and meant to stay`,
      prediction: predict(spec, start),
      state: { start, container: container.name, image: spec.image ?? `${NO_IMAGE}:${spec.id}`, port: container.port },
    };
  },

  async inject(spec, { state }, context, started) {
    const { clock, signal } = context;
    const { start } = state;
    const kubernetes = requireDoor(context, 'kubernetes', KIND);
    const mark = `${context.runId}/${spec.id}`;
    await context.openUndo({
      fault: spec.id,
      kind: KIND,
      action: `roll ${spec.deployment} back to revision ${start.current.revision} (${start.current.name})`,
      data: { ...undoData(start, { mark, rolledTo: null, keepsComplete: mayStay(spec) }) },
    });
    signal.throwIfAborted();
    const progress = newProgress();
    const injectedAt = clock.now();
    const change = changeOf(spec, state, { [CHANGED_BY]: mark, 'peakproof/changed-at': new Date(injectedAt).toISOString() });
    await kubernetes.rollouts.changeTemplate(spec.deployment, change);
    const injection = { injectedAt, detail: `new revision of ${spec.deployment}: ${tell(change)}`, state: progress };
    started(injection);
    const outcome = await watchRollout(kubernetes, watchOf(spec, start, context), progress);
    return { ...injection, ...(await finish(spec, outcome, { start, injection }, context)) };
  },

  prove: (spec, { state }, injection, context) =>
    proveRollout(
      {
        kind: KIND,
        deployment: spec.deployment,
        before: state.start.before,
        expected: spec.change === 'restart' ? 'complete' : spec.change === 'image' ? 'either' : 'stuck',
        proveWithinMs: spec.proveWithinMs,
      },
      injection.state,
      context,
    ),

  revert: (undo, doors, { timeoutMs }) => revertRollout(undo, doors, timeoutMs),
};

/** What follows from the outcome: keep, hold, roll back. */
async function finish(
  spec: RollingUpdateSpec,
  outcome: RolloutOutcome,
  { start, injection }: { readonly start: RolloutStart; readonly injection: Injection },
  context: FaultContext,
): Promise<{ readonly detail: string }> {
  const kubernetes = requireDoor(context, 'kubernetes', KIND);
  const told = `${injection.detail}; ${outcome.result} after ${formatSeconds(outcome.tookMs)}: ${outcome.reason}`;
  const stuck = outcome.result === 'stuck';
  if (spec.rollBack === 'always' || spec.rollBack === 'never') await holdFor(spec.holdMs, context);
  if (spec.rollBack === 'always' || (spec.rollBack === 'on-failure' && stuck)) {
    const made = (await kubernetes.rollouts.fetchReplicaSets(spec.deployment))[0];
    await kubernetes.rollouts.rollTo(spec.deployment, { uid: start.current.uid });
    const watch = { ...watchOf(spec, start, context), replicaSetBefore: made?.uid ?? '' };
    const back = await watchRollout(kubernetes, watch, newProgress());
    const end = back.result === 'complete' ? 'rolled back' : 'did not come back';
    return { detail: `${told}; ${end} in ${formatSeconds(back.tookMs)}: ${back.reason}` };
  }
  if (stuck) return { detail: `${told}; the plan rolls nothing back, its undo does` };
  return { detail: mayStay(spec) ? `${told}; the new revision stays` : told };
}

/** A good revision that nobody is told to take back. */
const mayStay = ({ change, rollBack }: RollingUpdateSpec): boolean =>
  rollBack !== 'always' && (change === 'restart' || change === 'image');

function watchOf(spec: RollingUpdateSpec, start: RolloutStart, { clock, signal }: FaultContext) {
  const { deployment, withinMs, readyWithinMs } = spec;
  return { deployment, withinMs, readyWithinMs, before: start.before, replicaSetBefore: start.current.uid, clock, signal };
}

function changeOf(spec: RollingUpdateSpec, state: PlannedUpdate, annotations: TemplateChange['annotations']): TemplateChange {
  const { container, image } = state;
  if (spec.change === 'restart') return { kind: 'restart', annotations };
  if (spec.change !== 'failing-readiness') return { kind: 'image', annotations, container, image };
  return { kind: 'readiness-path', annotations, container, path: spec.readinessPath, port: state.port ?? 0 };
}

function tell(change: TemplateChange): string {
  if (change.kind === 'restart') return 'restart';
  return change.kind === 'image' ? `image ${change.image}` : `readiness check on ${change.path}`;
}

function predict(spec: RollingUpdateSpec, { rollout }: RolloutStart): string {
  const keep = rollout.replicas - rollout.maxUnavailable;
  if (spec.change === 'restart' || spec.change === 'image') {
    return `at least ${keep} of ${rollout.replicas} pods serve while old ones go as new ones get Ready`;
  }
  const then =
    spec.rollBack === 'never' ? 'nobody rolls it back before the end of the fault' : 'it is rolled back when seen to be stuck';
  return `no new pod gets Ready, at least ${keep} of ${rollout.replicas} old pods go on serving; ${then}`;
}
