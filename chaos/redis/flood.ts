import { awaitCondition } from '../../src/clients/await-condition.ts';
import type { RedisInfo } from '../../src/clients/redis-info.ts';
import { HarnessError } from '../../src/errors.ts';
import type { RedisFloodSpec } from '../../src/model/plan.ts';
import type { Fault, FaultContext, Injection, Proof } from '../fault.ts';
import { requireDoor } from '../require-door.ts';
import type { FloodMode, FloodProgress } from './flood-mode.ts';
import { blockingMode } from './modes/blocking.ts';
import { commandsMode } from './modes/commands.ts';
import { connectionsMode } from './modes/connections.ts';
import { flushSessionsMode } from './modes/flush-sessions.ts';
import { memoryMode } from './modes/memory.ts';
import { fetchOtherClients, type OtherClients } from './other-clients.ts';
import { removeFlood } from './remove-flood.ts';

const KIND = 'redis/flood';
const MODES: Readonly<Record<RedisFloodSpec['mode'], FloodMode>> = {
  memory: memoryMode,
  connections: connectionsMode,
  commands: commandsMode,
  blocking: blockingMode,
  'flush-sessions': flushSessionsMode,
};

export interface InjectedFlood {
  readonly before: RedisInfo;
  /** As the flood began, when the application could still be seen. */
  readonly others: OtherClients;
  readonly startedMonotonic: number;
  readonly progress: FloodProgress;
}

export const flood: Fault<RedisFloodSpec, null, InjectedFlood> = {
  kind: KIND,
  summary: 'floods Redis: memory to eviction or OOM, connections to maxclients, commands, blocking scripts, loss of all sessions',
  needs: ['redis'],
  access: [],

  async plan(spec, doors) {
    const redis = requireDoor(doors, 'redis', KIND);
    const info = await redis.info();
    if (info.role !== undefined && info.role !== 'master') {
      throw new HarnessError('ERR_FAULT_UNSUPPORTED', `Redis ${redis.label} is a replica`, {
        hint: 'give the address of the master',
      });
    }
    const description = await MODES[spec.mode].describe(spec, redis, info);
    const others = await fetchOtherClients(redis);
    return { ...description, blastRadius: `${description.blastRadius}; ${others.told}`, state: null };
  },

  async inject(spec, plan, context, started) {
    const { clock, signal, runId } = context;
    const admin = await requireDoor(context, 'redis', KIND).connect({ signal });
    const progress: FloodProgress = { ended: false, sent: 0, matched: 0, removed: 0 };
    const prefix = `peakproof:flood:${runId}:${spec.id}:`;
    const connectionName = `peakproof-flood-${runId}-${spec.id}`.replace(/\s/g, '-');
    try {
      const before = await admin.info();
      const others = await fetchOtherClients(admin);
      await context.openUndo({
        fault: spec.id,
        kind: KIND,
        action: plan.undo,
        data: { mode: spec.mode, prefix, connectionName },
      });
      signal.throwIfAborted();
      const state: InjectedFlood = { before, others, startedMonotonic: clock.monotonic(), progress };
      const injection: Injection<InjectedFlood> = { injectedAt: clock.now(), detail: `flood of ${spec.mode} began`, state };
      let begun = false;
      const begin = (): void => {
        if (begun) return;
        begun = true;
        started(injection);
      };
      const detail = await MODES[spec.mode].run({ spec, admin, prefix, connectionName, clock, signal, progress, begin });
      return { ...injection, detail };
    } finally {
      progress.ended = true;
      await admin.close();
    }
  },

  prove: (spec, _plan, injection, context) => proveFlood(spec, injection, context),

  revert: removeFlood,
};

/** Looks at INFO and PING until the counters have moved enough, or the flood is over and they have not. */
async function proveFlood(spec: RedisFloodSpec, { state }: Injection<InjectedFlood>, context: FaultContext): Promise<Proof> {
  const redis = requireDoor(context, 'redis', KIND);
  const { clock, signal } = context;
  const timeoutMs = Math.max(spec.blockMs * 4, 1_000) + 5_000;
  let slowestPingMs = 0;
  const look = async () => {
    const wasOver = state.progress.ended;
    const sentAt = clock.monotonic();
    await redis.command('PING', [], { signal, timeoutMs });
    if (!wasOver) slowestPingMs = Math.max(slowestPingMs, clock.monotonic() - sentAt);
    const now = await redis.info();
    const elapsedMs = clock.monotonic() - state.startedMonotonic;
    const { before, progress } = state;
    return { wasOver, ...MODES[spec.mode].judge({ spec, before, now, progress, elapsedMs, slowestPingMs }) };
  };
  try {
    const { proven, evidence } = await awaitCondition('redisCountersMoved', look, {
      until: (seen) => seen.proven || seen.wasOver,
      describe: (seen) => seen.evidence.join('; '),
      timeoutMs: spec.proveWithinMs,
      intervalMs: 100,
      clock,
      signal,
    });
    // Counters that move prove the flood; only clients that can feel it make it a fault of this system.
    return { proven: proven && state.others.count > 0, evidence: [...evidence, state.others.told] };
  } catch (error) {
    if (error instanceof HarnessError) return { proven: false, evidence: [error.message] };
    throw error;
  }
}
