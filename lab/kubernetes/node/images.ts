/** Images of the node's containerd. They come from files: pods need `imagePullPolicy: Never` or `IfNotPresent`. */
import { hostProgram } from './debian-packages.ts';
import { run } from './run.ts';
import type { NodeConnection } from './types.ts';

const NAMESPACE = 'k8s.io';
/** 700 MB take about 20 s. */
const IMPORT_DEADLINE_MS = 300_000;

/** Loads a `docker save` (or OCI) archive into every node's containerd. Returns the names of the images in it, as ctr tells them. */
export async function importImage(
  connection: Pick<NodeConnection, 'containerdSockets'>,
  archive: string,
): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const socket of connection.containerdSockets) {
    const output = await ctr(socket, ['images', 'import', archive], IMPORT_DEADLINE_MS);
    for (const [, name = ''] of output.matchAll(/^unpacking (\S+)/gm)) names.add(name);
  }
  return [...names];
}

/** Names of the images that every node has. */
export async function listImages(connection: Pick<NodeConnection, 'containerdSockets'>): Promise<readonly string[]> {
  const lists = await Promise.all(connection.containerdSockets.map((socket) => ctr(socket, ['images', 'list', '-q'], 30_000)));
  const [first = [], ...others] = lists.map((text) => text.split('\n').filter((line) => line !== ''));
  return first.filter((name) => others.every((names) => names.includes(name)));
}

export function ctr(socket: string, args: readonly string[], timeoutMs: number): Promise<string> {
  return run(hostProgram('ctr'), ['--address', socket, '--namespace', NAMESPACE, ...args], { timeoutMs });
}
