/**
 * Patroni's REST API, one server a member. A member's server answers only while its pod is there; its port stays bound, so
 * that nobody else takes it, but connections are dropped as by a dead machine's kernel.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { codeOf, messageOf } from '../lab-error.ts';
import type { MemberAgent } from './agent.ts';
import type { Answer, PatroniCluster } from './cluster.ts';
import { clusterView, memberView } from './views.ts';

const BODY_LIMIT_BYTES = 65_536;

export class PatroniRest {
  readonly #cluster: PatroniCluster;
  readonly #agent: MemberAgent;
  readonly #server: Server;

  constructor(cluster: PatroniCluster, agent: MemberAgent, restPorts: ReadonlyMap<string, number>) {
    this.#cluster = cluster;
    this.#agent = agent;
    this.#server = createServer((request, response) => {
      response.setHeader('Connection', 'close');
      this.#serve(request, response, restPorts).catch((error: unknown) => {
        if (!response.headersSent) send(response, codeOf(error) === 'BODY' ? 400 : 500, messageOf(error));
        else response.destroy();
      });
    });
    this.#server.on('connection', (socket) => {
      if (!agent.present) socket.resetAndDestroy();
    });
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: '127.0.0.1' }, resolve);
    });
  }

  /** Cuts the connections that a killed agent had. */
  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse, restPorts: ReadonlyMap<string, number>): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const method = request.method ?? 'GET';
    if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') {
      await this.#read(pathname, searchParams, response, restPorts);
      return;
    }
    const body = await readJson(request);
    const answer = await this.#write(method, pathname, body, response);
    if (answer !== null) send(response, answer.status, answer.text);
  }

  async #read(
    pathname: string,
    query: URLSearchParams,
    response: ServerResponse,
    restPorts: ReadonlyMap<string, number>,
  ): Promise<void> {
    if (pathname === '/cluster') {
      await Promise.all(this.#cluster.agents.map((agent) => agent.refresh()));
      sendJson(response, 200, clusterView(this.#cluster, restPorts));
    } else if (pathname === '/history') {
      sendJson(response, 200, this.#cluster.history);
    } else if (pathname === '/config') {
      sendJson(response, 200, this.#cluster.config);
    } else {
      await this.#agent.refresh();
      const status = this.#healthStatus(pathname, query);
      sendJson(response, status, memberView(this.#cluster, this.#agent));
    }
  }

  #healthStatus(pathname: string, query: URLSearchParams): number {
    const { role, serverRunning } = this.#agent.view;
    const running = serverRunning && role !== null;
    const leads = this.#cluster.leader === this.#agent;
    const replica = role === 'standby' && this.#lagBytes() <= parseSize(query.get('lag'));
    const synchronous = replica && this.#cluster.syncStandby === this.#agent.name;
    const good: Readonly<Record<string, boolean>> = {
      '/': leads && role === 'primary',
      '/primary': leads && role === 'primary',
      '/master': leads && role === 'primary',
      '/read-write': leads && role === 'primary',
      '/leader': leads,
      '/replica': replica,
      '/read-only': (leads && role === 'primary') || replica,
      '/synchronous': synchronous,
      '/sync': synchronous,
      '/asynchronous': replica && !synchronous,
      '/async': replica && !synchronous,
      '/standby-leader': false,
      '/quorum': false,
      '/health': running,
      '/liveness': true,
      '/readiness': running && (role === 'primary' || this.#agent.status?.streaming === true),
      '/patroni': true,
    };
    return good[pathname] === undefined ? 404 : good[pathname] ? 200 : 503;
  }

  #lagBytes(): number {
    const leader = this.#cluster.leader?.status?.lsn ?? 0n;
    return Math.max(0, Number(leader - (this.#agent.status?.replayLsn ?? 0n)));
  }

  async #write(method: string, pathname: string, body: unknown, response: ServerResponse): Promise<Answer | null> {
    const cluster = this.#cluster;
    switch (`${method} ${pathname}`) {
      case 'PATCH /config': {
        const patched = cluster.patchConfig(body);
        if ('problem' in patched) return { status: 400, text: String(patched.problem) };
        sendJson(response, 200, patched);
        return null;
      }
      case 'POST /switchover':
        return await this.#switchover(fields(body));
      case 'POST /failover': {
        const { candidate } = fields(body);
        if (typeof candidate !== 'string')
          return { status: 400, text: 'Failover could be performed only to a specific candidate' };
        return await cluster.failover(candidate);
      }
      case 'POST /restart':
        return await cluster.restart(this.#agent.name);
      case 'POST /reinitialize':
        return await cluster.reinitialize(this.#agent.name);
      default:
        return { status: 501, text: `Unsupported method ('${method} ${pathname}')` };
    }
  }

  async #switchover(body: Readonly<Record<string, unknown>>): Promise<Answer> {
    const candidate = body.candidate ?? null;
    if (typeof body.leader !== 'string') {
      return { status: 400, text: 'Switchover could be performed only from a specific leader' };
    }
    if (body.scheduled_at !== undefined) return { status: 400, text: 'the lab does not schedule switchovers' };
    if (candidate === body.leader) return { status: 400, text: 'Switchover target and source are the same' };
    if (candidate !== null && typeof candidate !== 'string') return { status: 400, text: 'candidate must be a name' };
    if (this.#cluster.config.pause === true && candidate === null) {
      return { status: 400, text: 'Switchover is possible only to a specific candidate in a paused state' };
    }
    return await this.#cluster.switchover(body.leader, candidate);
  }
}

function fields(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
}

/** `16MB` or a number of bytes; nothing given means any lag. */
function parseSize(text: string | null): number {
  const match = /^(\d+)\s*(B|kB|MB|GB)?$/.exec(text ?? '');
  if (match === null) return Number.POSITIVE_INFINITY;
  return Number(match[1]) * ({ B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }[match[2] ?? 'B'] ?? 1);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > BODY_LIMIT_BYTES) throw Object.assign(new Error('the body is too long'), { code: 'BODY' });
  }
  if (text === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw Object.assign(new Error('the body is not JSON', { cause }), { code: 'BODY' });
  }
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/html' });
  response.end(text);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}
