import { errorCount, infoNumber, type RedisInfo } from '../../../src/clients/redis-info.ts';
import { HarnessError } from '../../../src/errors.ts';
import type { RedisFloodSpec } from '../../../src/model/plan.ts';
import { type FloodMode, formatMiB, pause } from '../flood-mode.ts';

/** With key, header and object this fills the allocator's class of 32 KiB without spilling into the next. */
const VALUE_BYTES = 32_600;
const BYTES_PER_KEY = 33_000;
const BATCH = 32;
/** Below this, a server might have evicted or refused in everyday work. */
const MIN_MOVED = 10;
/** Pause between batches once the limit is reached: the pressure stays, the server can breathe. */
const HOLD_PAUSE_MS = 50;
/** Of the free memory of the machine, when Redis has no limit of its own. */
const MAX_FREE_RATIO = 0.5;

/** Fills memory with keys of its own until Redis evicts or refuses, and keeps the pressure up. */
export const memoryMode: FloodMode = {
  async describe(spec, redis, info) {
    const limit = infoNumber(info, 'maxmemory');
    const used = infoNumber(info, 'used_memory');
    const bound = boundOf(spec);
    checkBound({ bound, limit, used, info });
    return {
      target: `memory of Redis ${redis.label}: ${formatMiB(used)} of ${limit === 0 ? 'no limit' : formatMiB(limit)} used, policy ${policyOf(info)}`,
      blastRadius: `at most ${formatMiB(bound)} in keys of its own; every client that shares this Redis`,
      undo: 'remove the keys of its own prefix; keys that Redis evicts meanwhile do not come back',
      prediction: predict(limit, policyOf(info)),
    };
  },

  async run(run) {
    const { spec, admin, prefix, progress } = run;
    const startedAt = run.clock.monotonic();
    const keys = Math.floor(boundOf(spec) / BYTES_PER_KEY);
    const value = Buffer.alloc(VALUE_BYTES, 'p');
    let next = 0;
    let refused = 0;
    let going = true;
    while (going) {
      // The same keys over and over: never more than the bound is alive, whatever was evicted.
      const batch = Array.from(
        { length: Math.min(BATCH, keys) },
        (_, at) => ['SET', `${prefix}${(next + at) % keys}`, value] as const,
      );
      const answers = await admin.pipeline(batch);
      run.begin();
      next += batch.length;
      const failed = answers.filter((answer) => answer instanceof Error).length;
      refused += failed;
      progress.sent += batch.length;
      going = await pause(run, startedAt, failed > 0 || next >= keys ? HOLD_PAUSE_MS : 1);
    }
    return `${next} values of ${VALUE_BYTES} bytes sent in ${Math.min(next, keys)} keys, ${refused} refused`;
  },

  judge({ spec, before, now }) {
    const evicted = infoNumber(now, 'evicted_keys') - infoNumber(before, 'evicted_keys');
    const refused = errorCount(now, 'OOM') - errorCount(before, 'OOM');
    const grown = infoNumber(now, 'used_memory') - infoNumber(before, 'used_memory');
    const unlimited = infoNumber(before, 'maxmemory') === 0;
    return {
      proven: evicted >= MIN_MOVED || refused >= MIN_MOVED || (unlimited && grown >= 0.8 * boundOf(spec)),
      evidence: [
        `evicted_keys +${evicted}, errorstat_OOM +${refused}`,
        `used_memory ${formatMiB(infoNumber(before, 'used_memory'))} -> ${formatMiB(infoNumber(now, 'used_memory'))}`,
      ],
    };
  },
};

function boundOf(spec: RedisFloodSpec): number {
  return spec.maxMemoryMiB * 1_048_576;
}

function policyOf(info: RedisInfo): string {
  return info.maxmemory_policy ?? 'unknown';
}

function checkBound({ bound, limit, used, info }: { bound: number; limit: number; used: number; info: RedisInfo }): void {
  if (bound < BYTES_PER_KEY) {
    throw new HarnessError('ERR_BLAST_RADIUS', 'redis/flood in mode memory has no bound', {
      hint: 'set maxMemory of this fault',
    });
  }
  if (limit === 0) {
    const free = infoNumber(info, 'total_system_memory') - infoNumber(info, 'used_memory_rss');
    if (bound <= Math.max(0, free) * MAX_FREE_RATIO) return;
    throw new HarnessError(
      'ERR_BLAST_RADIUS',
      `Redis has no maxmemory, and ${formatMiB(bound)} is more than half of the ${formatMiB(Math.max(0, free))} that its machine has left`,
      { hint: 'set maxmemory in Redis, or lower maxMemory of this fault' },
    );
  }
  const needed = (limit - used) * 1.05;
  if (bound >= needed) return;
  throw new HarnessError(
    'ERR_BLAST_RADIUS',
    `filling Redis to its maxmemory of ${formatMiB(limit)} takes ${formatMiB(needed)}, maxMemory of this fault allows ${formatMiB(bound)}`,
    { hint: 'raise maxMemory of this fault' },
  );
}

/** Measured on Redis 7 with 500 sessions that expire, flooded with values that do not. */
function predict(limit: number, policy: string): string {
  if (limit === 0) return 'no maxmemory: Redis itself refuses nothing, memory of its machine gets scarce';
  if (policy === 'noeviction') return 'noeviction: sessions stay, every write is refused (OOM): nobody new can log in';
  if (policy.startsWith('allkeys-'))
    return `${policy}: sessions and caches are evicted without any error: users are logged out silently`;
  return `${policy}: keys that expire (sessions) are evicted first, then every write is refused (OOM): users are logged out and cannot log in`;
}
