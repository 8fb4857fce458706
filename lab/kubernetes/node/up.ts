/** Brings the node up, step by step. Whatever happens in between, `nodeDown` takes away what is there. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError, messageOf } from '../../processes/lab-error.ts';
import { awaitCondition } from '../../processes/wait.ts';
import { chooseAddresses } from './addresses.ts';
import { type ApiClient, apiClient } from './api.ts';
import { CLIENT_USERS, createCertificates } from './certificates.ts';
import { createCgroups } from './cgroups.ts';
import { clusterObjects } from './cluster-objects.ts';
import {
  apiServer,
  apiServerUrl,
  controllerManager,
  coredns,
  etcd,
  firstAddress,
  kubeconfigFile,
  metricsServer,
  type Plan,
  scheduler,
} from './control-plane.ts';
import { ensurePackages, hostObstacles, hostProgram } from './debian-packages.ts';
import { keepLogs, takeDown } from './down.ts';
import { prepareHost, recordHost } from './host.ts';
import { ctr } from './images.ts';
import { CONTEXT, writeKubeconfig } from './kubeconfig.ts';
import { imageOf } from './pause-image.ts';
import { ensurePrograms } from './programs.ts';
import { run } from './run.ts';
import { awaitService, launch, startService } from './services.ts';
import { DOWNSCALE_STABILISATION_SECONDS, HPA_SYNC_SECONDS, METRIC_RESOLUTION_SECONDS, PAUSE_IMAGE, PORTS } from './settings.ts';
import { createStateDir, defaultStateDir, stateFiles, takeLock } from './state.ts';
import { nodeStatus } from './status.ts';
import type { NodeConnection, NodeOptions, NodeServices, Programs } from './types.ts';
import { METRICS_SERVER_VERSION } from './versions.ts';
import { containerd, containerdSocket, kubelet, kubeProxy } from './worker.ts';

/** Each on a machine that builds something else at the same time. */
const WAITS = { containerd: 30_000, etcd: 30_000, apiServer: 90_000, dns: 30_000, nodeReady: 120_000, metrics: 120_000 } as const;

/**
 * Starts the node and returns when it is Ready, names resolve and its default service account exists; metrics come some 20 s
 * later (`awaitMetrics`). Returns what is there when it runs already, and starts again what has died of it; clears away what a
 * killed bring-up left.
 *
 * @throws LabError when the host cannot run one, or a daemon does not come up: then everything has been taken back but the
 * logs, which are in `<stateDir>-failed-logs`.
 */
