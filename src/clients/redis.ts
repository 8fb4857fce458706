import { Redis } from 'ioredis';
import { HarnessError } from '../errors.ts';
import type { RedisPort } from './ports.ts';
import { parseInfo } from './redis-info.ts';
import { timeoutMs as namedTimeoutMs } from './timeouts.ts';

export interface RedisOptions {
  /** `redis://host:port/db` or `rediss://...`, no password. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Gives the `host:port` to connect to instead, each time anew: the master that Sentinel names. */
  readonly follow?: () => Promise<string>;
}

/**
 * One Redis (6.2 to 8) or Valkey by one address, on one connection. Nothing is repeated behind the caller's back: a command
 * on a broken connection fails, and the next one connects anew.
 */
export function createRedisPort(options: RedisOptions): RedisPort {
  const place = parseUrl(options.url);
  let held: Promise<Redis> | null = null;
  let closed = false;

  async function withClient<Value>(run: (client: Redis) => Promise<Value>): Promise<Value> {
    if (closed) throw new HarnessError('ERR_REDIS', `${place.label}: this connection was closed`);
    held ??= connect(options);
    const connecting = held;
    try {
      const client = await connecting;
      if (client.status === 'end' || client.status === 'close') throw new Error('the connection is gone');
      return await run(client);
    } catch (error) {
      const client = await connecting.catch(() => null);
      if (client?.status !== 'ready' && held === connecting) held = null;
      throw toHarnessError(error, place.label);
    }
  }

  const port: RedisPort = {
    label: place.label,
    host: place.host,
    async info() {
      return parseInfo(String(await port.command('INFO', [])));
    },
    async configGet(name) {
      const answer = await port.command('CONFIG', ['GET', name]);
      return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
    },
    async command(name, args, { signal, timeoutMs = namedTimeoutMs('redisCommand') } = {}) {
      signal?.throwIfAborted();
      return withClient((client) => limited(client.call(name, ...args.map(toArgument)), { what: name, timeoutMs, signal }));
    },
    async pipeline(commands) {
      return withClient(async (client) => {
        const pipeline = client.pipeline();
        for (const [name, ...args] of commands) pipeline.call(name, ...args.map(toArgument));
        const what = `a pipeline of ${commands.length} commands`;
        const answers = (await limited(pipeline.exec(), { what, timeoutMs: namedTimeoutMs('redisCommand') })) ?? [];
        return answers.map(([error, value]) => error ?? value);
      });
    },
    async connect({ signal } = {}) {
      signal?.throwIfAborted();
      const another = createRedisPort(options);
      try {
        // A server at its client limit accepts the socket and refuses with the first answer.
        await another.command('PING', [], signal === undefined ? {} : { signal });
        return another;
      } catch (error) {
        await another.close();
        throw error;
      }
    },
    async close() {
      closed = true;
      const closing = held;
      held = null;
      const client = await closing?.catch(() => null);
      client?.disconnect();
    },
  };
  return port;
}

function toArgument(value: string | number | Buffer): string | Buffer {
  return typeof value === 'number' ? String(value) : value;
}

/** Name, and beginning of the names, of every connection of the harness. */
export const OWN_CLIENT_NAME = 'peakproof';

async function connect({ url, username, password, follow }: RedisOptions): Promise<Redis> {
  const { db, tls, ...fixed } = parseUrl(url);
  const { host, port } = follow === undefined ? fixed : parseUrl(`redis://${await follow()}`);
  const client = new Redis({
    host,
    port,
    ...(tls ? { tls: {} } : {}),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    lazyConnect: true,
    // RESP 2 without HELLO, INFO or CLIENT SETINFO on connect: the same on every version, and nothing that an ACL may refuse.
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: namedTimeoutMs('redisConnect'),
    disconnectTimeout: namedTimeoutMs('connectionClose'),
  });
  // Told to the caller through the command that failed; without a listener it would be printed.
  let lastError: unknown;
  client.on('error', (error: unknown) => {
    lastError = error;
  });
  try {
    await client.connect();
    if (db !== 0) await client.call('SELECT', String(db));
    await nameConnection(client);
    return client;
  } catch (error) {
    client.disconnect();
    throw lastError ?? error;
  }
}

/** Ours can be told from the application's in CLIENT LIST; an account that may not name itself works all the same. */
async function nameConnection(client: Redis): Promise<void> {
  try {
    await client.call('CLIENT', 'SETNAME', OWN_CLIENT_NAME);
  } catch (error) {
    if (!(error instanceof Error && /NOPERM|unknown command/i.test(error.message))) throw error;
  }
}

async function limited<Value>(
  work: Promise<Value>,
  { what, timeoutMs, signal }: { readonly what: string; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const cut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer to ${what} within ${timeoutMs} ms`)), timeoutMs);
    onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, cut]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    // The answer may still come, as an error, after nobody waits for it.
    work.catch(() => undefined);
  }
}

function parseUrl(text: string) {
  if (!URL.canParse(text)) throw new HarnessError('ERR_REDIS', 'the Redis address of the plan is not a URL');
  const url = new URL(text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 6379 : Number(url.port);
  const db = Number(url.pathname.slice(1) || '0');
  if (!Number.isInteger(db))
    throw new HarnessError('ERR_REDIS', `"${url.pathname.slice(1)}" is not the number of a Redis database`);
  return { host, port, db, tls: url.protocol === 'rediss:', label: `${host}:${port}/${db}` };
}

function toHarnessError(error: unknown, label: string): unknown {
  if (error instanceof HarnessError || (error instanceof Error && error.name === 'AbortError')) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new HarnessError('ERR_REDIS', `${label}: ${words}`, { cause: error });
}
