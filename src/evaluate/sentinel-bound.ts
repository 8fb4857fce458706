/** What Sentinel's configuration allows at best; beside the measured recovery time, never part of the verdict. */
import type { RecoveryBracket } from '../model/evaluation.ts';
import type { SentinelFailoverSpec } from '../model/plan.ts';
import type { EnvironmentRecord } from '../model/run-records.ts';

/** Sentinel makes a former master a replica when it has still called itself a master for four of its hello periods of 2 s. */
const DEMOTION_MS = 8_000;

/** A crash is noticed after down-after-milliseconds without an answer; one attempt to fail over ends after failover-timeout. */
export function sentinelBound(mode: SentinelFailoverSpec['mode'], environment: EnvironmentRecord): RecoveryBracket['bound'] {
  const sentinel = environment.redis?.sentinel;
  if (sentinel === undefined) return null;
  const { downAfterMs, failoverTimeoutMs } = sentinel;
  const seconds = (ms: number): string => `${ms / 1000} s`;
  if (mode === 'crash') {
    const ms = downAfterMs + failoverTimeoutMs;
    return {
      text: `Sentinel down-after ${seconds(downAfterMs)} + failover-timeout ${seconds(failoverTimeoutMs)}: a crash is answered within ${seconds(ms)}`,
      ms,
    };
  }
  if (mode === 'safe-planned') {
    return { text: `Sentinel failover-timeout ${seconds(failoverTimeoutMs)}: writes wait no longer`, ms: failoverTimeoutMs };
  }
  const ms = failoverTimeoutMs + DEMOTION_MS;
  return {
    text: `Sentinel failover-timeout ${seconds(failoverTimeoutMs)}, and ${seconds(DEMOTION_MS)} until it demotes the old master: all clients have moved within ${seconds(ms)}`,
    ms,
  };
}
