import type { KubernetesNodes, NodePodView, NodeView } from '../../src/clients/ports.ts';
import type { FakeWorld } from './fake-rollouts.ts';

export interface FakeNodes extends KubernetesNodes {
  readonly list: NodeView[];
  /** Pods of other namespaces. */
  readonly foreign: NodePodView[];
  /** Fields of our own pods that only the node knows, by pod name. */
  readonly details: Map<string, Partial<NodePodView>>;
  /** Refuses evictions while fewer than this would stay Ready; null: no budget. */
  minAvailable: number | null;
  readonly evicted: { readonly name: string; readonly graceSeconds: number | null }[];
}

export interface FakeNodesOptions {
  readonly namespace: string;
  readonly names: readonly string[];
  readonly terminateMs: number;
  /** Takes a pod away and brings its replacement. */
  readonly replace: (uid: string) => void;
}

export function createFakeNodes(world: FakeWorld, { namespace, names, terminateMs, replace }: FakeNodesOptions): FakeNodes {
  const ready = (): number => world.pods.filter((pod) => pod.ready && !pod.deleting).length;
  const fake: FakeNodes = {
    list: names.map((name) => aNode({ name })),
    foreign: [],
    details: new Map(),
    minAvailable: null,
    evicted: [],
    async fetchNodes() {
      world.settle();
      return [...fake.list];
    },
    async fetchPodsOn(node, { everyNamespace }) {
      world.settle();
      const own = world.pods.map((pod) => ({ ...pod, namespace, mirror: false, emptyDirs: [], ...fake.details.get(pod.name) }));
      return [...own, ...(everyNamespace ? fake.foreign : [])].filter((pod) => pod.node === node);
    },
    async fetchDisruptionBudgets() {
      world.settle();
      const { minAvailable } = fake;
      if (minAvailable === null) return [];
      const counts = { currentHealthy: ready(), desiredHealthy: minAvailable, expectedPods: world.wanted() };
      return [{ name: 'odoo', selector: 'app=odoo', disruptionsAllowed: Math.max(0, ready() - minAvailable), ...counts }];
    },
    async setUnschedulable(name, unschedulable, annotation) {
      world.settle();
      const index = fake.list.findIndex((node) => node.name === name);
      const node = fake.list[index];
      if (node === undefined) throw new Error(`nodes "${name}" not found`);
      const { [annotation.name]: _, ...others } = node.annotations;
      const annotations = annotation.value === null ? others : { ...others, [annotation.name]: annotation.value };
      fake.list[index] = { ...node, unschedulable, annotations };
    },
    async evict({ name }, { uid, graceSeconds }) {
      world.settle();
      const index = world.pods.findIndex((pod) => pod.uid === uid);
      const pod = world.pods[index];
      if (pod === undefined) return { outcome: 'gone' };
      if (fake.minAvailable !== null && ready() - 1 < fake.minAvailable) {
        return { outcome: 'refused', budget: 'odoo', message: `needs ${fake.minAvailable} healthy pods and has ${ready()}` };
      }
      fake.evicted.push({ name, graceSeconds });
      world.pods[index] = { ...pod, deleting: true };
      world.after(terminateMs, () => replace(uid));
      return { outcome: 'accepted' };
    },
  };
  return fake;
}

export function aNode(fields: Partial<NodeView> = {}): NodeView {
  return {
    name: 'node-1',
    uid: `node-uid-${fields.name ?? 'node-1'}`,
    ready: true,
    unschedulable: false,
    taints: [],
    allocatable: { cpuCores: 4, memoryBytes: 8e9, pods: 110 },
    annotations: {},
    ...fields,
  };
}
