/** Which node is drained, which pods are evicted, and whether that is allowed. Pure. */
import type { NodePodView, NodeView, PodView } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { DrainNodeSpec } from '../../src/model/plan.ts';

export interface DrainPlace {
  /** `context/namespace`. */
  readonly place: string;
  readonly namespace: string;
  /** Of the guard; pods elsewhere are never evicted. */
  readonly allowedNamespaces: readonly string[];
}

/** The named node, or the one that runs most of the pods. Throws when there is none, or none where its pods could go. */
export function chooseNode(
  spec: DrainNodeSpec,
  nodes: readonly NodeView[],
  pods: readonly PodView[],
  { place }: DrainPlace,
): NodeView {
  const running = pods.filter(isLive);
  if (running.length === 0) {
    const which = spec.selector === undefined ? 'no running pod' : `no running pod of ${spec.selector}`;
    throw new HarnessError('ERR_SELECTOR_EMPTY', `${which} in ${place}: there is nothing to drain`, {
      hint: 'compare with: kubectl get pods -o wide --show-labels',
    });
  }
  const on = (node: NodeView): number => running.filter((pod) => pod.node === node.name).length;
  const node =
    spec.node === undefined
      ? nodes.toSorted((one, other) => on(other) - on(one) || one.name.localeCompare(other.name))[0]
      : nodes.find(({ name }) => name === spec.node);
  if (node === undefined) {
    throw new HarnessError('ERR_SELECTOR_EMPTY', `the cluster has no node "${spec.node}"`, {
      hint: `it has ${nodes.map(({ name }) => name).join(', ')}`,
    });
  }
  if (on(node) === 0) {
    throw new HarnessError('ERR_SELECTOR_EMPTY', `node ${node.name} runs none of the ${running.length} pods of this fault`, {
      hint: `they run on ${[...new Set(running.map((pod) => pod.node ?? 'no node yet'))].join(', ')}`,
    });
  }
  const others = nodes.filter(({ name }) => name !== node.name);
  if (!others.some(takesPods)) {
    const why = others.length === 0 ? 'it is the only node of the cluster' : others.map(describeNode).join(', ');
    throw new HarnessError('ERR_FAULT_UNSUPPORTED', `draining node ${node.name} would leave no schedulable Ready node: ${why}`, {
      hint: 'add a node, or leave this fault out',
    });
  }
  return node;
}

const takesPods = (node: NodeView): boolean => node.ready && !node.unschedulable && node.taints.length === 0;

function describeNode({ name, ready, unschedulable, taints }: NodeView): string {
  const why = [
    ...(ready ? [] : ['not Ready']),
    ...(unschedulable ? ['cordoned'] : []),
    ...taints.map((taint) => `taint ${taint}`),
  ];
  return `${name} is ${why.join(', ')}`;
}

const isLive = (pod: PodView): boolean => !pod.deleting && pod.phase !== 'Succeeded' && pod.phase !== 'Failed';

/** DaemonSets do not heed a cordon and static pods cannot be evicted: `kubectl drain` leaves both too. */
const isLeft = (pod: NodePodView): boolean => pod.mirror || pod.owner?.kind === 'DaemonSet';

/**
 * Pods that the drain takes. Throws ERR_BLAST_RADIUS or ERR_GUARD for what it may not take.
 * @param selected UIDs of the pods of the namespace that the selector matches.
 */
export function choosePods(
  spec: DrainNodeSpec,
  node: string,
  onNode: readonly NodePodView[],
  selected: ReadonlySet<string>,
  { namespace, allowedNamespaces }: DrainPlace,
): readonly NodePodView[] {
  const movable = onNode.filter((pod) => isLive(pod) && !isLeft(pod));
  const elsewhere = movable.filter((pod) => pod.namespace !== namespace);
  if (spec.otherPods === 'refuse' && elsewhere.length > 0) {
    throw new HarnessError(
      'ERR_BLAST_RADIUS',
      `node ${node} also runs ${elsewhere.length} pods of other namespaces: ${names(elsewhere)}`,
      { hint: 'say "otherPods: leave" to evict only pods of the plan\'s namespace, or "evict" to take them too' },
    );
  }
  const forbidden = spec.otherPods === 'evict' ? elsewhere.filter((pod) => !allowedNamespaces.includes(pod.namespace)) : [];
  if (forbidden.length > 0) {
    throw new HarnessError(
      'ERR_GUARD',
      `node ${node} runs pods of namespaces that the guard does not allow: ${names(forbidden)}`,
      {
        hint: 'add them to guard.namespaces if this run may break them, or say "otherPods: leave"',
      },
    );
  }
  const own = movable.filter((pod) => pod.namespace === namespace && selected.has(pod.uid));
  const victims = [...own, ...(spec.otherPods === 'evict' ? elsewhere : [])];
  const orphan = victims.find(({ owner }) => owner === undefined);
  if (orphan !== undefined) {
    throw new HarnessError(
      'ERR_BLAST_RADIUS',
      `pod ${nameOf(orphan)} on node ${node} has no controller: nothing would bring it back`,
      {
        hint: 'leave it out with a selector',
      },
    );
  }
  const local = spec.deleteEmptyDirData ? undefined : victims.find(({ emptyDirs }) => emptyDirs.length > 0);
  if (local !== undefined) {
    const volumes = local.emptyDirs.join(', ');
    throw new HarnessError('ERR_BLAST_RADIUS', `pod ${nameOf(local)} would lose the data of its emptyDir ${volumes}`, {
      hint: 'say "deleteEmptyDirData: true" when that data may go',
    });
  }
  return victims;
}

const nameOf = ({ namespace, name }: NodePodView): string => `${namespace}/${name}`;

function names(pods: readonly NodePodView[]): string {
  const shown = pods.slice(0, 5).map(nameOf).join(', ');
  return pods.length > 5 ? `${shown} and ${pods.length - 5} more` : shown;
}

export function ownerOf({ owner }: Pick<PodView, 'owner'>): string {
  return `${owner?.kind}/${owner?.name}`;
}

export interface WorkloadShare {
  /** `ReplicaSet/erp-6d`. */
  readonly owner: string;
  readonly affected: number;
  readonly total: number;
}

/** Per workload of the plan's namespace, how many of its pods the node takes with it, those included that are not Ready already. */
export function requireShares(
  spec: DrainNodeSpec,
  victims: readonly NodePodView[],
  pods: readonly PodView[],
  node: string,
): readonly WorkloadShare[] {
  const gone = new Set(victims.map(({ uid }) => uid));
  const shares = [...new Set(pods.filter(({ uid }) => gone.has(uid)).map(ownerOf))].map((owner) => {
    const all = pods.filter((pod) => isLive(pod) && ownerOf(pod) === owner);
    return { owner, affected: all.filter((pod) => gone.has(pod.uid) || !pod.ready).length, total: all.length };
  });
  const over = shares.find(({ affected, total }) => affected > Math.floor(spec.maxAffectedRatio * total + 1e-9));
  if (over !== undefined) {
    throw new HarnessError(
      'ERR_BLAST_RADIUS',
      `draining node ${node} would leave ${over.affected} of ${over.total} pods of ${over.owner} down; ` +
        `maxAffected ${Math.round(spec.maxAffectedRatio * 100)} % allows ${Math.floor(spec.maxAffectedRatio * over.total + 1e-9)}`,
      { hint: 'spread the pods over the nodes (topologySpreadConstraints), or raise maxAffected of this fault' },
    );
  }
  return shares;
}
