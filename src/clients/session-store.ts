import { Redis, ReplyError } from 'ioredis';
import type { RedisSentinels } from '../model/plan.ts';
import type { Clock, SessionAnswer, SessionStorePort, SessionWriter } from './ports.ts';
import { OWN_CLIENT_NAME } from './redis.ts';
import { timeoutMs as namedTimeoutMs } from './timeouts.ts';

export interface SessionStoreOptions {
  /** `redis://host:port/db`; through Sentinel only its database and whether it is `rediss:` count. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly sentinels?: RedisSentinels;
  readonly sentinelPassword?: string;
  readonly clock: Clock;
}

/**
 * What an application does that keeps sessions in Redis: one client with the defaults of ioredis, so with its reconnects, its
 * queue while there is no connection and its 20 retries. No default of it is made safer here: what it loses is what is measured.
 */
export function createSessionStore(options: SessionStoreOptions): SessionStorePort {
  const { url, sentinels } = options;
  const { host, port } = endpointOf(url);
  return {
    label: sentinels === undefined ? `Redis ${host}:${port}` : `"${sentinels.master}" through Sentinel`,
    openWriter: ({ failoverDetector = false } = {}) => openWriter(connect(options, failoverDetector), options.clock),
  };
}

function connect(
  { url, username, password, sentinels, sentinelPassword }: SessionStoreOptions,
  failoverDetector: boolean,
): Redis {
  const { host, port, db, tls } = endpointOf(url);
  const client = new Redis({
    ...(sentinels === undefined
      ? { host, port }
      : {
          name: sentinels.master,
          sentinels: sentinels.urls.map(endpointOf).map((sentinel) => ({ host: sentinel.host, port: sentinel.port })),
          failoverDetector,
          natMap: natMapOf(sentinels.addressMap ?? {}),
          ...(sentinels.username !== undefined && { sentinelUsername: sentinels.username }),
          ...(sentinelPassword !== undefined && { sentinelPassword }),
          ...(tls && { enableTLSForSentinelMode: true }),
          ...(sentinels.urls[0]?.startsWith('rediss:') && { sentinelTLS: {} }),
        }),
    ...(tls && { tls: {} }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    db,
    connectionName: `${OWN_CLIENT_NAME}-sessions`,
    connectTimeout: namedTimeoutMs('redisConnect'),
  });
  // Every command tells its own error; without a listener those of the connection would be printed.
  client.on('error', () => undefined);
  return client;
}

function openWriter(client: Redis, clock: Clock): SessionWriter {
  return {
    async write(key, value, { ttlSeconds, timeoutMs }) {
      const sentAt = clock.now();
      const sentMs = clock.monotonic();
      const told = await withTimeout(client.set(key, value, 'EX', ttlSeconds), timeoutMs);
      return { ...told, latencyMs: clock.monotonic() - sentMs, sentAt, answeredAt: clock.now() };
    },
    async close() {
      client.disconnect();
    },
  };
}

type Told = Pick<SessionAnswer, 'outcome' | 'message'>;

async function withTimeout(work: Promise<unknown>, timeoutMs: number): Promise<Told> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Told>((resolve) => {
    timer = setTimeout(() => resolve({ outcome: 'unknown', message: `no answer within ${timeoutMs} ms` }), timeoutMs);
  });
  try {
    return await Promise.race([work.then((answer) => classify(answer), classifyError), late]);
  } finally {
    clearTimeout(timer);
  }
}

function classify(answer: unknown): Told {
  return answer === 'OK' ? { outcome: 'ok' } : { outcome: 'fail', message: `answered ${String(answer)}` };
}

/** A server that answers with an error has not done it (READONLY, NOREPLICAS, OOM); a lost connection says nothing. */
function classifyError(error: unknown): Told {
  const message = error instanceof Error ? error.message : String(error);
  return { outcome: error instanceof ReplyError ? 'fail' : 'unknown', message };
}

function natMapOf(addressMap: Readonly<Record<string, string>>): Record<string, { host: string; port: number }> {
  return Object.fromEntries(
    Object.entries(addressMap).map(([announced, reached]) => {
      const { host, port } = endpointOf(`redis://${reached}`);
      return [announced, { host, port }];
    }),
  );
}

function endpointOf(text: string) {
  const url = new URL(text);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(url.pathname.slice(1) || '0'),
    tls: url.protocol === 'rediss:',
  };
}
