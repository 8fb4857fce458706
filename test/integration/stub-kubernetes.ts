/** A small API server that can be made to misbehave: it is stopped and started on its port, or answers as it is told to. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StubKubernetes {
  readonly port: number;
  /** Every request that was answered: method, path, Authorization. */
  readonly requests: { readonly path: string; readonly token: string; readonly at: number }[];
  /** Instead of the usual answer; true: it has answered. */
  misbehave: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** No longer accepts connections, cuts those it has. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

export async function startStubKubernetes(): Promise<StubKubernetes> {
  const requests: StubKubernetes['requests'] = [];
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;

  async function listen(at: number): Promise<Server> {
    const made = createServer(answer);
    await new Promise<void>((resolve, reject) => made.once('error', reject).listen(at, '127.0.0.1', resolve));
    return made;
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').split('?')[0] ?? '';
    requests.push({ path, token: request.headers.authorization ?? '', at: Date.now() });
    if (stub.misbehave(request, response)) return;
    const found = OBJECTS.find(([ending]) => path.endsWith(ending));
    if (found === undefined) refuse(response, 404, 'not found');
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found[1]));
  }

  const stub: StubKubernetes = {
    port,
    requests,
    misbehave: () => false,
    async goAway() {
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await ended;
    },
    async comeBack() {
      server = await listen(port);
    },
    async close() {
      if (server.listening) await stub.goAway();
    },
  };
  return stub;
}

export function refuse(response: ServerResponse, code: number, message: string, headers: Record<string, string> = {}): true {
  response
    .writeHead(code, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }));
  return true;
}

const labels = { app: 'erp' };
const OBJECTS: readonly (readonly [ending: string, object: object])[] = [
  [
    '/deployments/erp',
    { metadata: { name: 'erp' }, spec: { replicas: 1, selector: { matchLabels: labels } }, status: { readyReplicas: 1 } },
  ],
  [
    '/horizontalpodautoscalers/erp',
    {
      metadata: { name: 'erp' },
      spec: { maxReplicas: 5, scaleTargetRef: {} },
      status: { currentReplicas: 1, desiredReplicas: 1 },
    },
  ],
  ['/metrics.k8s.io/v1beta1/nodes', { items: [] }],
  ['/metrics.k8s.io/v1beta1/namespaces/erp/pods', { items: [] }],
  ['/pods', { kind: 'PodList', items: [{ metadata: { name: 'erp-1', uid: 'u1', labels }, status: { phase: 'Running' } }] }],
  ['/events', { kind: 'EventList', items: [] }],
  ['/version', { gitVersion: 'v1.34.4' }],
];
