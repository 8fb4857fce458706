// First: without it the client does not load on the oldest Node that we support.
import './load-on-node-22-12.ts';
import {
  AppsV1Api,
  AuthorizationV1Api,
  AutoscalingV2Api,
  type Configuration,
  CoreV1Api,
  CustomObjectsApi,
  createConfiguration,
  ServerConfiguration,
  VersionApi,
} from '@kubernetes/client-node';
import { HarnessError } from '../errors.ts';
import type { PodUse } from '../model/run-records.ts';
import type { KubernetesOptions } from './kubernetes-config.ts';
import { apiTrouble, toHarnessError } from './kubernetes-errors.ts';
import { KEDA_PREFIX, toHpaView } from './kubernetes-hpa.ts';
import { createKubernetesHttp, type KubernetesHttp } from './kubernetes-http.ts';
import { createNodes } from './kubernetes-nodes.ts';
import { createRollouts } from './kubernetes-rollouts.ts';
import { epochMs, goDurationMs, parseQuantity, toDeploymentView, toEventView, toPodView } from './kubernetes-views.ts';
import type { HpaView, KubernetesPort } from './ports.ts';
import { timeoutMs } from './timeouts.ts';

export type { KubernetesOptions } from './kubernetes-config.ts';

const METRICS = { group: 'metrics.k8s.io', version: 'v1beta1' } as const;
const CLUSTER_SCOPED: ReadonlySet<string> = new Set(['nodes', 'namespaces', 'persistentvolumes']);

interface Usage {
  readonly cpu?: string;
  readonly memory?: string;
}

interface PodMetrics {
  readonly metadata: { readonly name: string };
  readonly timestamp?: string;
  /** A Go duration, `14.5s` or `1m0.2s`. */
  readonly window?: string;
  readonly containers: readonly { readonly usage: Usage }[];
}

function toPodUse({ metadata, timestamp, window, containers }: PodMetrics): PodUse {
  const memory = containers.map(({ usage }) => (usage.memory === undefined ? null : parseQuantity(usage.memory)));
  return {
    name: metadata.name,
    cpuCores: containers.reduce((sum, { usage }) => sum + parseQuantity(usage.cpu ?? '0'), 0),
    memoryBytes: memory.includes(null) ? null : memory.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0),
    serverAt: epochMs(timestamp),
    windowMs: window === undefined ? null : goDurationMs(window),
  };
}

