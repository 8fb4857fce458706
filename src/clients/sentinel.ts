import { HarnessError } from '../errors.ts';
import type { RedisPort, SentinelGroup, SentinelPort, SentinelReplica } from './ports.ts';
import { createRedisPort } from './redis.ts';
import { timeoutMs as namedTimeoutMs } from './timeouts.ts';

export interface SentinelOptions {
  /** `redis://host:port` of each Sentinel, no password. */
  readonly urls: readonly string[];
  readonly master: string;
  readonly username?: string;
  readonly password?: string;
  /** Announced `host:port` -> reachable `host:port`. */
  readonly addressMap?: Readonly<Record<string, string>>;
  /** How the servers themselves are connected to. */
  readonly servers: { readonly username?: string; readonly password?: string; readonly tls: boolean };
}

/** The Sentinels of one master, Redis 6.2 to 8 or Valkey. */
export function createSentinelPort(options: SentinelOptions): SentinelPort {
  const { urls, master: group, addressMap = {}, servers } = options;
  const access = accessOf(options);
  const sentinels = urls.map((url) => createRedisPort({ url, ...access }));
  const members = new Map<string, RedisPort>();
  const label = `"${group}" of Sentinel ${sentinels.map((port) => port.label.replace(/\/0$/, '')).join(', ')}`;

  async function askAll<Answer>(ask: (port: RedisPort) => Promise<Answer>, signal?: AbortSignal): Promise<readonly Answer[]> {
    signal?.throwIfAborted();
    const { answers, errors } = await firstAndStragglers(sentinels.map(ask), namedTimeoutMs('sentinelOthers'));
    signal?.throwIfAborted();
    if (answers.length > 0) return answers;
    const words = errors.map((error) => (error instanceof Error ? error.message : String(error)));
    throw new HarnessError('ERR_REDIS', `no Sentinel of "${group}" answers: ${[...new Set(words)].join('; ')}`, {
      hint: 'compare redis.sentinels.urls and redis.sentinels.master with: redis-cli -p 26379 sentinel masters',
    });
  }

  return {
    group,
    label,
    async fetchGroup({ signal } = {}) {
      return mergeViews(await askAll((port) => fetchGroup(port, group), signal));
    },
    async checkQuorum({ signal } = {}) {
      const answers = await askAll((port) => checkQuorum(port, group), signal);
      const held = answers.filter((answer) => answer.held).length * 2 > answers.length;
      const telling = answers.find((answer) => answer.held === held) ?? { detail: 'no answer' };
      return { held, detail: telling.detail };
    },
    async failover() {
      const problems: string[] = [];
      for (const port of sentinels) {
        try {
          await port.command('SENTINEL', ['FAILOVER', group]);
          return `Sentinel ${port.label.replace(/\/0$/, '')} began a failover of "${group}"`;
        } catch (error) {
          const words = error instanceof Error ? error.message : String(error);
          // A Sentinel that refuses speaks for all; one that does not answer does not.
          if (/INPROG|NOGOODSLAVE|No such master|NOPERM|NOAUTH/.test(words)) throw error;
          problems.push(words);
        }
      }
      throw new HarnessError('ERR_REDIS', `no Sentinel of "${group}" took the failover: ${problems.join('; ')}`);
    },
    server(address) {
      const known = members.get(address);
      if (known !== undefined) return known;
      const url = `${servers.tls ? 'rediss' : 'redis'}://${addressMap[address] ?? address}`;
      const port = createRedisPort({ url, ...accessOf(servers) });
      members.set(address, port);
      return port;
    },
    async close() {
      await Promise.all([...sentinels, ...members.values()].map((port) => port.close()));
    },
  };
}

function accessOf({ username, password }: { readonly username?: string; readonly password?: string }) {
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}

/** `host:port`, with brackets around an IPv6 host, from Sentinel's two fields. */
export function toAddress(host: string, port: string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const IN_PROGRESS = 'failover_in_progress';

/** The view with the newest configuration; but only the Sentinel that leads a failover knows that there is one. */
export function mergeViews(views: readonly SentinelGroup[]): SentinelGroup {
  const newest = views.reduce((best, one) => (one.configEpoch > best.configEpoch ? one : best));
  const moving = views.some(({ flags }) => flags.includes(IN_PROGRESS)) && !newest.flags.includes(IN_PROGRESS);
  return { ...newest, flags: moving ? [...newest.flags, IN_PROGRESS] : newest.flags, answered: views.length };
}

async function fetchGroup(port: RedisPort, name: string): Promise<SentinelGroup> {
  const [address, master, replicas] = await port.pipeline([
    ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name],
    ['SENTINEL', 'MASTER', name],
    ['SENTINEL', 'REPLICAS', name],
  ]);
  for (const answer of [address, master, replicas]) if (answer instanceof Error) throw answer;
  if (!Array.isArray(address) || !Array.isArray(replicas)) {
    throw new HarnessError('ERR_REDIS', `Sentinel ${port.label} knows no master "${name}"`);
  }
  const fields = toFields(master);
  const number = (field: string): number => Number(fields[field] ?? 0);
  return {
    name,
    master: toAddress(String(address[0]), String(address[1])),
    flags: (fields.flags ?? '').split(','),
    runId: fields.runid ?? '',
    configEpoch: number('config-epoch'),
    quorum: number('quorum'),
    downAfterMs: number('down-after-milliseconds'),
    failoverTimeoutMs: number('failover-timeout'),
    replicas: replicas.map(toReplica),
    sentinels: number('num-other-sentinels') + 1,
    answered: 1,
  };
}

function toReplica(answer: unknown): SentinelReplica {
  const fields = toFields(answer);
  return {
    address: toAddress(fields.ip ?? '', fields.port ?? ''),
    flags: (fields.flags ?? '').split(','),
    linkUp: fields['master-link-status'] === 'ok',
    priority: Number(fields['slave-priority'] ?? fields['replica-priority'] ?? 100),
    runId: fields.runid ?? '',
  };
}

async function checkQuorum(port: RedisPort, name: string) {
  try {
    return { held: true, detail: String(await port.command('SENTINEL', ['CKQUORUM', name])) };
  } catch (error) {
    if (error instanceof Error && error.message.includes('NOQUORUM')) return { held: false, detail: error.message };
    throw error;
  }
}

/** Sentinel answers in flat lists of names and values. */
function toFields(answer: unknown): Readonly<Record<string, string>> {
  const flat = Array.isArray(answer) ? answer.map(String) : [];
  return Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [])));
}

/** Every answer that comes at most `othersMs` after the first; a dead Sentinel costs a connection timeout only when all are dead. */
async function firstAndStragglers<Answer>(asked: readonly Promise<Answer>[], othersMs: number) {
  const answers: Answer[] = [];
  const errors: unknown[] = [];
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      if (answers.length + errors.length === asked.length) resolve();
      else if (answers.length > 0) timer ??= setTimeout(resolve, othersMs);
    };
    for (const one of asked) {
      one
        .then(
          (answer) => answers.push(answer),
          (error: unknown) => errors.push(error),
        )
        .then(settle);
    }
  });
  clearTimeout(timer);
  // What comes later must not change what was given.
  return { answers: [...answers], errors: [...errors] };
}
