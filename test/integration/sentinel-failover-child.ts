/** A harness that is about to be killed: opens its undo on disk, then moves the master with writes paused. For chaos-redis-sentinel.test.ts. */
import { sentinelFailover } from '../../chaos/redis/sentinel-failover.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { RedisTarget } from '../../src/model/plan.ts';
import { openRedisDoors } from '../../src/run/redis-doors.ts';
import { openUndoLog } from '../../src/run/undo.ts';

const [undoFile = '', target = ''] = process.argv.slice(2);
const redisTarget = JSON.parse(target) as RedisTarget;
const doors = await openRedisDoors(redisTarget, process.env, systemClock);
const undo = await openUndoLog(undoFile, { schemaVersion: 1, file: 'undo', runId: 'killed' }, systemClock);
const spec = {
  kind: 'redis/sentinel-failover',
  id: 'move',
  mode: 'safe-planned',
  atMs: 0,
  proveWithinMs: 20_000,
  revertWithinMs: 30_000,
} as const;
const context = {
  clock: systemClock,
  redis: doors.redis,
  ...(doors.sentinel && { sentinel: doors.sentinel }),
  redisTarget,
  runId: 'killed',
  signal: new AbortController().signal,
  openUndo: undo.open,
  closeUndo: undo.closeEntry,
};
const plan = await sentinelFailover.plan(spec, context);
await sentinelFailover.inject(spec, plan, context, () => undefined);
// Nobody closes the undo: this process is killed before, or stays until it is.
setInterval(() => undefined, 1_000);
