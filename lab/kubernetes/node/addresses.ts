/** The addresses of the node: a block of its own that no route of the host knows. */
import { LabError } from '../../processes/lab-error.ts';

export interface Addresses {
  /** Bridge that carries the nodes' addresses. */
  readonly bridge: string;
  /** `10.213`: everything below is in this /16. */
  readonly block: string;
  readonly nodeAddresses: readonly string[];
  /** A /24 of pods for each node. */
  readonly podCidrs: readonly string[];
  /** All pods of all nodes. */
  readonly podRange: string;
  readonly serviceCidr: string;
  /** Address of the Service `kubernetes`. */
  readonly apiServiceAddress: string;
}

export const BRIDGE = 'peakproof0';

// Private blocks that routers, Docker, kind, k3s, minikube and clouds do not take by default.
const BLOCKS = ['10.213', '10.217', '10.221', '172.29', '10.229'];

/** @param routes output of `ip -4 route show table all` */
export function chooseAddresses(routes: string, nodes: number): Addresses {
  const taken = routes.split('\n').flatMap(parseRoute);
  const block = BLOCKS.find(
    (candidate) => !taken.some((route) => overlaps(route, { address: toNumber(`${candidate}.0.0`), bits: 16 })),
  );
  if (block === undefined) {
    throw new LabError(
      `the host has routes into every block that the node could take: ${BLOCKS.map((b) => `${b}.0.0/16`).join(', ')}`,
      {
        hint: 'remove one of those networks, or run the lab on another host',
      },
    );
  }
  const each = Array.from({ length: nodes }, (_, index) => index);
  return {
    bridge: BRIDGE,
    block,
    nodeAddresses: each.map((index) => `${block}.0.${index + 1}`),
    podCidrs: each.map((index) => `${block}.${index + 2}.0/24`),
    podRange: `${block}.2.0/23`,
    serviceCidr: `${block}.4.0/24`,
    apiServiceAddress: `${block}.4.1`,
  };
}

interface Network {
  readonly address: number;
  readonly bits: number;
}

function parseRoute(line: string): readonly Network[] {
  const match = /^(?:\w+ )?(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?(?: |$)/.exec(line.trim());
  return match?.[1] === undefined ? [] : [{ address: toNumber(match[1]), bits: match[2] === undefined ? 32 : Number(match[2]) }];
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function overlaps(a: Network, b: Network): boolean {
  const size = 2 ** (32 - Math.min(a.bits, b.bits));
  return Math.floor(a.address / size) === Math.floor(b.address / size);
}
