import { awaitCondition } from '../../../src/clients/await-condition.ts';
import type { SentinelPort } from '../../../src/clients/ports.ts';
import { type GroupLook, lookAtGroup } from '../../../src/clients/redis-group.ts';
import { HarnessError } from '../../../src/errors.ts';
import type { FaultDoors, Revert, UndoEntry } from '../../fault.ts';
import { requireDoor } from '../../require-door.ts';
import { runRedisCommand } from './crash-master.ts';
import { problemsOf } from './group-health.ts';

/**
 * Nothing moves back: a group is whole again when one server is the master, as many replicas as before follow it, the former
 * master among them, and the Sentinels have their quorum. Clients that a safe failover left paused go on. Needs the undo
 * record alone.
 */
export async function restoreGroup(
  undo: UndoEntry,
  doors: FaultDoors,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<Revert> {
  const sentinel = requireDoor(doors, 'sentinel', 'redis/sentinel-failover');
  const { mode, oldMaster, replicas, rejoin, pod } = undo.data;
  if (typeof oldMaster !== 'string' || typeof replicas !== 'number') {
    return { complete: false, detail: 'the undo record names no master; look at the group with: redis-cli sentinel masters' };
  }
  const notes: string[] = [];
  const startedAt = doors.clock.monotonic();
  try {
    if (mode === 'safe-planned') notes.push(await unpause(sentinel, oldMaster));
    if (Array.isArray(rejoin)) {
      notes.push(await runRedisCommand(rejoin.map(String), doors, { fault: undo.fault, master: oldMaster, timeoutMs }));
    }
    // A pod comes back under another address: then the number of replicas tells.
    const also = typeof pod === 'string' ? [] : [oldMaster];
    const look = await awaitCondition('groupWhole', () => lookAtGroup(sentinel, also, doors), {
      until: (seen) => problemsLeft(seen, replicas, also).length === 0,
      describe: (seen) => problemsLeft(seen, replicas, also).join('; '),
      timeoutMs: Math.max(1, timeoutMs - (doors.clock.monotonic() - startedAt)),
      intervalMs: 500,
      clock: doors.clock,
    });
    return { complete: true, detail: [...notes, ...describeWhole(look, oldMaster, replicas)].join('; ') };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    return { complete: false, detail: [...notes, `the group is not whole again: ${error.message}`].join('; ') };
  }
}

function problemsLeft(look: GroupLook, replicas: number, also: readonly string[]): readonly string[] {
  const gone = look.servers.filter(({ address, role }) => role === 'unreachable' && also.includes(address));
  return [
    ...problemsOf(look, replicas),
    ...gone.map(({ address, problem }) => `the former master ${address} is not back: ${problem}`),
  ];
}

function describeWhole({ group, quorum, servers }: GroupLook, oldMaster: string, replicas: number): readonly string[] {
  const gone = servers.filter(({ role }) => role === 'unreachable').map(({ address }) => address);
  return [
    group.master === oldMaster ? `${oldMaster} is the master, as before` : `${group.master} is the master`,
    `${replicas} replicas follow it`,
    quorum.detail,
    ...(gone.length === 0
      ? []
      : [`Sentinel still lists ${gone.join(', ')}, which nobody answers at (redis-cli sentinel reset ${group.name} forgets it)`]),
  ];
}

/** Harmless where nothing is paused. A server that is gone has nobody waiting. */
async function unpause(sentinel: SentinelPort, oldMaster: string): Promise<string> {
  try {
    await sentinel.server(oldMaster).command('CLIENT', ['UNPAUSE']);
    return `no client of ${oldMaster} is paused`;
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    return `${oldMaster} could not be asked to end its pause, which ends by itself (${error.message})`;
  }
}
