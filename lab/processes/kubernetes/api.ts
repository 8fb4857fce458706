/**
 * The lab's Kubernetes: an API server with the controllers behind it, over pods that are processes of this machine.
 * Everything lives in memory; a new start is a new cluster.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { systemClock } from './clock.ts';
import { createControlPlane } from './control-plane.ts';
import { referenceTo } from './events.ts';
import { renderKubeconfig } from './kubeconfig.ts';
import type { CoreEvent, Deployment, Hpa, Pod, StatefulSet } from './objects.ts';
import type { KubernetesApiOptions } from './options.ts';
import { Tokens } from './rbac.ts';
import { startServer } from './server.ts';

export interface KubernetesSnapshot {
  readonly pods: readonly Pod[];
  readonly deployments: readonly Deployment[];
  readonly statefulSets: readonly StatefulSet[];
  readonly autoscalers: readonly Hpa[];
  readonly events: readonly CoreEvent[];
}

export interface ExternalEvent {
  readonly kind: 'Pod' | 'Deployment' | 'StatefulSet';
  readonly name: string;
  readonly type?: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly component: string;
}

export interface KubernetesApi {
  readonly url: string;
  readonly contextName: string;
  readonly namespace: string;
  /** Text of the kubeconfig. */
  readonly kubeconfig: string;
  /** Where it was written; null when no path was given. */
  readonly kubeconfigPath: string | null;
  /** Records an event of another part of the lab. */
  addEvent(event: ExternalEvent): void;
  /** Sets a label of a pod, or removes it (null). Answers false when there is no such pod. */
  setPodLabel(name: string, key: string, value: string | null): boolean;
  /** False plays a cluster without metrics-server. */
  setMetricsAvailable(available: boolean): void;
  snapshot(): KubernetesSnapshot;
  /** Stops serving and controlling; then stops the pods' processes unless told otherwise. Safe to call twice. */
  close(options?: { readonly stopPods?: boolean; readonly graceSeconds?: number }): Promise<void>;
}

/** Rejects when the port is taken or the kubeconfig cannot be written; nothing is left running then. */
export async function startKubernetesApi(options: KubernetesApiOptions): Promise<KubernetesApi> {
  const clock = options.clock ?? systemClock;
  const namespace = options.namespace ?? 'erp';
  const contextName = options.contextName ?? `peakproof-lab-${options.name}`;
  const onError = options.onError ?? ((error: unknown) => console.error('lab kubernetes:', error));
  const plane = createControlPlane({ ...options, clock, namespace, onError });
  const { store, events, metrics } = plane;
  const handlers = {
    store,
    clock,
    metrics,
    denied: options.denied ?? [],
    tokens: new Tokens(),
    terminate: plane.terminate,
    killDoesNothing: options.sabotage?.['kill-does-nothing'] === true,
  };
  const server = await startServer(handlers, { port: options.port ?? 0, onError });
  const kubeconfig = renderKubeconfig({ contextName, namespace, url: server.url });
  try {
    if (options.kubeconfigPath !== undefined) await writePrivate(options.kubeconfigPath, kubeconfig);
  } catch (error) {
    await server.close();
    throw error;
  }

  plane.start();

  let closing: Promise<void> | null = null;
  async function shutDown(stopPods: boolean, graceSeconds: number): Promise<void> {
    await server.close();
    await plane.close({ stopPods, graceSeconds });
  }

  return {
    url: server.url,
    contextName,
    namespace,
    kubeconfig,
    kubeconfigPath: options.kubeconfigPath ?? null,
    addEvent: ({ kind, name, type = 'Normal', reason, message, component }) => {
      const resource = ({ Pod: 'pods', Deployment: 'deployments', StatefulSet: 'statefulsets' } as const)[kind];
      const object = store.get(resource, namespace, name);
      const involved = object === undefined ? { kind, name, namespace } : referenceTo(object);
      events.record({ involved, type, reason, message, component });
    },
    setPodLabel: (name, key, value) => {
      const pod = store.get('pods', namespace, name);
      const changed = pod && store.mutate('pods', pod, (current) => withLabel(current, key, value));
      return changed !== undefined;
    },
    setMetricsAvailable: (available) => {
      metrics.available = available;
    },
    snapshot: () => ({
      pods: store.list('pods', namespace),
      deployments: store.list('deployments', namespace),
      statefulSets: store.list('statefulsets', namespace),
      autoscalers: store.list('horizontalpodautoscalers', namespace),
      events: store.list('events', namespace),
    }),
    close: ({ stopPods = true, graceSeconds = 5 } = {}) => {
      closing ??= shutDown(stopPods, graceSeconds);
      return closing;
    },
  };
}

function withLabel(pod: Pod, key: string, value: string | null): Pod {
  const { [key]: _removed, ...others } = pod.metadata.labels ?? {};
  const labels = value === null ? others : { ...others, [key]: value };
  return { ...pod, metadata: { ...pod.metadata, labels } };
}

/** Another user of the machine must not find the lab's API through the file; the mode is set even when the file exists. */
async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await chmod(path, 0o600);
}