/** The Kubernetes API through a kubeconfig (certificates, tokens and exec credential plugins as the kubeconfig says). */
export function createKubernetesPort(options: KubernetesOptions): KubernetesPort {
  const http = createKubernetesHttp(options);
  const config = http.config();
  const { namespace } = options;
  const server = config.getCurrentCluster()?.server ?? '';
  const context = config.getCurrentContext();
  let offsetMs: number | null = null;
  /** Names of ScaledObjects whose autoscaler is there under KEDA's name for it. */
  const kedaMade = new Set<string>();
  const configuration = configure(http, server, (ms) => {
    offsetMs = ms;
  });
  const core = new CoreV1Api(configuration);
  const apps = new AppsV1Api(configuration);
  const autoscaling = new AutoscalingV2Api(configuration);
  const authorization = new AuthorizationV1Api(configuration);
  const objects = new CustomObjectsApi(configuration);
  const versions = new VersionApi(configuration);
  const call = <Value>(what: string, request: Promise<Value>): Promise<Value> =>
    request.catch((error: unknown) => {
      throw toHarnessError(error, `${what} (context ${context}, ${server})`);
    });
  const inNamespace = (what: string): string => `${what} in namespace ${namespace}`;

  return {
    context,
    namespace,
    host: new URL(server).hostname,
    nodes: createNodes(configuration, namespace, call),
    rollouts: createRollouts(configuration, namespace, call),
    fetchVersion: async () => (await call('reading the version', versions.getCode())).gitVersion,
    async fetchPods(selector) {
      const request = core.listNamespacedPod({ namespace, ...(selector === '' ? {} : { labelSelector: selector }) });
      return (await call(inNamespace(`listing pods ${selector}`), request)).items.map(toPodView);
    },
    async fetchDeployment(name) {
      const request = apps.readNamespacedDeployment({ name, namespace });
      return toDeploymentView(await call(inNamespace(`reading deployment ${name}`), request));
    },
    async fetchHpa(name) {
      const read = async (hpa: string): Promise<HpaView> => {
        const request = autoscaling.readNamespacedHorizontalPodAutoscaler({ name: hpa, namespace });
        return toHpaView(await call(inNamespace(`reading hpa ${hpa}`), request));
      };
      try {
        return await read(`${kedaMade.has(name) ? KEDA_PREFIX : ''}${name}`);
      } catch (error) {
        if (apiTrouble(error) !== 'not-found' || kedaMade.has(name)) throw error;
        const made = await read(`${KEDA_PREFIX}${name}`).catch(() => null);
        if (made === null) throw error;
        kedaMade.add(name);
        return made;
      }
    },
    fetchEvents: async () =>
      (await call(inNamespace('listing events'), core.listNamespacedEvent({ namespace }))).items.map(toEventView),
    async fetchNodeMetrics() {
      const request = objects.listClusterCustomObject({ ...METRICS, plural: 'nodes' });
      const list = (await call('reading node metrics', request)) as { items: { metadata: { name: string }; usage: Usage }[] };
      return list.items.map(({ metadata, usage }) => ({
        name: metadata.name,
        cpuCores: parseQuantity(usage.cpu ?? '0'),
        memoryBytes: parseQuantity(usage.memory ?? '0'),
      }));
    },
    async fetchPodMetrics(selector) {
      const request = objects.listNamespacedCustomObject({ ...METRICS, namespace, plural: 'pods', labelSelector: selector });
      const list = (await call(inNamespace(`reading metrics of pods ${selector}`), request)) as { items: PodMetrics[] };
      return list.items.map(toPodUse);
    },
    async deletePod(name, { uid, graceSeconds, dryRun }) {
      const request = core.deleteNamespacedPod({
        name,
        namespace,
        ...(dryRun === true ? { dryRun: 'All' } : {}),
        body: { gracePeriodSeconds: graceSeconds, preconditions: { uid } },
      });
      await call(inNamespace(`deleting pod ${name}`), request);
    },
    async allowed({ verb, group, resource, subresource, everyNamespace, name }) {
      const place = everyNamespace === true || CLUSTER_SCOPED.has(resource) ? {} : { namespace };
      const object = { ...(subresource === undefined ? {} : { subresource }), ...(name === undefined ? {} : { name }) };
      const resourceAttributes = { verb, group, resource, ...place, ...object };
      const request = authorization.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
      return (await call(`asking whether ${verb} ${resource} is allowed`, request)).status?.allowed === true;
    },
    async fetchClockOffsetMs() {
      offsetMs = null;
      await call('reading the version', versions.getCode());
      if (offsetMs === null)
        throw new HarnessError('ERR_KUBERNETES', `${server} sends no Date header, its clock cannot be compared`);
      return offsetMs;
    },
  };
}

/** Every request gets a deadline; every answer's Date header is compared with our clock (resolution 1 s). */
function configure({ auth, httpApi }: KubernetesHttp, server: string, noteOffset: (ms: number) => void): Configuration {
  const sentAt = { value: 0 };
  return createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: auth },
    httpApi,
    promiseMiddleware: [
      {
        async pre(request) {
          // Otherwise zstd is accepted too, on every Node, although the oldest cannot read it.
          request.setHeaderParam('Accept-Encoding', 'gzip');
          request.setSignal(AbortSignal.timeout(timeoutMs('kubernetesCall')));
          sentAt.value = Date.now();
          return request;
        },
        async post(response) {
          const serverAt = Date.parse(response.headers.date ?? '');
          // The header is cut to whole seconds: half a second is its mean error.
          if (!Number.isNaN(serverAt)) noteOffset(serverAt + 500 - (sentAt.value + Date.now()) / 2);
          return response;
        },
      },
    ],
  });
}
