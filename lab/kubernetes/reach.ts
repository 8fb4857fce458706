/** Under which address of this machine each Service of the lab is reached: a port of a node, or one forwarded by the API server. */
import { createConnection } from 'node:net';
import type { V1Service } from '@kubernetes/client-node';
import { LabError } from '../processes/lab-error.ts';
import type { Cluster } from './cluster.ts';
import { type Forwards, startForwards } from './forwards.ts';

/** What a harness asks directly, by Service and port name. */
export const REACHED: readonly (readonly [service: string, port: string])[] = [
  ['ingress', 'http'],
  ['db', 'primary'],
  ['cache', 'master'],
  ...[0, 1, 2].flatMap((n) => [
    [`postgres-${n}`, 'postgres'] as const,
    [`postgres-${n}`, 'patroni'] as const,
    [`redis-${n}`, 'redis'] as const,
    [`sentinel-${n}`, 'sentinel'] as const,
  ]),
];

const PROBE_MS = 2_000;

export interface Reach {
  /** `host:port` */
  at(service: string, port: string): string;
  /** Address of the Service inside the cluster, which its server announces. */
  announced(service: string, port: string): string;
  /** Sentence for the user. */
  readonly how: string;
  close(): Promise<void>;
}

export async function reachServices(cluster: Cluster, namespace: string, nodePortAddress: string | null): Promise<Reach> {
  const { items } = await cluster.core.listNamespacedService({ namespace });
  const services = new Map(items.map((service) => [service.metadata?.name ?? '', service]));
  const find = (name: string, portName: string) => portOf(services.get(name), name, portName);
  const announced = (name: string, portName: string): string =>
    `${services.get(name)?.spec?.clusterIP}:${find(name, portName).port}`;
  const nodePort = (name: string, portName: string): number => find(name, portName).nodePort ?? 0;

  const candidates = nodePortAddress === null ? await nodeAddresses(cluster) : [nodePortAddress];
  for (const address of candidates) {
    if (nodePortAddress !== null || (await connects(address, nodePort('ingress', 'http')))) {
      return {
        at: (name, portName) => `${address}:${nodePort(name, portName)}`,
        announced,
        how: `ports of the node at ${address}`,
        close: async () => undefined,
      };
    }
  }
  const forwards: Forwards = await startForwards(
    cluster,
    namespace,
    REACHED.map(([name, portName]) => ({ name: `${name}/${portName}`, service: services.get(name), port: find(name, portName) })),
  );
  return {
    at: (name, portName) => `127.0.0.1:${forwards.ports.get(`${name}/${portName}`)}`,
    announced,
    how: 'connections forwarded by the API server, since no port of a node answers from here: slow, and cut when their pod goes',
    close: () => forwards.close(),
  };
}

export interface ServicePort {
  readonly port: number;
  readonly nodePort: number | undefined;
}

function portOf(service: V1Service | undefined, name: string, portName: string): ServicePort {
  const found = service?.spec?.ports?.find((port) => port.name === portName);
  if (found === undefined) throw new LabError(`the cluster has no Service ${name} with a port named ${portName}`);
  return { port: found.port, nodePort: found.nodePort };
}

async function nodeAddresses({ core }: Cluster): Promise<readonly string[]> {
  const { items } = await core.listNode();
  const addresses = items.flatMap(({ status }) => status?.addresses ?? []);
  return [...addresses.filter(({ type }) => type === 'InternalIP'), ...addresses.filter(({ type }) => type === 'ExternalIP')].map(
    ({ address }) => address,
  );
}

function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: PROBE_MS });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
