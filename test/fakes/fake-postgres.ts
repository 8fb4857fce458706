import type { MarkAnswer, PostgresPort, PostgresStatus } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';

export interface FakePostgres extends PostgresPort {
  status: PostgresStatus;
  writable: boolean;
  down: string | null;
  /** Keys of our marks that this member has; null: there is no table. */
  rows: string[] | null;
  /** What it answers to a mark; absent: accepted while `writable`. */
  answerMark: ((key: string) => MarkAnswer) | null;
  obstacle: string | null;
}

export function createFakePostgres(status: Partial<PostgresStatus> = {}): FakePostgres {
  const answer = <Value>(value: () => Value): Promise<Value> =>
    fake.down === null ? Promise.resolve(value()) : Promise.reject(new HarnessError('ERR_POSTGRES', fake.down));
  const fake: FakePostgres = {
    label: '127.0.0.1:5432/erp',
    host: '127.0.0.1',
    writable: true,
    down: null,
    status: {
      inRecovery: false,
      timeline: 1,
      connections: 3,
      active: 1,
      waitingOnLocks: 0,
      longestTransactionMs: 12,
      replicas: [{ name: 's1', state: 'streaming', syncState: 'async', replayLagBytes: 0 }],
      ...status,
    },
    fetchVersion: () => answer(() => '18.4'),
    fetchStatus: () => answer(() => fake.status),
    isWritable: () => answer(() => fake.writable),
    rows: null,
    answerMark: null,
    obstacle: null,
    marks: {
      fetchObstacle: () => answer(() => fake.obstacle),
      create: () =>
        answer(() => {
          fake.rows ??= [];
        }),
      async write(key) {
        if (fake.down !== null) return { outcome: 'refused', detail: fake.down };
        const given = fake.answerMark?.(key) ?? null;
        if (given !== null && given.outcome !== 'accepted') return given;
        if (!fake.writable) return { outcome: 'refused', detail: 'cannot execute INSERT in a read-only transaction' };
        fake.rows?.push(key);
        return { outcome: 'accepted', detail: '' };
      },
      readKeys: (prefix) => answer(() => (fake.rows ?? []).filter((key) => key.startsWith(prefix)).sort()),
      drop: () =>
        answer(() => {
          fake.rows = null;
        }),
    },
    fetchClockOffsetMs: () => answer(() => 0),
    close: async () => undefined,
  };
  return fake;
}
