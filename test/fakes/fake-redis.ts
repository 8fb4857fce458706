import type { Clock, RedisPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';

export interface FakeRedisOptions {
  readonly clock: Clock;
  readonly maxMemoryBytes?: number;
  readonly policy?: 'noeviction' | 'allkeys-lru';
  readonly maxClients?: number;
  /** Counters of INFO stay as they are, whatever is done. */
  readonly unmoved?: boolean;
  /** Nobody but the harness is connected. */
  readonly offPath?: boolean;
  /** UNLINK answers 0. */
  readonly keepsKeys?: boolean;
}

export interface FakeRedis extends RedisPort {
  readonly keys: Map<string, number>;
  readonly log: string[];
  readonly open: () => number;
}

/** Keys with sizes, a memory limit, a client limit, and scripts that block everybody for their steps at 1,000 a millisecond. */
export function createFakeRedis(options: FakeRedisOptions): FakeRedis {
  const { clock, maxMemoryBytes = 10_000_000, policy = 'noeviction', maxClients = 100, unmoved = false } = options;
  const keys = new Map<string, number>();
  const log: string[] = [];
  const counters = { evicted: 0, oom: 0, rejected: 0, commands: 0 };
  const clients = new Map<number, string>();
  const strangers = options.offPath === true ? [] : ['id=900 name=erp db=0', 'id=901 name= db=0'];
  let made = 0;
  let blockedUntil = 0;
  const used = (): number => 1_000_000 + [...keys.values()].reduce((sum, size) => sum + size, 0);
  const moved = (value: number): number => (unmoved ? 0 : value);

  const set = (key: string, size: number): string | Error => {
    while (used() + size - (keys.get(key) ?? 0) > maxMemoryBytes) {
      const [victim] = keys.keys();
      if (policy === 'noeviction' || victim === undefined) {
        counters.oom += 1;
        return new Error("OOM command not allowed when used memory > 'maxmemory'.");
      }
      keys.delete(victim);
      counters.evicted += 1;
    }
    keys.set(key, size);
    return 'OK';
  };
  const info = (): Record<string, string> => ({
    role: 'master',
    used_memory: String(unmoved ? 1_000_000 : used()),
    used_memory_rss: '2000000',
    total_system_memory: '1000000000',
    maxmemory: String(maxMemoryBytes),
    maxmemory_policy: policy,
    maxclients: String(maxClients),
    connected_clients: String(clients.size),
    rejected_connections: String(moved(counters.rejected)),
    evicted_keys: String(moved(counters.evicted)),
    total_commands_processed: String(moved(counters.commands)),
    instantaneous_ops_per_sec: '0',
    ...(moved(counters.oom) > 0 ? { errorstat_OOM: `count=${counters.oom}` } : {}),
    db0: `keys=${keys.size},expires=0`,
  });

  const execute = (id: number, name: string, args: readonly (string | number | Buffer)[]): unknown => {
    counters.commands += 1;
    const [first = '', second = ''] = args.map(String);
    switch (name) {
      case 'PING':
        return 'PONG';
      case 'SET':
        return set(first, args[1] instanceof Buffer ? args[1].length : 50);
      case 'GET':
        return keys.has(first) ? 'x' : null;
      case 'UNLINK':
        return options.keepsKeys === true ? 0 : args.filter((key) => keys.delete(String(key))).length;
      case 'SCAN': {
        const literal = second === 'MATCH' ? String(args[2]).replace(/\*$/, '').replace(/\\(.)/g, '$1') : '';
        return ['0', [...keys.keys()].filter((key) => key.startsWith(literal))];
      }
      case 'CLIENT':
        if (first === 'SETNAME') clients.set(id, second);
        if (first === 'KILL') clients.delete(Number(args[2]));
        return first === 'LIST'
          ? [...[...clients].map(([client, told]) => `id=${client} name=${told || 'peakproof'} db=0`), ...strangers].join('\n')
          : 'OK';
      case 'SCRIPT':
        throw new HarnessError('ERR_REDIS', 'NOTBUSY No scripts in execution right now.');
      case 'EVAL':
        blockedUntil = clock.monotonic() + (unmoved ? 0 : Number(args[2]) / 1_000);
        return 1;
      default:
        throw new HarnessError('ERR_REDIS', `ERR unknown command '${name}'`);
    }
  };

  const connection = (): FakeRedis => {
    made += 1;
    const id = made;
    clients.set(id, '');
    const unblocked = async (): Promise<void> => {
      const waitMs = blockedUntil - clock.monotonic();
      if (waitMs > 0) await clock.sleep(waitMs);
    };
    const port: FakeRedis = {
      label: '127.0.0.1:6379/0',
      host: '127.0.0.1',
      keys,
      log,
      open: () => clients.size,
      async info() {
        await unblocked();
        return info();
      },
      configGet: async () => null,
      async command(name, args) {
        log.push(`${id} ${name} ${String(args[0] ?? '')}`.trim());
        await unblocked();
        const value = execute(id, name, args);
        if (name === 'EVAL') await unblocked();
        return value;
      },
      async pipeline(commands) {
        await unblocked();
        return commands.map(([name, ...args]) => execute(id, name, args));
      },
      async connect() {
        if (clients.size < maxClients) return connection();
        counters.rejected += 1;
        throw new HarnessError('ERR_REDIS', 'ERR max number of clients reached');
      },
      async close() {
        clients.delete(id);
      },
    };
    return port;
  };
  return connection();
}
