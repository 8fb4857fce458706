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
  type KubeConfig,
  ServerConfiguration,
  VersionApi,
} from '@kubernetes/client-node';
import { HarnessError } from '../errors.ts';
import { type KubernetesOptions, loadConfig } from './kubernetes-config.ts';
import { toHarnessError } from './kubernetes-errors.ts';
import { parseQuantity, toDeploymentView, toEventView, toHpaView, toPodView } from './kubernetes-views.ts';
import type { KubernetesPort } from './ports.ts';
import { timeoutMs } from './timeouts.ts';

export type { KubernetesOptions } from './kubernetes-config.ts';

const METRICS = { group: 'metrics.k8s.io', version: 'v1beta1' } as const;
const CLUSTER_SCOPED: ReadonlySet<string> = new Set(['nodes', 'namespaces', 'persistentvolumes']);

interface Usage {
  readonly cpu?: string;
  readonly memory?: string;
}

/** The Kubernetes API through a kubeconfig (certificates, tokens and exec credential plugins as the kubeconfig says). */
export function createKubernetesPort(options: KubernetesOptions): KubernetesPort {
  const config = loadConfig(options);
  const { namespace } = options;
  const server = config.getCurrentCluster()?.server ?? '';
  const context = config.getCurrentContext();
  let offsetMs: number | null = null;
  const configuration = configure(config, server, (ms) => {
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
      const request = autoscaling.readNamespacedHorizontalPodAutoscaler({ name, namespace });
      return toHpaView(await call(inNamespace(`reading hpa ${name}`), request));
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
      const list = (await call(inNamespace(`reading metrics of pods ${selector}`), request)) as {
        items: { metadata: { name: string }; containers: { usage: Usage }[] }[];
      };
      return list.items.map(({ metadata, containers }) => ({
        name: metadata.name,
        cpuCores: containers.reduce((sum, { usage }) => sum + parseQuantity(usage.cpu ?? '0'), 0),
      }));
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
    async allowed({ verb, group, resource, subresource }) {
      const place = CLUSTER_SCOPED.has(resource) || (group === METRICS.group && resource === 'nodes') ? {} : { namespace };
      const resourceAttributes = { verb, group, resource, ...place, ...(subresource === undefined ? {} : { subresource }) };
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
function configure(config: KubeConfig, server: string, noteOffset: (ms: number) => void): Configuration {
  const sentAt = { value: 0 };
  return createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
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
