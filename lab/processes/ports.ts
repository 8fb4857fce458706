import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { LabError } from './lab-error.ts';

// Below the ephemeral ranges of Linux (32768+) and macOS (49152+), so that no outgoing connection takes a port of a
// process that is being restarted; and below the NodePorts of a Kubernetes on this host (30000+).
const FIRST = 20_000;
const LAST = 29_999;

/** True when the port could be bound on the loopback address just now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** @throws LabError when somebody else has it. */
export async function requireFreePort(port: number): Promise<number> {
  if (await isPortFree(port)) return port;
  throw new LabError(`port ${port} on 127.0.0.1 is taken`, {
    hint: `stop what listens there, or leave --port out: the lab then takes a free one`,
  });
}

/** `count` different ports, each bound once to prove that it is free. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  for (let attempt = 0; found.size < count; attempt++) {
    if (attempt > count * 200) throw new LabError(`found no ${count} free ports between ${FIRST} and ${LAST}`);
    const port = randomInt(FIRST, LAST + 1);
    if (!found.has(port) && (await isPortFree(port))) found.add(port);
  }
  return [...found];
}
