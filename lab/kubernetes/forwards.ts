/** Ports of this machine that lead to pods through the API server, for clusters whose nodes cannot be reached from here. */
// First: without it the client does not load on the oldest Node that we support.
import './load-on-node-22-12.ts';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { PortForward, type V1Pod, type V1Service } from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import type { ServicePort } from './reach.ts';

export interface Forward {
  readonly name: string;
  readonly service: V1Service | undefined;
  readonly port: ServicePort;
}

export interface Forwards {
  /** Local port by the name of the forward. */
  readonly ports: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** How long a list of pods is good for. */
const LOOK_MS = 1_000;

export async function startForwards(cluster: Cluster, namespace: string, forwards: readonly Forward[]): Promise<Forwards> {
  const ports = new Map<string, number>();
  const servers: Server[] = [];
  const open = new Set<Socket>();
  const forwarder = new PortForward(cluster.config);
  for (const { name, service, port } of forwards) {
    const selector = Object.entries(service?.spec?.selector ?? {}).map(([label, value]) => `${label}=${value}`);
    const target = service?.spec?.ports?.find((each) => each.port === port.port)?.targetPort;
    const findPod = podFinder(cluster, namespace, selector.join(','));
    const server = createServer({ noDelay: true }, (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      // The client went away, or we take the connection away: either way it is over.
      socket.on('error', () => socket.destroy());
      void (async () => {
        const pod = await findPod();
        const number = portNumber(pod, target, port.port);
        await forwarder.portForward(namespace, pod.metadata?.name ?? '', [number], socket, null, socket);
      })().catch(() => socket.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: 0, host: '127.0.0.1' }, resolve);
    });
    servers.push(server);
    ports.set(name, (server.address() as AddressInfo).port);
  }
  return {
    ports,
    async close() {
      for (const socket of open) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** A ready pod of the Service; one that is not, when it is the only one: a member is asked whatever its state. */
function podFinder({ core }: Cluster, namespace: string, labelSelector: string): () => Promise<V1Pod> {
  let turn = 0;
  let seen: { readonly at: number; readonly pods: Promise<readonly V1Pod[]> } | null = null;
  return async () => {
    if (seen === null || performance.now() - seen.at > LOOK_MS) {
      seen = { at: performance.now(), pods: core.listNamespacedPod({ namespace, labelSelector }).then(({ items }) => items) };
    }
    const living = (await seen.pods).filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const ready = living.filter(({ status }) =>
      status?.conditions?.some(({ type, status: held }) => type === 'Ready' && held === 'True'),
    );
    const choice = ready.length > 0 ? ready : living;
    turn += 1;
    const pod = choice[turn % Math.max(1, choice.length)];
    if (pod === undefined) throw new Error(`no pod ${labelSelector}`);
    return pod;
  };
}

/** A Service may name its target port as the container does. */
function portNumber(pod: V1Pod, target: number | string | undefined, fallback: number): number {
  if (typeof target === 'number') return target;
  const ports = pod.spec?.containers.flatMap(({ ports: declared }) => declared ?? []) ?? [];
  return ports.find(({ name }) => name === target)?.containerPort ?? fallback;
}
