// First: without it the client does not load on the oldest Node that we support.
import './load-on-node-22-12.ts';
import {
  ApiException,
  type Configuration,
  CoreV1Api,
  PatchStrategy,
  PolicyV1Api,
  setHeaderOptions,
  type V1Node,
  type V1Pod,
  type V1PodDisruptionBudget,
} from '@kubernetes/client-node';
import { apiWords } from './kubernetes-errors.ts';
import { formatSelector, parseQuantity, toPodView } from './kubernetes-views.ts';
import type { DisruptionBudgetView, Eviction, KubernetesNodes, NodePodView, NodeView } from './ports.ts';

/** Turns a failed request into an error with its place. */
export type Call = <Value>(what: string, request: Promise<Value>) => Promise<Value>;

export function createNodes(configuration: Configuration, namespace: string, call: Call): KubernetesNodes {
  const core = new CoreV1Api(configuration);
  const policy = new PolicyV1Api(configuration);
  return {
    fetchNodes: async () => (await call('listing nodes', core.listNode())).items.map(toNodeView),
    async fetchPodsOn(node, { everyNamespace }) {
      const fieldSelector = `spec.nodeName=${node}`;
      const request = everyNamespace
        ? core.listPodForAllNamespaces({ fieldSelector })
        : core.listNamespacedPod({ namespace, fieldSelector });
      const where = everyNamespace ? 'in every namespace' : `in namespace ${namespace}`;
      return (await call(`listing the pods of node ${node} ${where}`, request)).items.map(toNodePodView);
    },
    async fetchDisruptionBudgets() {
      const request = policy.listNamespacedPodDisruptionBudget({ namespace });
      return (await call(`listing disruption budgets in namespace ${namespace}`, request)).items.map(toDisruptionBudgetView);
    },
    async setUnschedulable(node, unschedulable, { name, value }) {
      const body = { metadata: { annotations: { [name]: value } }, spec: { unschedulable: unschedulable ? true : null } };
      const request = core.patchNode({ name: node, body }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
      await call(`${unschedulable ? 'cordoning' : 'uncordoning'} node ${node}`, request);
    },
    async evict(pod, { uid, graceSeconds }) {
      const deleteOptions = { preconditions: { uid }, ...(graceSeconds === null ? {} : { gracePeriodSeconds: graceSeconds }) };
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { ...pod }, deleteOptions };
      try {
        await core.createNamespacedPodEviction({ ...pod, body });
        return { outcome: 'accepted' };
      } catch (error) {
        const answer = error instanceof ApiException ? evictionAnswer(error.code, error.body) : null;
        if (answer !== null) return answer;
        return call(`evicting pod ${pod.namespace}/${pod.name}`, Promise.reject(error));
      }
    },
  };
}

/** Null: neither evicted nor refused for now, but an error. */
export function evictionAnswer(code: number, body: unknown): Eviction | null {
  const words = apiWords(body) ?? `HTTP ${code}`;
  if (code === 404) return { outcome: 'gone' };
  // Another pod of that name, as a StatefulSet gives it. Any other conflict is a race that the next try wins.
  if (code === 409) {
    return /UID/i.test(words) ? { outcome: 'gone' } : { outcome: 'refused', budget: null, message: words };
  }
  if (code !== 429) return null;
  const causes = causesOf(body);
  const cause = causes.find(({ reason }) => reason === 'DisruptionBudget')?.message ?? causes[0]?.message;
  const budget = /disruption budget "?([a-z0-9.-]+)"?/.exec(cause ?? '')?.[1] ?? null;
  return { outcome: 'refused', budget, message: cause === undefined ? words : `${words} ${cause}` };
}

interface StatusBody {
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

function causesOf(body: unknown): readonly { readonly reason?: string; readonly message?: string }[] {
  if (typeof body !== 'string') return (body as StatusBody | null)?.details?.causes ?? [];
  try {
    return (JSON.parse(body) as StatusBody | null)?.details?.causes ?? [];
  } catch (error) {
    // A proxy in front of the API server answers in words of its own.
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

export function toNodeView(node: V1Node): NodeView {
  const { cpu = '0', memory = '0', pods = '0' } = node.status?.allocatable ?? {};
  const unschedulable = node.spec?.unschedulable === true;
  return {
    name: node.metadata?.name ?? '',
    uid: node.metadata?.uid ?? '',
    ready: node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    unschedulable,
    taints: (node.spec?.taints ?? [])
      .filter(({ effect, key }) => effect !== 'PreferNoSchedule' && key !== 'node.kubernetes.io/unschedulable')
      .map(({ key, value, effect }) => `${key}${value === undefined || value === '' ? '' : `=${value}`}:${effect}`),
    allocatable: { cpuCores: parseQuantity(cpu), memoryBytes: parseQuantity(memory), pods: parseQuantity(pods) },
    annotations: node.metadata?.annotations ?? {},
  };
}

const MIRROR = 'kubernetes.io/config.mirror';

export function toNodePodView(pod: V1Pod): NodePodView {
  return {
    ...toPodView(pod),
    namespace: pod.metadata?.namespace ?? '',
    mirror: pod.metadata?.annotations?.[MIRROR] !== undefined,
    emptyDirs: (pod.spec?.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined).map(({ name }) => name),
  };
}

export function toDisruptionBudgetView(budget: V1PodDisruptionBudget): DisruptionBudgetView {
  return {
    name: budget.metadata?.name ?? '',
    selector: formatSelector(budget.spec?.selector ?? {}),
    disruptionsAllowed: budget.status?.disruptionsAllowed ?? 0,
    currentHealthy: budget.status?.currentHealthy ?? 0,
    desiredHealthy: budget.status?.desiredHealthy ?? 0,
    expectedPods: budget.status?.expectedPods ?? 0,
  };
}
