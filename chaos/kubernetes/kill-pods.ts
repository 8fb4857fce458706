import type { KubernetesPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { KillPodsSpec } from '../../src/model/plan.ts';
import type { Fault, Injection } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { chooseVictims } from './choose-victims.ts';
import { awaitReplicas, type PodName, proveReplaced } from './replaced-pods.ts';
import { owningDeployment } from './workload.ts';

export interface PlannedKill {
  readonly victims: readonly PodName[];
  /** UIDs of all pods of the selector before the first kill. */
  readonly before: readonly string[];
  readonly deployment: string | null;
}

export interface InjectedKill {
  readonly killed: readonly PodName[];
}

const KIND = 'kubernetes/kill-pods';

export const killPods: Fault<KillPodsSpec, PlannedKill, InjectedKill> = {
  kind: KIND,
  summary: 'deletes pods by label selector, gracefully or by force, once or every n seconds, within a blast radius',
  needs: ['kubernetes'],
  access: [
    { verb: 'list', group: '', resource: 'pods' },
    { verb: 'delete', group: '', resource: 'pods' },
  ],

  async plan(spec, doors) {
    const kubernetes = requireDoor(doors, 'kubernetes', KIND);
    const place = placeOf(kubernetes);
    const { victims, matching, affected } = chooseVictims(spec, await kubernetes.fetchPods(spec.selector), place);
    const repeat =
      spec.repeat === undefined ? '' : `, again every ${spec.repeat.everyMs / 1_000} s for ${spec.repeat.durationMs / 1_000} s`;
    return {
      target: `pods ${victims.map(({ name }) => name).join(', ')} in ${place}${repeat}`,
      blastRadius: `${affected} of ${matching.length} pods ${spec.selector} down at once; at most ${Math.round(spec.maxAffectedRatio * 100)} % allowed`,
      undo: 'nothing to put back: the workload replaces its pods; waits until all wanted replicas are ready again',
      prediction: spec.force
        ? 'SIGKILL at once: calls under way in these pods are cut'
        : `SIGTERM, then up to ${spec.graceSeconds} s to finish calls under way`,
      state: {
        victims: victims.map(({ name, uid }) => ({ name, uid })),
        before: matching.map(({ uid }) => uid),
        deployment: owningDeployment(matching),
      },
    };
  },

  async inject(spec, plan, context, started) {
    const { clock, signal } = context;
    const kubernetes = requireDoor(context, 'kubernetes', KIND);
    await context.openUndo({
      fault: spec.id,
      kind: KIND,
      action: `wait until the pods ${spec.selector} are back to their replica count`,
      data: { selector: spec.selector, replicas: plan.state.before.length, deployment: plan.state.deployment },
    });
    signal.throwIfAborted();
    const injectedAt = clock.now();
    const startedAt = clock.monotonic();
    const { killed, failure } = await killAll(kubernetes, spec, plan.state.victims);
    const first: Injection<InjectedKill> = { injectedAt, detail: describeKill(spec, killed), state: { killed } };
    // What was killed was killed, although the rest was refused.
    if (killed.length > 0) started(first);
    if (failure !== null) throw failure;
    if (spec.repeat === undefined) return first;

    const notes: string[] = [];
    const all = [...killed];
    for (let round = 1; round * spec.repeat.everyMs <= spec.repeat.durationMs; round += 1) {
      await clock.sleep(startedAt + round * spec.repeat.everyMs - clock.monotonic(), { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (signal.aborted) break;
      const outcome = await killRound(kubernetes, spec);
      if (typeof outcome === 'string') notes.push(`round ${round + 1} left out: ${outcome}`);
      else all.push(...outcome);
    }
    return { injectedAt, detail: [describeKill(spec, all), ...notes].join('; '), state: { killed: all } };
  },

  prove(spec, plan, injection, context) {
    const { before, deployment } = plan.state;
    const pods = { selector: spec.selector, deployment, before, taken: injection.state.killed };
    const { clock, signal } = context;
    return proveReplaced(requireDoor(context, 'kubernetes', KIND), pods, { clock, signal, timeoutMs: spec.proveWithinMs });
  },

  async revert(undo, doors, { timeoutMs }) {
    const kubernetes = requireDoor(doors, 'kubernetes', KIND);
    const selector = String(undo.data.selector);
    const replicas = Number(undo.data.replicas);
    const deployment = typeof undo.data.deployment === 'string' ? undo.data.deployment : null;
    return awaitReplicas(kubernetes, { selector, replicas, deployment }, { timeoutMs, clock: doors.clock });
  },
};

interface Killed {
  readonly killed: readonly PodName[];
  readonly failure: Error | null;
}

async function killAll(kubernetes: KubernetesPort, spec: KillPodsSpec, victims: readonly PodName[]): Promise<Killed> {
  const graceSeconds = spec.force ? 0 : spec.graceSeconds;
  const outcomes = await Promise.allSettled(victims.map(({ name, uid }) => kubernetes.deletePod(name, { uid, graceSeconds })));
  const killed = victims.filter((_, index) => outcomes[index]?.status === 'fulfilled');
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure === undefined) return { killed, failure: null };
  const left = new Set((await kubernetes.fetchPods(spec.selector)).filter((pod) => !pod.deleting).map((pod) => pod.uid));
  // A victim that somebody else took away meanwhile is no failure of ours; one that is still there is.
  if (killed.length > 0 && victims.every(({ uid }) => !left.has(uid))) return { killed, failure: null };
  return { killed, failure: failure.reason instanceof Error ? failure.reason : new Error(String(failure.reason)) };
}

/** Chooses anew, since the pods are others now. A round that cannot be held within the blast radius is left out, with the reason. */
async function killRound(kubernetes: KubernetesPort, spec: KillPodsSpec): Promise<readonly PodName[] | string> {
  try {
    const { victims } = chooseVictims(spec, await kubernetes.fetchPods(spec.selector), placeOf(kubernetes));
    const names = victims.map(({ name, uid }) => ({ name, uid }));
    const { killed, failure } = await killAll(kubernetes, spec, names);
    if (failure !== null && killed.length === 0) throw failure;
    return killed;
  } catch (error) {
    if (error instanceof HarnessError) return error.message;
    throw error;
  }
}

function describeKill(spec: KillPodsSpec, killed: readonly PodName[]): string {
  return `deleted ${killed.length} pods ${spec.force ? 'by force' : `with ${spec.graceSeconds} s grace`}: ${killed.map(({ name }) => name).join(', ')}`;
}

function placeOf(kubernetes: KubernetesPort): string {
  return `${kubernetes.context}/${kubernetes.namespace}`;
}
