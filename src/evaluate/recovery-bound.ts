/** What the configuration allows at best: printed beside the measured recovery time, never part of the verdict. */
import type { RecoveryBracket } from '../model/evaluation.ts';
import type { FaultSpec, PostgresFailoverSpec } from '../model/plan.ts';
import type { EnvironmentRecord } from '../model/run-records.ts';
import { sentinelBound } from './sentinel-bound.ts';

/** Patroni's documented minimum; below it a result says nothing about production. */
const MIN_PATRONI_TTL_SECONDS = 20;

export function recoveryBound(fault: FaultSpec | undefined, environment: EnvironmentRecord): RecoveryBracket['bound'] {
  if (fault === undefined) return null;
  if (fault.kind === 'postgres/failover') return failoverBound(fault, environment);
  if (fault.kind === 'redis/sentinel-failover') return sentinelBound(fault.mode, environment);
  if (fault.kind === 'redis/flood') {
    return { text: `the flood itself lasts ${fault.durationMs / 1000} s`, ms: fault.durationMs };
  }
  if (fault.kind === 'kubernetes/drain-node')
    return { text: `the node stays out of service for ${fault.holdMs / 1000} s after the evictions`, ms: fault.holdMs };
  if (fault.kind === 'litmus/engine' && fault.proof === 'pods-gone') {
    return { text: `Litmus takes pods again and again for ${fault.durationMs / 1000} s and some`, ms: fault.durationMs };
  }
  if (fault.kind !== 'kubernetes/kill-pods' || fault.repeat === undefined) return null;
  return { text: `pods are killed again and again for ${fault.repeat.durationMs / 1000} s`, ms: fault.repeat.durationMs };
}

/**
 * A crash is noticed when the leader's key expires (ttl, less the age of its last renewal, at most loop_wait), then a replica
 * runs one loop to take over. A switchover needs no expiry: a loop of each side.
 */
function failoverBound(fault: PostgresFailoverSpec, environment: EnvironmentRecord): RecoveryBracket['bound'] {
  const { mode, durationMs = 0 } = fault;
  if (mode === 'fence') return { text: `the primary is fenced for ${durationMs / 1000} s`, ms: durationMs };
  const patroni = environment.postgres?.patroni;
  if (patroni === undefined) return null;
  const { ttlSeconds: ttl, loopWaitSeconds: loop } = patroni;
  const label = ttl < MIN_PATRONI_TTL_SECONDS ? `; lab-only: ttl is below Patroni's minimum of ${MIN_PATRONI_TTL_SECONDS} s` : '';
  if (mode === 'crash' || mode === 'kill-patroni') {
    return {
      text: `Patroni ttl ${ttl} s + loop_wait ${loop} s: a ${mode === 'crash' ? 'crash' : 'stopped Patroni'} is answered within ${ttl + loop} s${label}`,
      ms: (ttl + loop) * 1000,
    };
  }
  if (mode === 'frozen-walsender') {
    return {
      text: `replication stands still for ${durationMs / 1000} s, then Patroni ttl ${ttl} s + loop_wait ${loop} s: answered within ${durationMs / 1000 + ttl + loop} s${label}`,
      ms: durationMs + (ttl + loop) * 1000,
    };
  }
  return {
    text: `Patroni loop_wait ${loop} s on each side: a ${mode} is done within ${2 * loop} s${label}`,
    ms: 2 * loop * 1000,
  };
}
