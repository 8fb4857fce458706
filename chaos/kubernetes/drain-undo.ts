/** Uncordons the node, only when it was this very fault that cordoned it, and waits for the pods. */
import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { PodView } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { DrainNodeSpec } from '../../src/model/plan.ts';
import type { FaultDoors, Revert, UndoEntry } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import type { PlannedDrain } from './drain-node.ts';
import { ownerOf } from './drain-plan.ts';

/** Annotation of a node that a fault cordoned: somebody else's cordon must stay. */
export const CORDONED_BY = 'peakproof/cordoned-by';

interface DrainUndo {
  readonly node: string;
  /** Null: the node was cordoned before the fault. */
  readonly mark: string | null;
  readonly owners: PlannedDrain['owners'];
}

export function drainUndo(
  { id, kind }: DrainNodeSpec,
  { node, owners }: PlannedDrain,
  { cordon, mark }: { readonly cordon: boolean; readonly mark: string },
): Omit<UndoEntry, 'id'> {
  const data: DrainUndo = { node, mark: cordon ? mark : null, owners };
  const action = cordon ? `uncordon node ${node}` : `wait for the pods evicted from node ${node}, which was cordoned before`;
  return { fault: id, kind, action, data: { ...data } };
}

export async function revertDrain(undo: UndoEntry, doors: FaultDoors, timeoutMs: number): Promise<Revert> {
  const kubernetes = requireDoor(doors, 'kubernetes', undo.kind);
  const { node: name, mark, owners } = undo.data as unknown as DrainUndo;
  const { clock } = doors;
  const startedAt = clock.monotonic();
  try {
    const nodes = await awaitCondition('the nodes listed', () => kubernetes.nodes.fetchNodes(), {
      until: () => true,
      timeoutMs,
      clock,
    });
    const node = nodes.find((candidate) => candidate.name === name);
    const ours = node !== undefined && mark !== null && node.annotations[CORDONED_BY] === mark;
    if (ours) await kubernetes.nodes.setUnschedulable(name, false, { name: CORDONED_BY, value: null });
    const done = ours ? `node ${name} uncordoned` : whyLeft(name, node?.unschedulable, mark);
    const pods = await awaitCondition('the evicted pods replaced', () => kubernetes.fetchPods(''), {
      until: (seen) => missing(seen, owners).length === 0,
      describe: (seen) => missing(seen, owners).join(', '),
      timeoutMs: Math.max(1, timeoutMs - (clock.monotonic() - startedAt)),
      clock,
    });
    return { complete: true, detail: `${done}; ${pods.filter(({ ready }) => ready).length} pods Ready` };
  } catch (error) {
    if (error instanceof HarnessError) return { complete: false, detail: error.message };
    throw error;
  }
}

function whyLeft(name: string, unschedulable: boolean | undefined, mark: string | null): string {
  if (unschedulable === undefined) return `node ${name} is no longer there`;
  if (!unschedulable) return `node ${name} takes pods`;
  return mark === null ? `node ${name} stays cordoned, as it was before` : `node ${name} was cordoned by somebody else; left so`;
}

/** Workloads whose pods exist and are not all Ready; their number is the controller's business, an autoscaler may have changed it. */
function missing(pods: readonly PodView[], owners: PlannedDrain['owners']): string[] {
  return owners.flatMap(({ owner }) => {
    const own = pods.filter((pod) => !pod.deleting && ownerOf(pod) === owner);
    const ready = own.filter((pod) => pod.ready).length;
    return ready < own.length || own.length === 0 ? [`${ready} of ${own.length} pods of ${owner} Ready`] : [];
  });
}
