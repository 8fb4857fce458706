import type { Clock, RedisPort, SessionAnswer, SessionStorePort } from '../../src/clients/ports.ts';

export interface FakeSessionStore extends SessionStorePort {
  /** What the server that is the master now holds. */
  readonly kept: Map<string, string>;
  readonly ttls: Set<number>;
  /** `failoverDetector` of each writer that was opened. */
  readonly opened: boolean[];
  closed: number;
  /** What becomes of a write; default: kept and acknowledged. */
  fate: (key: string) => 'kept' | 'acknowledged and lost' | 'fail' | 'unknown but kept';
  /** Of the master, for the read-back. */
  readonly redis: RedisPort;
  role: string;
}

export function createFakeSessionStore(clock: Clock): FakeSessionStore {
  const commands: string[] = [];
  const connection: RedisPort = {
    label: 'redis',
    host: '127.0.0.1',
    info: async () => ({ role: fake.role }),
    configGet: async () => null,
    async command(name, args) {
      commands.push(name);
      const keys = args.map(String);
      if (name === 'INFO') return `role:${fake.role}`;
      if (name === 'MGET') return keys.map((key) => fake.kept.get(key) ?? null);
      if (name === 'UNLINK') return keys.filter((key) => fake.kept.delete(key)).length;
      throw new Error(`the fake knows no ${name}`);
    },
    pipeline: async () => [],
    connect: async () => connection,
    close: async () => undefined,
  };
  const fake: FakeSessionStore = {
    label: 'fake',
    kept: new Map(),
    ttls: new Set(),
    opened: [],
    closed: 0,
    fate: () => 'kept',
    redis: connection,
    role: 'master',
    openWriter({ failoverDetector = false } = {}) {
      fake.opened.push(failoverDetector);
      return {
        async write(key, value, { ttlSeconds }): Promise<SessionAnswer> {
          fake.ttls.add(ttlSeconds);
          const fate = fake.fate(key);
          if (fate === 'kept' || fate === 'unknown but kept') fake.kept.set(key, value);
          const at = clock.now();
          const times = { latencyMs: 0, sentAt: at, answeredAt: at };
          if (fate === 'fail') return { outcome: 'fail', message: 'READONLY', ...times };
          return { outcome: fate === 'unknown but kept' ? 'unknown' : 'ok', ...times };
        },
        async close() {
          fake.closed += 1;
        },
      };
    },
  };
  return fake;
}
