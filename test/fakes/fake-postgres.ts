import type { PostgresPort, PostgresStatus } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';

export interface FakePostgres extends PostgresPort {
  status: PostgresStatus;
  writable: boolean;
  down: string | null;
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
    fetchClockOffsetMs: () => answer(() => 0),
    close: async () => undefined,
  };
  return fake;
}
