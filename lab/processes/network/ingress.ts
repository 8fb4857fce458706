/**
 * The HTTP way in: shares requests over the ready workers, least in flight first. A request is tried elsewhere only when
 * its worker refused the connection; once a byte may have been sent, never again, because it may be a write.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, request as sendRequest } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { PoolWorker, WorkerPool, WorkerState } from './worker-pool.ts';

export interface IngressState {
  readonly requests: number;
  readonly answered: number;
  /** 502: the worker died midway. */
  readonly badGateway: number;
  /** 503: no worker was ready. */
  readonly unavailable: number;
  /** Requests that another worker got after one refused the connection. */
  readonly retried: number;
  readonly clientGone: number;
  readonly workers: readonly WorkerState[];
}

const CHECK_EVERY_MS = 500;
// A worker behind a frozen database answers late, not never; Odoo's own front ends use 720 s.
const ANSWER_TIMEOUT_MS = 720_000;
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

export class Ingress {
  readonly #pool: WorkerPool;
  readonly #server: Server;
  readonly #counts = { requests: 0, answered: 0, badGateway: 0, unavailable: 0, retried: 0, clientGone: 0 };
  #timer: NodeJS.Timeout | null = null;

  constructor(pool: WorkerPool) {
    this.#pool = pool;
    this.#server = createServer((incoming, outgoing) => void this.#serve(incoming, outgoing));
    this.#server.keepAliveTimeout = 1;
    this.#server.requestTimeout = 0;
  }

  listen(port: number): Promise<void> {
    this.#timer = setInterval(() => void this.#pool.checkAll(), CHECK_EVERY_MS);
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      // Room for a burst of clients that all arrive in the same moment.
      this.#server.listen({ port, host: '127.0.0.1', backlog: 2_048 }, resolve);
    });
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get state(): IngressState {
    return { ...this.#counts, workers: this.#pool.workers };
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (incoming.url === '/ingress/health') {
      answer(outgoing, 200, JSON.stringify({ status: 'ok', ...this.state }), 'application/json');
      return;
    }
    this.#counts.requests++;
    const tried = new Set<PoolWorker>();
    for (let worker = this.#pool.pick(tried); worker !== undefined; worker = this.#pool.pick(tried)) {
      worker.inFlight++;
      const socket = await connect(worker.port);
      if (socket !== null) {
        this.#forward(incoming, outgoing, worker, socket);
        return;
      }
      worker.inFlight--;
      this.#counts.retried++;
      this.#pool.markRefused(worker);
      tried.add(worker);
    }
    this.#counts.unavailable++;
    incoming.resume();
    answer(outgoing, 503, 'no worker is ready\n', 'text/plain');
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse, worker: PoolWorker, socket: Socket): void {
    const upstream = sendRequest({
      createConnection: () => socket,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: forwardedHeaders(incoming),
      setHost: false,
      timeout: ANSWER_TIMEOUT_MS,
    });
    let over = false;
    const finish = (count: 'answered' | 'badGateway' | 'clientGone'): boolean => {
      if (over) return false;
      over = true;
      worker.inFlight--;
      this.#counts[count]++;
      return true;
    };
    upstream.on('response', (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.statusMessage, [...endToEnd(response), 'Connection', 'close']);
      pipeline(response, outgoing, (error) => {
        finish(error === undefined || error === null ? 'answered' : 'badGateway');
      });
    });
    upstream.on('timeout', () => upstream.destroy(new Error('the worker did not answer')));
    upstream.on('error', () => {
      if (!finish('badGateway')) return;
      if (outgoing.headersSent) outgoing.destroy();
      else answer(outgoing, 502, 'the worker closed the connection before it answered\n', 'text/plain');
    });
    // As nginx does: a client that hangs up takes its connection to the worker with it. The worker commits all the same.
    outgoing.on('close', () => {
      if (!outgoing.writableFinished && finish('clientGone')) upstream.destroy();
    });
    incoming.pipe(upstream);
  }
}

/** A connected socket, or null when the worker refused. */
function connect(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    const refuse = (): void => resolve(null);
    socket.once('error', refuse);
    socket.once('connect', () => {
      socket.off('error', refuse);
      resolve(socket);
    });
  });
}

function forwardedHeaders(incoming: IncomingMessage): string[] {
  const headers = endToEnd(incoming);
  headers.push('Connection', 'close', 'X-Forwarded-For', incoming.socket.remoteAddress ?? '', 'X-Forwarded-Proto', 'http');
  headers.push('X-Forwarded-Host', incoming.headers.host ?? '');
  // A body without a length needs the framing that was taken off with the hop-by-hop headers.
  if (incoming.headers['transfer-encoding'] !== undefined) headers.push('Transfer-Encoding', 'chunked');
  return headers;
}

function endToEnd(message: IncomingMessage): string[] {
  const kept: string[] = [];
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    const name = message.rawHeaders[index] ?? '';
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, message.rawHeaders[index + 1] ?? '');
  }
  return kept;
}

function answer(outgoing: ServerResponse, status: number, body: string, type: string): void {
  outgoing.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), Connection: 'close' });
  outgoing.end(body);
}
