import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { KubernetesPort, NodeView, PodView } from '../../src/clients/ports.ts';
import type { DrainNodeSpec } from '../../src/model/plan.ts';
import type { Fault, FaultContext, FaultDoors, Proof } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { chooseNode, choosePods, type DrainPlace, ownerOf, requireShares } from './drain-plan.ts';
import { CORDONED_BY, drainUndo, revertDrain } from './drain-undo.ts';
import { type DrainProgress, type EvictedPod, evictPods, newDrainProgress, tellRefusals } from './evict-pods.ts';
import { holdFor } from './hold.ts';
import { owningDeployment } from './workload.ts';

export interface PlannedDrain {
  readonly node: string;
  readonly victims: readonly EvictedPod[];
  /** Owners of the victims in the plan's namespace (`ReplicaSet/erp-6d`), and the Deployment behind each when there is one. */
  readonly owners: readonly { readonly owner: string; readonly deployment: string | null }[];
  /** UIDs of the namespace's pods before the drain. */
  readonly before: readonly string[];
}

const KIND = 'kubernetes/drain-node';

export const drainNode: Fault<DrainNodeSpec, PlannedDrain, DrainProgress> = {
  kind: KIND,
  summary: 'cordons a node and evicts pods from it through the eviction API, disruption budgets respected; uncordons afterwards',
  needs: ['kubernetes'],
  access: accessOf({ otherPods: 'refuse' }),
  accessFor: (spec) => accessOf(spec),

  async plan(spec, doors) {
    const kubernetes = requireDoor(doors, 'kubernetes', KIND);
    const place = placeOf(kubernetes, doors);
    const [nodes, pods, selected] = await Promise.all([
      kubernetes.nodes.fetchNodes(),
      kubernetes.fetchPods(''),
      kubernetes.fetchPods(spec.selector ?? ''),
    ]);
    const node = chooseNode(spec, nodes, selected, place);
    const everyNamespace = spec.otherPods !== 'leave';
    const onNode = await kubernetes.nodes.fetchPodsOn(node.name, { everyNamespace });
    const victims = choosePods(spec, node.name, onNode, new Set(selected.map(({ uid }) => uid)), place);
    const shares = requireShares(spec, victims, pods, node.name);
    const names = victims.map(({ name }) => name).join(', ');
    return {
      target: `node ${node.name} of ${kubernetes.context}: pods ${names}`,
      blastRadius: shares.map(({ owner, affected, total }) => `${affected} of ${total} pods of ${owner}`).join(', '),
      undo: node.unschedulable
        ? `nothing to uncordon: node ${node.name} was cordoned before; waits until the pods are Ready elsewhere`
        : `uncordons node ${node.name}`,
      prediction: await predict(kubernetes),
      state: {
        node: node.name,
        victims: victims.map(({ namespace, name, uid }) => ({ namespace, name, uid })),
        owners: shares.map(({ owner }) => ({
          owner,
          deployment: owningDeployment(pods.filter((pod) => ownerOf(pod) === owner)),
        })),
        before: pods.map(({ uid }) => uid),
      },
    };
  },

  async inject(spec, { state }, context, started) {
    const { clock, signal } = context;
    const kubernetes = requireDoor(context, 'kubernetes', KIND);
    const node = await findNode(kubernetes, state.node);
    const mark = `${context.runId}/${spec.id}`;
    const cordon = node?.unschedulable !== true;
    await context.openUndo(drainUndo(spec, state, { cordon, mark }));
    signal.throwIfAborted();
    const progress = newDrainProgress();
    const injectedAt = clock.now();
    if (cordon) await kubernetes.nodes.setUnschedulable(state.node, true, { name: CORDONED_BY, value: mark });
    const begun = `node ${state.node} ${cordon ? 'cordoned' : 'was cordoned already'}`;
    started({ injectedAt, detail: `${begun}, evicting ${state.victims.length} pods`, state: progress });
    const options = { graceSeconds: spec.graceSeconds ?? null, withinMs: spec.evictWithinMs, progress };
    await evictPods(kubernetes.nodes, state.victims, options, context);
    progress.ended = true;
    await holdFor(spec.holdMs, context);
    const told = [`${begun}, ${progress.accepted.size} of ${state.victims.length} pods evicted`, ...tellRefusals(progress)];
    return { injectedAt, detail: told.join('; '), state: progress };
  },

  prove: (spec, { state }, { state: progress }, context) => proveDrained(spec, state, progress, context),

  revert: (undo, doors, { timeoutMs }) => revertDrain(undo, doors, timeoutMs),
};

function accessOf({ otherPods }: Pick<DrainNodeSpec, 'otherPods'>): Fault['access'] {
  return [
    { verb: 'list', group: '', resource: 'nodes' },
    { verb: 'patch', group: '', resource: 'nodes' },
    { verb: 'list', group: '', resource: 'pods', ...(otherPods === 'leave' ? {} : { everyNamespace: true }) },
    {
      verb: 'create',
      group: '',
      resource: 'pods',
      subresource: 'eviction',
      ...(otherPods === 'evict' ? { everyNamespace: true } : {}),
    },
    { verb: 'list', group: 'policy', resource: 'poddisruptionbudgets' },
  ];
}

