import { errorCount, infoNumber, type RedisInfo } from '../../../src/clients/redis-info.ts';
import { HarnessError } from '../../../src/errors.ts';
import type { RedisFloodSpec } from '../../../src/model/plan.ts';
import { type FloodMode, formatMiB, pause } from '../flood-mode.ts';

/**
 * Large values first. A refused batch means that Redis is full only while it holds that batch in its buffers: then smaller
 * batches, and at last small values, so that the room that stays is too small for a session.
 */
const STEPS = [
  // 32,600 bytes with key, header and object fill the allocator's class of 32 KiB without spilling into the next.
  { name: 'large', valueBytes: 32_600, costBytes: 33_000, batch: 32, share: 0.9 },
  { name: 'large', valueBytes: 32_600, costBytes: 33_000, batch: 1, share: 0.9 },
  { name: 'small', valueBytes: 200, costBytes: 400, batch: 16, share: 0.1 },
] as const;
const SMALLEST_BOUND_BYTES = 1_000_000;
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
    const sent = { large: 0, small: 0 };
    let level = 0;
    let refused = 0;
    let going = true;
    while (going) {
      const step = STEPS[Math.min(level, STEPS.length - 1)] ?? STEPS[0];
      // The same keys over and over: never more than the bound is alive, whatever was evicted.
      const keys = Math.floor((boundOf(spec) * step.share) / step.costBytes);
      const value = Buffer.alloc(step.valueBytes, 'p');
      const batch = Array.from({ length: Math.min(step.batch, keys) }, (_, at) => {
        return ['SET', `${prefix}${step.name}:${(sent[step.name] + at) % keys}`, value] as const;
      });
      const answers = await admin.pipeline(batch);
      run.begin();
      sent[step.name] += batch.length;
      progress.sent += batch.length;
      const failed = answers.filter((answer) => answer instanceof Error).length;
      refused += failed;
      if (failed > 0) level += 1;
      const full = level >= STEPS.length && failed > 0;
      going = await pause(run, startedAt, full || sent[step.name] >= keys ? HOLD_PAUSE_MS : 1);
    }
    return `${sent.large} large and ${sent.small} small values sent, ${refused} refused`;
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
  if (bound < SMALLEST_BOUND_BYTES) {
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
