/** A planned failover that loses nothing: writes wait while a replica that has caught up takes over. */
import { awaitCondition } from '../../../src/clients/await-condition.ts';
import type { SentinelPort } from '../../../src/clients/ports.ts';
import { lookAtServer } from '../../../src/clients/redis-group.ts';
import { timeoutMs } from '../../../src/clients/timeouts.ts';
import { HarnessError } from '../../../src/errors.ts';
import type { FaultContext } from '../../fault.ts';
import { canTakeOver } from './group-health.ts';

/** Time of the pause that stays free: what is not done by then would let writes through to a master that is about to go. */
const MARGIN_MS = 1_000;

/** How long Sentinel may take to move, in pauses: the pause is renewed meanwhile, since it must not end before the move does. */
const PATIENCE_PAUSES = 3;

/**
 * CLIENT PAUSE WRITE on the old master, wait for its replicas, SENTINEL FAILOVER, make the old master a replica at once instead of
 * after the 8 to 10 s that Sentinel takes, and send its clients away before the pause ends. `FAILOVER` of Redis 6.2 is no
 * alternative: Sentinel does not learn of it (docs/reference/platform-behaviour.md 3.6).
 */
export async function failOverSafely(sentinel: SentinelPort, oldMaster: string, context: FaultContext): Promise<string> {
  const { clock, signal } = context;
  const server = sentinel.server(oldMaster);
  const pauseMs = timeoutMs('redisPause');
  const startedAt = clock.monotonic();
  let pausedAt = startedAt;
  const leftMs = (): number => Math.max(1, pauseMs - MARGIN_MS - (clock.monotonic() - pausedAt));
  const unpause = () => server.command('CLIENT', ['UNPAUSE']);
  const pause = async (): Promise<void> => {
    const askedAt = clock.monotonic();
    await server.command('CLIENT', ['PAUSE', pauseMs, 'WRITE'], { signal });
    pausedAt = askedAt;
  };
  await pause();
  try {
    const wanted = await lookAtServer(server, oldMaster, context);
    await awaitCondition('replicasCaughtUp', () => fetchBehind(sentinel, wanted.offset, context), {
      until: (behind) => behind.length === 0,
      describe: (behind) => behind.join('; '),
      timeoutMs: leftMs(),
      intervalMs: 50,
      clock,
      signal,
    });
    await sentinel.failover();
    const look = async () => {
      if (leftMs() < pauseMs / 2) await pause();
      return sentinel.fetchGroup({ signal });
    };
    const { master } = await awaitCondition('newMasterNamed', look, {
      until: (group) => group.master !== oldMaster,
      describe: (group) => `Sentinel still names ${group.master}`,
      timeoutMs: PATIENCE_PAUSES * pauseMs,
      intervalMs: 100,
      clock,
      signal,
    });
    const colon = master.lastIndexOf(':');
    await server.command('REPLICAOF', [master.slice(0, colon).replace(/^\[|\]$/g, ''), master.slice(colon + 1)], { signal });
    if (clock.monotonic() - pausedAt > pauseMs) {
      throw new HarnessError(
        'ERR_REDIS',
        `the pause of ${pauseMs} ms was over before ${oldMaster} was a replica: writes may be lost`,
      );
    }
    // Waiting commands end with their connections; the clients ask Sentinel and send them to the new master.
    await server.command('CLIENT', ['KILL', 'TYPE', 'normal', 'SKIPME', 'yes'], { signal });
    await unpause();
    return `writes were paused for ${Math.round(clock.monotonic() - startedAt)} ms; ${master} took over from ${oldMaster}`;
  } catch (error) {
    // Also when the run was stopped meanwhile: nobody may be left waiting. If this fails, the revert tries again and tells.
    await unpause().catch(() => undefined);
    throw error;
  }
}

/** Replicas that could be promoted and have not read everything yet. */
async function fetchBehind(sentinel: SentinelPort, offset: number, looking: FaultContext): Promise<readonly string[]> {
  const { replicas } = await sentinel.fetchGroup();
  const candidates = replicas.filter(canTakeOver);
  const looks = await Promise.all(candidates.map(({ address }) => lookAtServer(sentinel.server(address), address, looking)));
  if (looks.length === 0) return ['no replica could take over'];
  return looks
    .filter((look) => look.role !== 'replica' || look.offset < offset)
    .map((look) => `${look.address} is at ${look.offset} of ${offset}`);
}