function placeOf(kubernetes: KubernetesPort, { allowedNamespaces }: FaultDoors): DrainPlace {
  const { context, namespace } = kubernetes;
  return { place: `${context}/${namespace}`, namespace, allowedNamespaces: allowedNamespaces ?? [namespace] };
}

async function findNode(kubernetes: KubernetesPort, name: string): Promise<NodeView | undefined> {
  return (await kubernetes.nodes.fetchNodes()).find((node) => node.name === name);
}

async function predict({ nodes }: KubernetesPort): Promise<string> {
  const budgets = await nodes.fetchDisruptionBudgets();
  if (budgets.length === 0) return 'no disruption budget holds an eviction back: all these pods go at once';
  const told = budgets.map(({ name, disruptionsAllowed, currentHealthy, desiredHealthy }) =>
    disruptionsAllowed === 0
      ? `disruption budget ${name} allows none now (${currentHealthy} healthy, ${desiredHealthy} wanted): evictions wait for it`
      : `disruption budget ${name} allows ${disruptionsAllowed} at a time`,
  );
  return told.join('; ');
}

interface DrainLook {
  readonly node: NodeView | undefined;
  readonly onNode: readonly PodView[];
  readonly pods: readonly PodView[];
  /** Wanted by the Deployments behind the owners; null where one of them is none. */
  readonly wantedReplicas: number | null;
}

/** The pods by UID are gone from the node, and as many Ready ones of the same workloads stand elsewhere, while it is cordoned. */
async function proveDrained(
  spec: DrainNodeSpec,
  state: PlannedDrain,
  progress: DrainProgress,
  context: FaultContext,
): Promise<Proof> {
  const kubernetes = requireDoor(context, 'kubernetes', KIND);
  const wanted = new Set(state.victims.map(({ uid }) => uid));
  const before = new Set(state.before);
  const own = state.victims.filter(({ namespace }) => namespace === kubernetes.namespace).length;
  let cordoned = false;
  const look = async (): Promise<DrainLook> => {
    const everyNamespace = spec.otherPods === 'evict';
    const [node, onNode, pods, ...wantedByEach] = await Promise.all([
      findNode(kubernetes, state.node),
      kubernetes.nodes.fetchPodsOn(state.node, { everyNamespace }),
      kubernetes.fetchPods(''),
      ...state.owners.map(async ({ deployment }) =>
        deployment === null ? Number.NaN : (await kubernetes.fetchDeployment(deployment)).replicas,
      ),
    ]);
    cordoned ||= node?.unschedulable === true;
    const sum = wantedByEach.reduce((total, replicas) => total + replicas, 0);
    return { node, onNode, pods, wantedReplicas: Number.isNaN(sum) ? null : sum };
  };
  const readyOf = ({ pods }: DrainLook): readonly PodView[] =>
    pods.filter((pod) => pod.ready && !pod.deleting && state.owners.some(({ owner }) => owner === ownerOf(pod)));
  const replacementsOf = (seen: DrainLook): readonly PodView[] =>
    readyOf(seen).filter(({ uid, node }) => node !== state.node && !before.has(uid));
  /** Fewer replacements are owed when an autoscaler wants fewer pods by then. */
  const isWhole = (seen: DrainLook): boolean =>
    replacementsOf(seen).length >= own || (seen.wantedReplicas !== null && readyOf(seen).length >= seen.wantedReplicas);
  const left = ({ onNode }: DrainLook): readonly PodView[] => onNode.filter(({ uid }) => wanted.has(uid));
  const tell = (seen: DrainLook): string[] => [
    cordoned ? `node ${state.node} was seen unschedulable` : `node ${state.node} was never seen unschedulable`,
    left(seen).length === 0
      ? `gone from it: ${state.victims.map(({ name, uid }) => `${name} (${uid})`).join(', ')}`
      : `still on it: ${left(seen)
          .map(({ name }) => name)
          .join(', ')}`,
    `${replacementsOf(seen).length} of ${own} replacements Ready elsewhere: ${replacementsOf(seen)
      .map(({ name, node }) => `${name} on ${node}`)
      .join(', ')}`,
  ];
  let last: DrainLook | null = null;
  const seen = await awaitCondition(
    'the pods gone from the node and Ready elsewhere',
    async () => {
      last = await look();
      return last;
    },
    {
      until: (now) => cordoned && left(now).length === 0 && isWhole(now),
      describe: (now) => tell(now).join('; '),
      timeoutMs: spec.proveWithinMs,
      clock: context.clock,
      signal: context.signal,
    },
  ).catch((error: unknown) => {
    if (context.signal.aborted || last === null) throw error;
    return null;
  });
  if (seen !== null) return { proven: true, evidence: [...tell(seen), ...tellRefusals(progress)] };
  const told = last === null ? [] : tell(last);
  return { proven: false, evidence: [...told, ...tellRefusals(progress)] };
}
