import { HarnessError } from '../errors.ts';
import { describeFetchError } from './http-get.ts';
import { parseCluster, parseConfig, parseHistory, parseScope, parseVersion } from './patroni-answers.ts';
import type { PatroniPort, Waiting } from './ports.ts';
import { timeoutMs } from './timeouts.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The REST API of a Patroni cluster, by the URLs of its members. Reads go on to the next member, the last that answered first. */
export function createPatroniPort(urls: readonly string[]): PatroniPort {
  if (urls.length === 0) throw new HarnessError('ERR_PATRONI', 'no Patroni URL given');
  let preferred = 0;
  let scope: string | null = null;

  async function read(path: string, { signal }: Waiting = {}): Promise<unknown> {
    const failures: string[] = [];
    for (let turn = 0; turn < urls.length; turn += 1) {
      const index = (preferred + turn) % urls.length;
      const url = join(urls[index] ?? '', path);
      try {
        const { status, text } = await request(url, { ms: timeoutMs('patroniCall'), ...(signal ? { signal } : {}) });
        // `GET /patroni` answers 503 on a member that does not run, with the same body.
        if (status !== 200 && !(path === '/patroni' && status === 503)) throw new Error(`HTTP ${status} ${oneLine(text)}`);
        const value: unknown = JSON.parse(text);
        preferred = index;
        return value;
      } catch (error) {
        signal?.throwIfAborted();
        failures.push(`${url}: ${describeFetchError(error)}`);
      }
    }
    throw new HarnessError('ERR_PATRONI', `no Patroni member answers ${path}: ${failures.join('; ')}`, {
      hint: 'check the patroniUrls of the plan',
    });
  }

  /** Goes on to another member only while it is certain that nobody got the request. */
  async function post(path: string, body: Readonly<Record<string, unknown>>): Promise<string> {
    const failures: string[] = [];
    for (let turn = 0; turn < urls.length; turn += 1) {
      const url = join(urls[(preferred + turn) % urls.length] ?? '', path);
      try {
        return accepted(url, await request(url, { ms: timeoutMs('patroniMove'), body }));
      } catch (error) {
        if (error instanceof HarnessError) throw error;
        failures.push(`${url}: ${describeFetchError(error)}`);
        if (!wasRefused(error)) {
          throw new HarnessError('ERR_PATRONI', `POST ${failures.at(-1)}; it may have been done all the same`, { cause: error });
        }
      }
    }
    throw new HarnessError('ERR_PATRONI', `no Patroni member takes POST ${path}: ${failures.join('; ')}`);
  }

  return {
    urls,
    async fetchCluster(options) {
      const cluster = parseCluster(await read('/cluster', options));
      if (cluster.scope !== '') return cluster;
      scope ??= parseScope(await read('/patroni', options));
      return { ...cluster, scope };
    },
    async fetchConfig(options) {
      const [config, member] = await Promise.all([read('/config', options), read('/patroni', options)]);
      return parseConfig(config, parseVersion(member));
    },
    fetchHistory: async (options) => parseHistory(await read('/history', options)),
    switchover: (leader, candidate) => post('/switchover', candidate === null ? { leader } : { leader, candidate }),
    failover: (candidate) => post('/failover', { candidate }),
    async reinitialize(member) {
      if (member.apiUrl === null) throw new HarnessError('ERR_PATRONI', `member ${member.name} tells no address of its REST API`);
      const url = join(new URL('/', member.apiUrl).href, '/reinitialize');
      return accepted(url, await request(url, { ms: timeoutMs('patroniMove'), body: { force: true } }));
    },
  };
}

function accepted(url: string, { status, text }: Answer): string {
  if (status === 200 || status === 202) return oneLine(text);
  throw new HarnessError('ERR_PATRONI', `POST ${url} was refused: ${oneLine(text)} (${status})`, {
    ...(status === 401 ? { hint: 'the REST API asks for credentials; allow this host without, or use the command driver' } : {}),
  });
}

async function request(
  url: string,
  { ms, body, signal }: { readonly ms: number; readonly body?: unknown; readonly signal?: AbortSignal },
): Promise<Answer> {
  const deadline = AbortSignal.timeout(ms);
  const response = await fetch(url, {
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    ...(body === undefined
      ? {}
      : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: response.status, text: await response.text() };
}

function wasRefused(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | AggregateError | undefined) : undefined;
  const codes = cause instanceof AggregateError ? cause.errors.map((each: NodeJS.ErrnoException) => each.code) : [cause?.code];
  return codes.length > 0 && codes.every((code) => code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH');
}

function join(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}${path}`;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ').slice(0, 300);
}
