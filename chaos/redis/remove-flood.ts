import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { RedisPort } from '../../src/clients/ports.ts';
import { HarnessError } from '../../src/errors.ts';
import type { FaultDoors, Revert, UndoEntry } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import { removeByPrefix } from './keys.ts';

/**
 * Puts back what a flood left: a script that still runs, connections by their name, keys by their prefix. From the undo record
 * alone, and the same for every mode, since each step does nothing where there is nothing.
 */
export async function removeFlood(
  undo: UndoEntry,
  doors: FaultDoors,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<Revert> {
  const redis = requireDoor(doors, 'redis', 'redis/flood');
  const { mode, prefix, connectionName } = undo.data;
  if (typeof prefix !== 'string' || !prefix.startsWith('peakproof:flood:') || typeof connectionName !== 'string') {
    return { complete: false, detail: 'the undo record names no prefix of a flood; nothing was removed' };
  }
  let keys = 0;
  let connections = 0;
  const clean = async (): Promise<boolean> => {
    await killScript(redis);
    connections += await closeConnections(redis, connectionName);
    const removed = await removeByPrefix(redis, prefix);
    keys += removed;
    return removed === 0;
  };
  try {
    await awaitCondition('floodRemoved', clean, { until: (isClean) => isClean, timeoutMs, intervalMs: 100, clock: doors.clock });
  } catch (error) {
    if (error instanceof HarnessError) return { complete: false, detail: `${error.message}; keys ${prefix}* may be left` };
    throw error;
  }
  const lost = mode === 'flush-sessions' ? '; the sessions are lost and do not come back, that was the fault' : '';
  return { complete: true, detail: `${keys} keys removed, ${connections} connections closed${lost}` };
}

async function killScript(redis: RedisPort): Promise<void> {
  try {
    await redis.command('SCRIPT', ['KILL']);
  } catch (error) {
    // NOTBUSY: no script runs. NOPERM: an account that may not; ours end by themselves.
    if (!(error instanceof Error && /NOTBUSY|NOPERM|No scripts in execution/i.test(error.message))) throw error;
  }
}

async function closeConnections(redis: RedisPort, name: string): Promise<number> {
  let list: string;
  try {
    list = String(await redis.command('CLIENT', ['LIST']));
  } catch (error) {
    // Connections of a harness that is gone are gone with it.
    if (error instanceof Error && /NOPERM|unknown command/i.test(error.message)) return 0;
    throw error;
  }
  const ids = list
    .split('\n')
    .filter((line) => line.split(' ').includes(`name=${name}`))
    .map((line) => /\bid=(\d+)/.exec(line)?.[1])
    .filter((id) => id !== undefined);
  for (const id of ids) await redis.command('CLIENT', ['KILL', 'ID', id]);
  return ids.length;
}
