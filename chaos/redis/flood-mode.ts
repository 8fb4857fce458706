/** What the modes of `redis/flood` have in common: what each is asked, what it is given while it runs, and what it is judged on. */
import type { Clock, RedisPort } from '../../src/clients/ports.ts';
import type { RedisInfo } from '../../src/clients/redis-info.ts';
import type { RedisFloodSpec } from '../../src/model/plan.ts';

export interface FloodDescription {
  readonly target: string;
  readonly blastRadius: string;
  readonly undo: string;
  readonly prediction: string;
}

/** Counted by the flood while it runs, read by its proof. */
export interface FloodProgress {
  ended: boolean;
  /** Commands that the flood itself got an answer to. */
  sent: number;
  /** Sessions that matched, and that the server says it removed. */
  matched: number;
  removed: number;
}

export interface FloodRun {
  readonly spec: RedisFloodSpec;
  /** Opened before the flood, so that it works when no new connection does. */
  readonly admin: RedisPort;
  /** Every key that the flood writes starts with it. */
  readonly prefix: string;
  /** Name that the flood gives its connections. */
  readonly connectionName: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: FloodProgress;
  /** Called once the target was touched for the first time. */
  begin(): void;
}

export interface FloodEvidence {
  readonly spec: RedisFloodSpec;
  readonly before: RedisInfo;
  readonly now: RedisInfo;
  readonly progress: FloodProgress;
  readonly elapsedMs: number;
  /** Slowest answer to PING on a connection of its own while the flood ran. */
  readonly slowestPingMs: number;
}

export interface FloodMode {
  /** Read only. Throws HarnessError when refused. */
  describe(spec: RedisFloodSpec, redis: RedisPort, info: RedisInfo): Promise<FloodDescription>;
  /** Floods until the duration is over or the signal is aborted; resolves with what it did. */
  run(run: FloodRun): Promise<string>;
  judge(evidence: FloodEvidence): { readonly proven: boolean; readonly evidence: readonly string[] };
}

/** Pauses; false when the flood shall end: aborted, or its duration over. */
export async function pause(run: FloodRun, startedAt: number, ms: number): Promise<boolean> {
  const leftMs = run.spec.durationMs - (run.clock.monotonic() - startedAt);
  if (leftMs <= 0 || run.signal.aborted) return false;
  try {
    await run.clock.sleep(Math.min(ms, leftMs), { signal: run.signal });
  } catch (error) {
    if (!run.signal.aborted) throw error;
  }
  return !run.signal.aborted && run.clock.monotonic() - startedAt < run.spec.durationMs;
}

export function formatMiB(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(bytes < 104_857_600 ? 1 : 0)} MiB`;
}
