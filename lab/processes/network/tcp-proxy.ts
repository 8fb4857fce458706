/**
 * The database path: one address for the application, switched to whichever server leads. A switch resets the connections
 * to the old server. The path can be frozen: bytes wait, nothing is refused, and all of it flows on after the thaw.
 */
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface FreezeSpan {
  /** Epoch ms. */
  readonly frozenAt: number;
  readonly thawedAt: number | null;
}

export interface TcpProxyState {
  readonly targetPort: number | null;
  readonly connections: number;
  readonly accepted: number;
  /** Connections turned away because there was no target. */
  readonly refused: number;
  readonly frozen: boolean;
  readonly freezes: readonly FreezeSpan[];
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  /** Accepted while frozen; connected at the thaw. */
  readonly #waiting = new Set<Socket>();
  #targetPort: number | null = null;
  #freezes: { frozenAt: number; thawedAt: number | null }[] = [];
  #accepted = 0;
  #refused = 0;

  constructor() {
    // allowHalfOpen: each direction ends on its own, as it does without a proxy.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: '127.0.0.1' }, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  get state(): TcpProxyState {
    return {
      targetPort: this.#targetPort,
      connections: this.#pairs.size,
      accepted: this.#accepted,
      refused: this.#refused,
      frozen: this.#frozen,
      freezes: this.#freezes.map((span) => ({ ...span })),
    };
  }

  get #frozen(): boolean {
    const last = this.#freezes.at(-1);
    return last !== undefined && last.thawedAt === null;
  }

  /** Null: nobody leads; connections are reset and new ones closed at once. */
  setTarget(port: number | null): void {
    if (port === this.#targetPort) return;
    this.#targetPort = port;
    for (const { client, upstream } of [...this.#pairs]) {
      upstream.destroy();
      client.resetAndDestroy();
    }
  }

  freeze(): number {
    const last = this.#freezes.at(-1);
    if (last !== undefined && last.thawedAt === null) return last.frozenAt;
    const frozenAt = Date.now();
    this.#freezes = [...this.#freezes, { frozenAt, thawedAt: null }];
    for (const { client, upstream } of this.#pairs) {
      client.pause();
      upstream.pause();
    }
    return frozenAt;
  }

  thaw(): FreezeSpan | null {
    const last = this.#freezes.at(-1);
    if (last === undefined || last.thawedAt !== null) return null;
    last.thawedAt = Date.now();
    for (const { client, upstream } of this.#pairs) {
      client.resume();
      upstream.resume();
    }
    for (const client of this.#waiting) this.#connect(client);
    this.#waiting.clear();
    return { ...last };
  }

  /** Freezes for a span, then thaws by itself. */
  async freezeFor(ms: number): Promise<FreezeSpan> {
    const frozenAt = this.freeze();
    await sleep(ms);
    return this.thaw() ?? { frozenAt, thawedAt: null };
  }

  async close(): Promise<void> {
    for (const { client, upstream } of [...this.#pairs]) {
      client.destroy();
      upstream.destroy();
    }
    for (const client of this.#waiting) client.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.#accepted++;
    if (!this.#frozen) {
      this.#connect(client);
      return;
    }
    client.pause();
    this.#waiting.add(client);
    client.once('error', () => client.destroy());
    client.once('close', () => this.#waiting.delete(client));
  }

  #connect(client: Socket): void {
    if (this.#targetPort === null) {
      this.#refused++;
      client.resetAndDestroy();
      return;
    }
    const upstream = createConnection({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const pair: Pair = { client, upstream };
    this.#pairs.add(pair);
    this.#forward(client, upstream, pair);
    this.#forward(upstream, client, pair);
    client.resume();
  }

  #forward(from: Socket, to: Socket, pair: Pair): void {
    from.on('data', (chunk) => {
      if (to.destroyed) return;
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => {
      if (!this.#frozen) from.resume();
    });
    from.on('end', () => to.end());
    // An error is always followed by 'close', where both sides go.
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#pairs.delete(pair);
      to.destroy();
    });
  }
}
