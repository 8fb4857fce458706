/**
 * A real Kubernetes node that this package builds and starts itself: one Linux host, root, no image registry.
 *
 * Everything listens on an address of a bridge of its own (`nodeAddress`), so no port of the host is taken; NodePorts answer
 * on 127.0.0.1. Everything that it changes on the host is written down in the state folder before it is changed, and
 * `nodeDown` puts it back, also after a kill -9 of `nodeUp`.
 */

export { ensurePackages, hostObstacles, missingPackages } from './debian-packages.ts';
export { nodeDown } from './down.ts';
export { importImage, listImages } from './images.ts';
export { ensurePrograms } from './programs.ts';
export { startService, stopService } from './services.ts';
export { defaultStateDir } from './state.ts';
export { nodeStatus } from './status.ts';
export type { NodeConnection, NodeOptions, NodeServices, NodeStatus, Programs } from './types.ts';
export { awaitMetrics, nodeUp } from './up.ts';