export async function nodeUp(options: NodeOptions = {}): Promise<NodeConnection> {
  const onProgress = options.onProgress ?? (() => {});
  const dir = options.stateDir ?? defaultStateDir();
  const obstacles = hostObstacles();
  if (obstacles.length > 0) {
    throw new LabError(`no Kubernetes node can run here: ${obstacles.join('; ')}`, {
      hint: 'use a cluster that you have: --context NAME',
    });
  }
  const running = await existing(dir, options);
  if (running !== null) return running;
  await ensurePackages(onProgress);
  const programs = await ensurePrograms({ onProgress, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  const files = createStateDir(dir);
  const release = takeLock(files, 'up');
  try {
    if (existsSync(files.host)) {
      onProgress('clearing away what an earlier bring-up left');
      await takeDown(files, { keepLock: true });
      createStateDir(dir);
    }
    return await bringUp(dir, programs, options);
  } catch (error) {
    onProgress(`failed: ${messageOf(error)}; taking everything back`);
    keepLogs(files);
    await takeDown(files);
    throw error;
  } finally {
    release();
  }
}

/** A node that runs, or whose daemons have died in part: those are started again, and its pods stay. */
async function existing(dir: string, options: NodeOptions): Promise<NodeConnection | null> {
  const { state, connection, services } = await nodeStatus({ stateDir: dir });
  if (connection === null || state === 'starting' || !services.some(({ running }) => running)) return null;
  const wanted = options.nodes ?? connection.nodeNames.length;
  if (connection.nodeNames.length !== wanted) {
    throw new LabError(`a cluster of ${connection.nodeNames.length} node(s) runs in ${dir}, and ${wanted} are asked for`, {
      hint: 'stop it first',
    });
  }
  for (const { name } of services.filter(({ running }) => !running)) {
    options.onProgress?.(`starting ${name} again`);
    await startService(connection, name as NodeServices);
  }
  const api = apiClient(connection.server, stateFiles(dir).pki);
  await awaitNodes(api, connection, options.signal);
  return connection;
}

async function awaitNodes(
  api: ApiClient,
  { nodeNames, logDir }: Pick<NodeConnection, 'nodeNames' | 'logDir'>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const name of nodeNames) {
    await awaitCondition(`node ${name} to be Ready (logs in ${logDir})`, () => isNodeReady(api, name), {
      timeoutMs: WAITS.nodeReady,
      everyMs: 250,
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

async function bringUp(dir: string, programs: Programs, options: NodeOptions): Promise<NodeConnection> {
  const say = options.onProgress ?? (() => {});
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const files = stateFiles(dir);
  const count = options.nodes ?? 1;
  const nodeNames = Array.from({ length: count }, (_, index) => `peakproof-${index + 1}`);
  const addresses = chooseAddresses(await run(hostProgram('ip'), ['-4', 'route', 'show', 'table', 'all']), count);
  const plan: Plan = { files, programs: programs.dir, addresses, nodeNames };

  say(`preparing the host: bridge ${addresses.bridge} with ${addresses.nodeAddresses.join(', ')}, pods in ${addresses.podRange}`);
  const before = await recordHost(files, addresses);
  await prepareHost(before);
  createCgroups(dir, count);
  await createCertificates(files.pki, addresses, nodeNames);
  writeKubeconfigs(plan);
  options.signal?.throwIfAborted();

  say('starting etcd, the API server and containerd');
  launch(files, etcd(plan));
  const server = launch(files, apiServer(plan));
  const runtimes = nodeNames.map((_, index) => launch(files, containerd(plan, index)));
  const pause = join(files.dir, 'pause.tar');
  writeFileSync(pause, imageOf(PAUSE_IMAGE, programs.pause));
  for (const [index, runtime] of runtimes.entries()) {
    const socket = containerdSocket(plan, index);
    await awaitService(files, runtime, () => answered(ctr(socket, ['version'], 5_000)), {
      timeoutMs: WAITS.containerd,
      ...signal,
    });
    await ctr(socket, ['images', 'import', pause], 60_000);
  }
  const api = apiClient(apiServerUrl(plan), files.pki);
  await awaitService(files, server, () => answered(api.get('/readyz')), {
    timeoutMs: WAITS.apiServer,
    ...signal,
  });
  await apply(plan);

  say('starting the controllers, the scheduler, names, metrics and the kubelet');
  launch(files, controllerManager(plan));
  launch(files, scheduler(plan));
  const names = launch(files, coredns(plan));
  launch(files, metricsServer(plan));
  launch(files, kubeProxy(plan));
  for (const [index] of nodeNames.entries()) launch(files, kubelet(plan, index));

  await awaitService(files, names, () => answersOk(`http://${firstAddress(plan)}:${PORTS.dnsReady}/ready`), {
    timeoutMs: WAITS.dns,
    ...signal,
  });
  say('waiting for the node to be Ready');
  await awaitNodes(api, { nodeNames, logDir: files.logs }, options.signal);
  await awaitCondition(
    'the default service account',
    () => answered(api.get('/api/v1/namespaces/default/serviceaccounts/default')),
    { timeoutMs: WAITS.nodeReady, everyMs: 250, ...signal },
  );
  const connection = connectionOf(plan, programs);
  writeFileSync(files.connection, JSON.stringify(connection, null, 2));
  say(`node ${nodeNames.join(' and ')} is Ready: kubectl --kubeconfig ${connection.kubeconfig} get nodes`);
  return connection;
}

/** Waits until metrics-server has numbers of every node: from then on an autoscaler can decide. */
export async function awaitMetrics(connection: NodeConnection, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
  const api = apiClient(connection.server, stateFiles(connection.stateDir).pki);
  await awaitCondition(
    'metrics of every node',
    async () => {
      const list = (await api.get('/apis/metrics.k8s.io/v1beta1/nodes')) as { readonly items: readonly unknown[] };
      return list.items.length === connection.nodeNames.length ? true : undefined;
    },
    { timeoutMs: WAITS.metrics, everyMs: 500, ...options },
  );
}

function writeKubeconfigs(plan: Plan): void {
  const users = [...Object.keys(CLIENT_USERS), ...plan.nodeNames.map((name) => `kubelet-${name}`)];
  for (const user of users) {
    writeKubeconfig(kubeconfigFile(plan, user), { pki: plan.files.pki, server: apiServerUrl(plan), user });
  }
}

async function apply(plan: Plan): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: clusterObjects(plan) };
  const args = ['--kubeconfig', kubeconfigFile(plan, 'admin'), 'apply', '--server-side', '--force-conflicts', '-f', '-'];
  await awaitCondition(
    'the cluster to take its first objects',
    async () => {
      await run(join(plan.programs, 'kubectl'), args, { input: JSON.stringify(list), timeoutMs: 60_000 });
      return true;
    },
    { timeoutMs: 60_000, everyMs: 1_000 },
  );
}

/** For probes whose answer matters only in that there is one. */
async function answered(answer: Promise<unknown>): Promise<true> {
  await answer;
  return true;
}

async function answersOk(url: string): Promise<true | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return response.ok ? true : undefined;
}

async function isNodeReady(api: ApiClient, name: string): Promise<true | undefined> {
  const node = (await api.get(`/api/v1/nodes/${name}`)) as {
    readonly spec: { readonly taints?: readonly unknown[] };
    readonly status: {
      readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[];
    };
  };
  const ready = node.status.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True' && (node.spec.taints ?? []).length === 0) return true;
  throw new LabError(ready?.message ?? 'it has no Ready condition yet');
}

function connectionOf(plan: Plan, programs: Programs): NodeConnection {
  return {
    stateDir: plan.files.dir,
    kubeconfig: kubeconfigFile(plan, 'admin'),
    context: CONTEXT,
    server: apiServerUrl(plan),
    kubernetesVersion: programs.kubernetesVersion,
    metricsServerVersion: METRICS_SERVER_VERSION,
    nodeNames: plan.nodeNames,
    nodeAddress: firstAddress(plan),
    nodePortAddress: '127.0.0.1',
    podCidrs: plan.addresses.podCidrs,
    serviceCidr: plan.addresses.serviceCidr,
    clusterDnsAddress: firstAddress(plan),
    clusterDomain: 'cluster.local',
    containerdSockets: plan.nodeNames.map((_, index) => containerdSocket(plan, index)),
    containerdNamespace: 'k8s.io',
    kubectl: programs.kubectl,
    hpaSyncSeconds: HPA_SYNC_SECONDS,
    downscaleStabilisationSeconds: DOWNSCALE_STABILISATION_SECONDS,
    metricResolutionSeconds: METRIC_RESOLUTION_SECONDS,
    logDir: plan.files.logs,
  };
}
