/** Puts a lab together on Kubernetes and takes it away again. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KubernetesObject } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import type { LabConnection } from '../processes/connection.ts';
import type { RunningLab } from '../processes/detached.ts';
import { codeOf, LabError } from '../processes/lab-error.ts';
import { recordProcess, registerLab, writeSecret } from '../processes/lab-folder.ts';
import { applyObjects, type Cluster, openCluster } from './cluster.ts';
import { ensureErpImage, erpReference } from './images/erp-image.ts';
import { ensureServersImage } from './images/servers-image.ts';
import { CONTAINER_ID, type LabImage } from './images/types.ts';
import { buildWithEngine, loadIntoCluster } from './load-images.ts';
import { renderManifests, VOLUMES } from './manifests.ts';
import { defaultStateDir, importImage, listImages, nodeStatus, nodeUp } from './node/index.ts';
import type { KubernetesLabOptions } from './options.ts';
import { type Reach, reachServices } from './reach.ts';
import { awaitLab } from './readiness.ts';
import { recordKubernetes, removeKubernetesLab } from './remove-lab.ts';

export { type KubernetesLabOptions, parseKubernetesOptions } from './options.ts';

const SENTINEL_MASTER = 'erp';
/** kube-controller-manager's default; a cluster of somebody else does not say. */
const DEFAULT_HPA_SYNC_SECONDS = 15;
/** Changes with Dockerfile.servers. */
const SERVERS_DOCKERFILE = 'bookworm-1';

