import type { RedisPort } from '../../../src/clients/ports.ts';
import { HarnessError } from '../../../src/errors.ts';
import { type FloodMode, type FloodRun, pause } from '../flood-mode.ts';

/** A counted loop and nothing else: no clock (Redis 7 freezes it in scripts) and no key, so that it ends and can be killed. */
const SCRIPT = 'local sum = 0 for step = 1, tonumber(ARGV[1]) do sum = sum + step % 7 end return sum';
const CALIBRATION_STEPS = 300_000;
/** No machine runs more of these steps in a millisecond; a calibration above it is a mistake. */
const MAX_STEPS_PER_MS = 200_000;
/** Between two blocks, so that every client gets one turn. */
const GAP_MS = 30;
/** Redis answers BUSY to everybody after busy-reply-threshold, 5 s unless configured. */
const MAX_BLOCK_MS = 60_000;

/** Runs a counted script again and again; while it runs, Redis answers nobody. */
export const blockingMode: FloodMode = {
  async describe(spec, redis) {
    if (spec.blockMs > MAX_BLOCK_MS || spec.blockMs < 1) {
      throw new HarnessError(
        'ERR_BLAST_RADIUS',
        `redis/flood blocks ${spec.blockMs} ms at a time; 1 to ${MAX_BLOCK_MS} is allowed`,
      );
    }
    return {
      target: `the one thread of Redis ${redis.label}`,
      blastRadius: `all its clients, ${spec.blockMs} ms at a time for ${spec.durationMs / 1_000} s`,
      undo: 'end the script (SCRIPT KILL); it ends by itself as well',
      prediction:
        spec.blockMs < 5_000
          ? `every command waits up to ${spec.blockMs} ms`
          : 'every command waits; after busy-reply-threshold (5 s by default) clients get BUSY',
    };
  },

  async run(run) {
    const blocker = await run.admin.connect({ signal: run.signal });
    try {
      await blocker.command('CLIENT', ['SETNAME', run.connectionName]);
      return await block(run, blocker);
    } finally {
      await blocker.close();
    }
  },

  judge({ spec, slowestPingMs }) {
    return {
      proven: slowestPingMs >= spec.blockMs / 2,
      evidence: [`slowest PING while it ran: ${Math.round(slowestPingMs)} ms; blocks of ${spec.blockMs} ms were wanted`],
    };
  },
};

async function block(run: FloodRun, blocker: RedisPort): Promise<string> {
  const { spec, clock, progress } = run;
  let stepsPerMs = await calibrate(run, blocker);
  const startedAt = clock.monotonic();
  let longestMs = 0;
  let going = true;
  run.begin();
  while (going && !run.signal.aborted) {
    const steps = Math.round(spec.blockMs * stepsPerMs);
    const sentAt = clock.monotonic();
    await blocker.command('EVAL', [SCRIPT, 0, steps], { timeoutMs: spec.blockMs * 4 + 10_000 });
    const tookMs = Math.max(1, clock.monotonic() - sentAt);
    longestMs = Math.max(longestMs, tookMs);
    progress.sent += 1;
    stepsPerMs = limit(steps / tookMs);
    going = await pause(run, startedAt, GAP_MS);
  }
  return `${progress.sent} scripts ran, the longest for ${Math.round(longestMs)} ms`;
}

/** The slower of two tries: rather a short block than one that is too long. */
async function calibrate({ clock }: FloodRun, blocker: RedisPort): Promise<number> {
  let slowest = Number.POSITIVE_INFINITY;
  for (const _ of [1, 2]) {
    const sentAt = clock.monotonic();
    await blocker.command('EVAL', [SCRIPT, 0, CALIBRATION_STEPS]);
    slowest = Math.min(slowest, CALIBRATION_STEPS / Math.max(1, clock.monotonic() - sentAt));
  }
  return limit(slowest);
}

function limit(stepsPerMs: number): number {
  return Math.min(MAX_STEPS_PER_MS, Math.max(100, stepsPerMs));
}
