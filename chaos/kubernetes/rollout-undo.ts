/** Back to the revision that was there before, from the undo record alone. */
import { awaitCondition, formatSeconds } from '../../src/clients/await-condition.ts';
import type { KubernetesPort, ReplicaSetView, RolloutView } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { FaultDoors, Revert, UndoEntry } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { currentReplicaSet, isRolledOut } from './roll-out.ts';
import type { RolloutStart } from './rollout-plan.ts';

/** Annotation of the pod template of a revision that a fault made: nobody else's revision may be rolled back. */
export const CHANGED_BY = 'peakproof/changed-by';

export interface RolloutUndo {
  readonly deployment: string;
  readonly deploymentUid: string;
  /** The revision to return to. Its template stays in the cluster: environment variables in it may be secret. */
  readonly replicaSet: string;
  readonly replicaSetUid: string;
  readonly revision: number | null;
  /** Value of {@link CHANGED_BY}, or the ReplicaSet that was rolled to: what the fault made. */
  readonly mark: string | null;
  readonly rolledTo: string | null;
  /** A revision that the fault made stays when it is complete. */
  readonly keepsComplete: boolean;
}

export function undoData(
  { rollout, current }: RolloutStart,
  made: Pick<RolloutUndo, 'mark' | 'rolledTo' | 'keepsComplete'>,
): RolloutUndo {
  return {
    deployment: rollout.name,
    deploymentUid: rollout.uid,
    replicaSet: current.name,
    replicaSetUid: current.uid,
    revision: current.revision,
    ...made,
  };
}

export async function revertRollout(entry: UndoEntry, doors: FaultDoors, timeoutMs: number): Promise<Revert> {
  const kubernetes = requireDoor(doors, 'kubernetes', entry.kind);
  const undo = entry.data as unknown as RolloutUndo;
  const startedAt = doors.clock.monotonic();
  const leftMs = (): number => Math.max(1, timeoutMs - (doors.clock.monotonic() - startedAt));
  try {
    const { deployment, sets, current } = await awaitCondition('the present revision', () => look(kubernetes, undo), {
      until: (seen) => seen.deployment.uid !== undo.deploymentUid || seen.current !== null,
      describe: () => `deployment ${undo.deployment} not looked at by its controller yet`,
      timeoutMs: leftMs(),
      clock: doors.clock,
    });
    if (deployment.uid !== undo.deploymentUid || current === null) {
      return { complete: true, detail: `deployment ${undo.deployment} is another one by now; it is left as it is` };
    }
    if (current.uid !== undo.replicaSetUid) {
      if (!isOurs(current, undo)) {
        const detail = `revision ${current.revision} of ${undo.deployment} was rolled out by somebody else since; it is left as it is`;
        return { complete: true, detail };
      }
      if (undo.keepsComplete && wasRolledOut(deployment, current)) {
        const detail = `revision ${current.revision} of ${undo.deployment} is complete and stays, as the plan says`;
        return { complete: true, detail };
      }
      if (!sets.some(({ uid }) => uid === undo.replicaSetUid)) {
        const detail = `deployment ${undo.deployment} has dropped its revision ${undo.revision} (${undo.replicaSet}): roll out the right one by hand`;
        return { complete: false, detail };
      }
      await kubernetes.rollouts.rollTo(undo.deployment, { uid: undo.replicaSetUid });
    }
    const seen = await awaitCondition('the revision before rolled out', () => look(kubernetes, undo), {
      until: (now) => now.current?.uid === undo.replicaSetUid && isRolledOut(now.deployment),
      describe: ({ deployment: now }) => `${now.available} of ${now.replicas} pods available, ${now.updated} updated`,
      timeoutMs: leftMs(),
      clock: doors.clock,
    });
    const { available, replicas } = seen.deployment;
    const took = formatSeconds(doors.clock.monotonic() - startedAt);
    return {
      complete: true,
      detail: `${undo.deployment} runs ${undo.replicaSet} again, ${available} of ${replicas} pods (${took})`,
    };
  } catch (error) {
    if (error instanceof HarnessError) return { complete: false, detail: error.message };
    throw error;
  }
}

/** A finished rollout stays finished for the controller while an autoscaler adds pods that are not Ready yet. */
function wasRolledOut(deployment: RolloutView, { name }: ReplicaSetView): boolean {
  const { reason, message } = deployment.progressing ?? { reason: '', message: '' };
  return isRolledOut(deployment) || (reason === 'NewReplicaSetAvailable' && message.includes(`"${name}"`));
}

function isOurs({ uid, annotations }: ReplicaSetView, { mark, rolledTo }: RolloutUndo): boolean {
  return uid === rolledTo || (mark !== null && annotations[CHANGED_BY] === mark);
}

async function look({ rollouts }: KubernetesPort, { deployment: name }: RolloutUndo) {
  const [deployment, sets] = await Promise.all([rollouts.fetchRollout(name), rollouts.fetchReplicaSets(name)]);
  return { deployment, sets, current: currentReplicaSet(deployment, sets) };
}
