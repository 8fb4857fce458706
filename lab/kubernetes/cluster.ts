/** The API of the lab's cluster, as far as the lab needs it. */
// First: without it the client does not load on the oldest Node that we support.
import './load-on-node-22-12.ts';
import {
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
} from '@kubernetes/client-node';
import { awaitCondition } from '../processes/wait.ts';

const MANAGER = 'peakproof-lab';
/** An object refused just after its namespace or its kind came to be is taken a moment later. */
const APPLY_PATIENCE_MS = 20_000;

export interface Cluster {
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly batch: BatchV1Api;
  readonly objects: KubernetesObjectApi;
}

export function openCluster(source: { readonly kubeconfig?: string; readonly context: string }): Cluster {
  const config = new KubeConfig();
  if (source.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(source.kubeconfig);
  if (config.getContextObject(source.context) === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw new Error(`the kubeconfig has no context "${source.context}"; it has ${known.join(', ') || 'none'}`);
  }
  config.setCurrentContext(source.context);
  return {
    config,
    core: config.makeApiClient(CoreV1Api),
    apps: config.makeApiClient(AppsV1Api),
    batch: config.makeApiClient(BatchV1Api),
    objects: KubernetesObjectApi.makeApiClient(config),
  };
}

/** Server-side apply, in the order given; what is there already is brought to this state. */
export async function applyObjects(cluster: Cluster, objects: readonly KubernetesObject[], signal?: AbortSignal): Promise<void> {
  for (const object of objects) {
    const name = `${object.kind} ${object.metadata?.name}`;
    await awaitCondition(
      `${name} to be taken by the API`,
      async () => {
        await cluster.objects.patch(object, undefined, undefined, MANAGER, true, PatchStrategy.ServerSideApply);
        return true;
      },
      { timeoutMs: APPLY_PATIENCE_MS, everyMs: 500, ...(signal === undefined ? {} : { signal }) },
    );
  }
}

/** Code of an answer of the API, or undefined for other errors. */
export function apiCodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** Null for 404. */
export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (apiCodeOf(error) === 404) return null;
    throw error;
  }
}
