import type { Clock, EventView, HpaView, KubernetesPort, PodView } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import { createFakeNodes, type FakeNodes } from './fake-nodes.ts';
import { createFakeRollouts, type FakeRollouts, type FakeWorld } from './fake-rollouts.ts';

export interface FakeKubernetesOptions {
  readonly clock: Clock;
  readonly replicas?: number;
  /** Between a deletion and the replacement being ready. */
  readonly replaceMs?: number;
  /** Deletions are accepted and do nothing. */
  readonly killDoesNothing?: boolean;
  readonly neverReplace?: boolean;
  readonly denied?: readonly string[];
  /** Pods are spread over them in turn; default one, `node-1`. */
  readonly nodes?: readonly string[];
}

export interface FakeKubernetes extends KubernetesPort {
  readonly deletions: { readonly name: string; readonly uid: string; readonly graceSeconds: number }[];
  readonly pods: PodView[];
  readonly events: EventView[];
  readonly nodes: FakeNodes;
  readonly rollouts: FakeRollouts;
  hpa: HpaView | null;
  /** Calls fail with these words while set. */
  down: string | null;
  replicas: number;
}

/** One namespace with one Deployment `odoo` (label `app=odoo`) that replaces its pods. Other pods can be pushed to `pods`. */
export function createFakeKubernetes(options: FakeKubernetesOptions): FakeKubernetes {
  const { clock, replaceMs = 2_000, killDoesNothing = false, neverReplace = false, denied = [] } = options;
  let made = 0;
  const timers: { readonly at: number; readonly run: () => void }[] = [];
  const settle = (): void => {
    if (fake.down !== null) throw new HarnessError('ERR_KUBERNETES', fake.down);
    for (const timer of timers.splice(0)) {
      if (timer.at <= clock.monotonic()) timer.run();
      else timers.push(timer);
    }
  };
  const nodeNames = options.nodes ?? ['node-1'];
  const newPod = (fields: Partial<PodView>): PodView => {
    made += 1;
    const free = fake.nodes.list.filter(({ unschedulable }) => !unschedulable);
    const node = free[(made - 1) % Math.max(1, free.length)]?.name;
    const placed = node === undefined ? {} : { node };
    return aPod({ name: `odoo-6d-${made}`, uid: `uid-${made}`, createdServerAt: made, ...placed, ...fields });
  };
  const world: FakeWorld = {
    get pods() {
      return fake.pods;
    },
    wanted: () => fake.replicas,
    settle,
    after: (ms, run) => timers.push({ at: clock.monotonic() + ms, run }),
    addPod(fields) {
      const pod = newPod(fields);
      fake.pods.push(pod);
      return pod;
    },
  };
  /** Takes a pod away; its replacement belongs to the same controller and gets Ready later. */
  const replace = (uid: string): void => {
    const index = fake.pods.findIndex((pod) => pod.uid === uid);
    const [old] = index < 0 ? [] : fake.pods.splice(index, 1);
    if (old === undefined || neverReplace) return;
    const replacement = world.addPod({
      ready: false,
      labels: old.labels,
      ...(old.owner === undefined ? {} : { owner: old.owner }),
    });
    world.after(replaceMs, () => {
      const at = fake.pods.indexOf(replacement);
      if (at >= 0) fake.pods[at] = { ...replacement, ready: true, readyServerAt: clock.now() };
    });
  };
  const fake: FakeKubernetes = {
    context: 'lab-1',
    namespace: 'erp',
    host: '127.0.0.1',
    deletions: [],
    pods: [],
    events: [],
    hpa: null,
    down: null,
    replicas: options.replicas ?? 4,
    nodes: createFakeNodes(world, { namespace: 'erp', names: nodeNames, terminateMs: 500, replace }),
    rollouts: createFakeRollouts(world, { readyMs: replaceMs, replicas: options.replicas ?? 4 }),
    fetchVersion: async () => 'v1.34.0',
    async fetchPods(selector) {
      settle();
      const wanted = selector === '' ? [] : selector.split(',').map((part) => part.split('='));
      return fake.pods.filter(({ labels }) => wanted.every(([key = '', value]) => labels[key] === value));
    },
    async fetchDeployment(name) {
      settle();
      const readyReplicas = fake.pods.filter(({ labels, ready }) => labels.app === 'odoo' && ready).length;
      return { name, replicas: fake.replicas, readyReplicas, updatedReplicas: fake.pods.length, selector: 'app=odoo' };
    },
    async fetchHpa(name) {
      settle();
      if (fake.hpa === null) throw new HarnessError('ERR_KUBERNETES', `horizontalpodautoscalers "${name}" not found (404)`);
      return fake.hpa;
    },
    async fetchEvents() {
      settle();
      return [...fake.events];
    },
    async fetchNodeMetrics() {
      settle();
      return [{ name: 'node-1', cpuCores: 1.5, memoryBytes: 1e9 }];
    },
    fetchPodMetrics: async () => [],
    async deletePod(name, { uid, graceSeconds }) {
      settle();
      const index = fake.pods.findIndex((pod) => pod.name === name);
      if (fake.pods[index]?.uid !== uid) throw new HarnessError('ERR_KUBERNETES', `pods "${name}" not found (404)`);
      fake.deletions.push({ name, uid, graceSeconds });
      if (killDoesNothing) return;
      replace(uid);
    },
    allowed: async ({ verb, resource }) => !denied.includes(`${verb} ${resource}`),
    fetchClockOffsetMs: async () => 0,
  };
  for (let index = 0; index < fake.replicas; index += 1) world.addPod({});
  return fake;
}

export function aPod(fields: Partial<PodView> = {}): PodView {
  return {
    name: 'odoo-1',
    uid: 'uid-x',
    phase: 'Running',
    ready: true,
    restarts: 0,
    deleting: false,
    createdServerAt: 0,
    readyServerAt: null,
    labels: { app: 'odoo', 'pod-template-hash': '6d' },
    owner: { kind: 'ReplicaSet', name: 'odoo-6d' },
    ...fields,
  };
}
