/** Looks the sessions of a run up, where the application would find them now, and removes exactly those. */
import { chunksOf } from '../../clients/odoo/records.ts';
import type { RedisPort } from '../../clients/ports.ts';
import { parseInfo } from '../../clients/redis-info.ts';
import { HarnessError } from '../../errors.ts';
import type { LedgerGap, LedgerReadBack, LedgerWrite } from '../../model/run-records.ts';
import { sessionValue } from '../probes/session-store.ts';
import { Patience, type PatienceOptions } from './patience.ts';

const MODEL = 'redis.session';
const BATCH_KEYS = 500;

/** State of a key that holds something else than what was written. */
export const OTHER_VALUE = 'other value';

export interface SessionReadBackOptions extends PatienceOptions {
  /** 1 or 2. */
  readonly pass: number;
}

/**
 * One row a key. Every batch goes over a connection of its own to the server that is the master then: that which an application
 * still holds may be to a former master that has not noticed. A batch that cannot be read is a gap, never an absence.
 */
export async function* readBackSessions(
  redis: RedisPort | undefined,
  writes: readonly LedgerWrite[],
  options: SessionReadBackOptions,
): AsyncGenerator<LedgerReadBack | LedgerGap, void, void> {
  const { clock, pass } = options;
  const patience = new Patience(options);
  for (const keys of chunksOf(sessionKeys(writes), BATCH_KEYS)) {
    options.signal?.throwIfAborted();
    let values: readonly (string | null)[];
    try {
      values = await patience.read(() => onMaster(redis, (master) => fetchValues(master, keys)));
    } catch (error) {
      if (!(error instanceof HarnessError)) throw error;
      const detail = `${keys.length} keys, ${keys[0]} to ${keys.at(-1)}: ${error.message}`;
      yield { row: 'gap', at: clock.now(), what: `read-back ${pass} of ${MODEL}`, detail };
      continue;
    }
    const at = clock.now();
    for (const [index, key] of keys.entries()) {
      const value = values[index] ?? null;
      const right = value === sessionValue(key);
      const states = value === null || right ? [] : [OTHER_VALUE];
      yield { row: 'read-back', pass, at, key, model: MODEL, count: right ? 1 : 0, states };
    }
  }
}

/** Removes the sessions that were written, by name. Gives what could not be removed, in words; it expires by itself. */
export async function removeSessions(redis: RedisPort | undefined, writes: readonly LedgerWrite[]): Promise<readonly string[]> {
  const keys = sessionKeys(writes);
  if (keys.length === 0) return [];
  try {
    await onMaster(redis, async (master) => {
      for (const batch of chunksOf(keys, BATCH_KEYS)) await master.command('UNLINK', batch);
    });
    return [];
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    return [`the ${keys.length} sessions of the probe could not be removed and expire by themselves: ${error.message}`];
  }
}

function sessionKeys(writes: readonly LedgerWrite[]): string[] {
  return [...new Set(writes.flatMap(({ model, key }) => (model === MODEL ? [key] : [])))];
}

async function onMaster<Value>(redis: RedisPort | undefined, work: (master: RedisPort) => Promise<Value>): Promise<Value> {
  if (redis === undefined) throw new HarnessError('ERR_REDIS', 'the plan opens no Redis');
  const connection = await redis.connect();
  try {
    const { role } = parseInfo(String(await connection.command('INFO', ['replication'])));
    if (role !== undefined && role !== 'master')
      throw new HarnessError('ERR_REDIS', `${connection.label} is a replica, and says nothing about what was kept`);
    return await work(connection);
  } finally {
    await connection.close();
  }
}

async function fetchValues(redis: RedisPort, keys: readonly string[]): Promise<readonly (string | null)[]> {
  const answer = await redis.command('MGET', keys);
  if (!Array.isArray(answer) || answer.length !== keys.length)
    throw new HarnessError('ERR_REDIS', `${redis.label}: MGET of ${keys.length} keys was answered with something else`);
  return answer.map((value) => (value === null ? null : String(value)));
}