/** Starts a lab and resolves when it takes requests. On failure, or when aborted, nothing of it stays. */
export async function startKubernetesLab(
  options: KubernetesLabOptions,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<RunningLab> {
  const { name, dir } = options;
  claimFolder(options);
  const say = (line: string): void => {
    if (existsSync(dir)) appendFileSync(join(dir, 'lab.log'), `${new Date().toISOString()} ${line}\n`);
    progress(line);
  };
  let reach: Reach | null = null;
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      await reach?.close();
      await removeKubernetesLab(dir, { supervisor: 'gone' });
    })();
    return stopping;
  };
  try {
    const place =
      options.place.kind === 'node' ? await prepareNode(options, say, signal) : await prepareContext(options, say, signal);
    const { cluster } = place;
    const secrets = makeSecrets();
    const files = { password: join(dir, 'admin-password'), postgresPassword: join(dir, 'postgres-password') };
    writeSecret(files.password, secrets['erp-admin-password']);
    writeSecret(files.postgresPassword, secrets['erp-database-password']);
    const objects = await renderManifests({ dir, lab: options, images: place.images, kubectl: place.kubectl, signal });
    const [namespace, ...rest] = objects;
    if (namespace === undefined) throw new LabError('kubectl kustomize gave no objects');
    say(`installing ${objects.length + 1} objects into namespace ${options.namespace}`);
    await applyObjects(cluster, [namespace, secretObject(options.namespace, secrets), ...rest], signal);
    reach = await reachServices(cluster, options.namespace, place.nodePortAddress);
    const { at, announced, how } = reach;
    say(`reached through ${how}`);
    const members = [0, 1, 2];
    const addresses = {
      ingress: `http://${at('ingress', 'http')}`,
      patroniUrls: members.map((n) => `http://${at(`postgres-${n}`, 'patroni')}`),
      sentinelUrls: members.map((n) => `redis://${at(`sentinel-${n}`, 'sentinel')}`),
      sentinelMaster: SENTINEL_MASTER,
    };
    await awaitLab(cluster, options.namespace, addresses, { workersMin: options.workersMin, signal, progress: say });
    const connection: LabConnection = {
      name,
      dir,
      odooUrl: addresses.ingress,
      database: 'erp',
      login: 'admin',
      passwordFile: files.password,
      kubeconfig: place.kubeconfig,
      context: place.context,
      namespace: options.namespace,
      deployment: 'erp',
      hpa: 'erp',
      selector: 'app=erp',
      hpaSyncSeconds: place.hpaSyncSeconds,
      patroniUrls: addresses.patroniUrls,
      postgresUrl: `postgresql://${at('db', 'primary')}/erp`,
      postgresStandbyUrls: members.map((n) => `postgresql://${at(`postgres-${n}`, 'postgres')}/erp`),
      postgresUser: 'erp',
      postgresPasswordFile: files.postgresPassword,
      redisUrl: `redis://${at('cache', 'master')}/0`,
      redisSentinels: {
        urls: addresses.sentinelUrls,
        master: SENTINEL_MASTER,
        addressMap: Object.fromEntries(
          members.flatMap((n) => [
            [announced(`redis-${n}`, 'redis'), at(`redis-${n}`, 'redis')],
            [announced(`sentinel-${n}`, 'sentinel'), at(`sentinel-${n}`, 'sentinel')],
          ]),
        ),
      },
      redisMemberUrls: members.map((n) => `redis://${at(`redis-${n}`, 'redis')}/0`),
      ingressHealthUrl: `${addresses.ingress}/ingress/health`,
      supervisorPid: process.pid,
      logFile: join(dir, 'lab.log'),
    };
    writeFileSync(join(dir, 'lab.json'), JSON.stringify(connection, null, 2));
    return { connection, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Making the folder is the claim: of two labs that want the same one, one gets it. */
function claimFolder({ name, dir }: KubernetesLabOptions): void {
  mkdirSync(dirname(dir), { recursive: true });
  try {
    mkdirSync(dir, { mode: 0o755 });
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause;
    const hint = `stop that lab with "lab down --name ${name}", or use another --name or --dir`;
    throw new LabError(`${dir} is already there`, { hint, cause });
  }
  recordProcess(dir, 'supervisor', name, process.pid);
  registerLab(name, dir);
}

interface PreparedPlace {
  readonly cluster: Cluster;
  readonly kubeconfig: string;
  readonly context: string;
  readonly kubectl: string;
  readonly images: readonly LabImage[];
  /** Where NodePorts answer; null: to be found out. */
  readonly nodePortAddress: string | null;
  readonly hpaSyncSeconds: number;
}

async function prepareNode(
  options: KubernetesLabOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<PreparedPlace> {
  const { dir, namespace } = options;
  const stateDir = defaultStateDir();
  // A node that runs already is somebody else's: this lab comes and goes in it.
  const { state } = await nodeStatus({ stateDir });
  if (state === 'starting') throw new LabError(`another process is starting the node in ${stateDir}`, { hint: 'wait for it' });
  recordKubernetes(dir, { kind: 'node', stateDir, namespace, nodeIsOurs: state !== 'running' });
  const images = [await ensureErpImage({ onProgress: say, signal }), await ensureServersImage({ onProgress: say, signal })];
  const node = await nodeUp({ stateDir, onProgress: say, signal, nodes: options.nodes === 2 ? 2 : 1 });
  const known = await listImages(node);
  for (const image of images) {
    if (known.some((reference) => reference.endsWith(image.reference))) continue;
    say(`importing ${image.reference}`);
    await importImage(node, image.file);
  }
  makeVolumes(dir);
  return {
    cluster: openCluster({ kubeconfig: node.kubeconfig, context: node.context }),
    kubeconfig: node.kubeconfig,
    context: node.context,
    kubectl: node.kubectl,
    images,
    nodePortAddress: node.nodePortAddress,
    hpaSyncSeconds: node.hpaSyncSeconds,
  };
}

/** As the user of the containers; the kubelet mounts them as root, so a closed home above them does not matter. */
function makeVolumes(dir: string): void {
  for (const member of VOLUMES) {
    const folder = join(dir, 'volumes', member);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o700);
    chownSync(folder, CONTAINER_ID, CONTAINER_ID);
  }
}

async function prepareContext(
  options: KubernetesLabOptions,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<PreparedPlace> {
  const { dir, namespace, place } = options;
  if (place.kind !== 'context') throw new Error('not a context');
  const { context, registry } = place;
  const cluster = openCluster({ context });
  // The user's own settings, of this context alone and with absolute paths: what is current may change while the lab is up.
  const kubeconfig = join(dir, 'kubeconfig');
  writeSecret(kubeconfig, stringify(JSON.parse(cluster.config.exportConfig())));
  recordKubernetes(dir, { kind: 'context', context, kubeconfig, namespace });
  const images: readonly LabImage[] = [
    { name: 'erp', reference: await erpReference(), file: '' },
    { name: 'servers', reference: `peakproof/lab-servers:${SERVERS_DOCKERFILE}`, file: '' },
  ];
  const engine = await buildWithEngine(images, { onProgress: say, signal });
  await loadIntoCluster(context, engine, images, { registry, onProgress: say });
  return {
    cluster,
    kubeconfig,
    context,
    kubectl: 'kubectl',
    images,
    nodePortAddress: null,
    hpaSyncSeconds: DEFAULT_HPA_SYNC_SECONDS,
  };
}

type Secrets = Readonly<
  Record<'superuser-password' | 'replication-password' | 'erp-database-password' | 'erp-admin-password', string>
>;

function makeSecrets(): Secrets {
  const password = (): string => randomBytes(18).toString('hex');
  return {
    'superuser-password': password(),
    'replication-password': password(),
    'erp-database-password': password(),
    'erp-admin-password': password(),
  };
}

function secretObject(namespace: string, secrets: Secrets): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'lab-secrets', namespace },
    type: 'Opaque',
    stringData: { ...secrets },
  } as KubernetesObject;
}
