/** The worker's HTTP side: one connection per call, closed after the answer, HTTP 200 also for faults. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestQueue } from './queue.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface Routes {
  /** Answered at once, also while a request is in service; null: not one of these. */
  immediate(method: string, path: string): (() => Promise<Answer>) | null;
  queued(call: Call): Promise<Answer>;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;

export interface RunningServer {
  readonly port: number;
  /** Stops listening, finishes the request in hand, drops the ones that wait. */
  close(): Promise<void>;
}

export async function startServer(
  routes: Routes,
  queue: RequestQueue,
  address: { readonly host: string; readonly port: number },
): Promise<RunningServer> {
  const server = createServer({ keepAlive: false }, (request, response) => {
    response.shouldKeepAlive = false;
    void handle(routes, queue, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server, queue) };
}

async function close(server: Server, queue: RequestQueue): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await queue.close();
  server.closeIdleConnections();
  // The last answer is flushed by the socket itself; anything else (a client that never sent its request) must not hold us up.
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, FLUSH_MS))]);
  server.closeAllConnections();
}

const FLUSH_MS = 200;

async function handle(routes: Routes, queue: RequestQueue, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = request.method ?? 'GET';
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const immediate = routes.immediate(method, path);
  try {
    if (immediate) return send(response, await immediate());
    // As a full listen backlog: no answer, the connection is just gone.
    if (queue.isFull) return void request.socket.destroy();
    const body = await readBody(request);
    if (queue.isFull) return void request.socket.destroy();
    const outcome = await queue.run(async () =>
      send(response, await routes.queued({ method, path, headers: headersOf(request), body })),
    );
    if (outcome === 'dropped') request.socket.destroy();
  } catch {
    // The client is gone before it sent all of its request; nothing was started.
    request.socket.destroy();
  }
}

function headersOf(request: IncomingMessage): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('request body is larger than 32 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A client that hung up meanwhile is no error: its work is committed all the same. */
function send(response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body, 'utf8');
  response.writeHead(answer.status, {
    'Content-Type': answer.type,
    'Content-Length': body.length,
    Connection: 'close',
    ...answer.headers,
  });
  response.end(body);
}
