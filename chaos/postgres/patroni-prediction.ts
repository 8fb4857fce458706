/** What Patroni's settings let expect of a fault. Pure. */
import { formatSeconds } from '../../src/clients/await-condition.ts';
import type { PatroniConfig } from '../../src/clients/ports.ts';
import type { PostgresFailoverSpec } from '../../src/model/plan.ts';

/** Modes in which the leader key has to run out before anybody takes over. */
const WAITS_FOR_KEY: ReadonlySet<string> = new Set(['crash', 'kill-patroni', 'frozen-walsender']);
const ELECTION_SECONDS = 2;

/** Longest that this fault may take until another member is the primary and all that is watched was watched, ms. */
export function longestMs({ mode, durationMs = 0 }: PostgresFailoverSpec, config: PatroniConfig): number {
  if (!WAITS_FOR_KEY.has(mode)) return 0;
  return (config.ttlSeconds + config.loopWaitSeconds + ELECTION_SECONDS) * 1_000 + (mode === 'crash' ? 0 : durationMs);
}

/** From Patroni's documented settings; the seconds of a planned move and of an election were measured on Patroni 3.0 and 4.1. */
export function predict(
  { mode, durationMs = 0 }: PostgresFailoverSpec,
  {
    primary,
    config,
    handsOver,
  }: { readonly primary: string; readonly config: PatroniConfig; readonly handsOver?: string | undefined },
): string {
  const { ttlSeconds, loopWaitSeconds, synchronousMode } = config;
  const lasts = formatSeconds(durationMs);
  if (!WAITS_FOR_KEY.has(mode)) {
    return `planned move, usually writable again after 2 to 5 s (loop_wait ${loopWaitSeconds} s); ${loss(synchronousMode)}`;
  }
  const earliest = Math.max(0, ttlSeconds - loopWaitSeconds);
  const takeOver =
    `the standby takes over when the leader key runs out (ttl ${ttlSeconds} s, renewed every ${loopWaitSeconds} s) and an election of 1 to 2 s is over: ` +
    `${earliest} to ${ttlSeconds + ELECTION_SECONDS} s`;
  if (mode === 'kill-patroni') {
    const orphan = synchronousMode
      ? 'synchronous: a commit there waits for a standby that has left, so none should be acknowledged'
      : 'asynchronous: what is written there is acknowledged and lost';
    return `${takeOver}; ${primary} goes on as a second primary at its own address unless a watchdog stops it, and is written to for ${lasts}; ${orphan}`;
  }
  if (mode === 'frozen-walsender') {
    const frozen = synchronousMode
      ? `synchronous: commits wait during the freeze of ${lasts}, no acknowledged write may be lost`
      : `asynchronous: what is acknowledged in the ${lasts} before the crash is lost`;
    return `${takeOver}, counted from the crash; ${frozen}`;
  }
  const back =
    config.primaryStartTimeoutSeconds === 0
      ? `sooner if ${primary} is back before (primary_start_timeout 0: it gives the lead away)`
      : `if ${primary} is back before, it may go on as the primary: no failover`;
  const gentle =
    handsOver === undefined
      ? ''
      : `; a kubelet that sends SIGTERM first lets Patroni hand over instead, which is no crash: it cannot be killed from inside (${handsOver})`;
  return `${takeOver}; ${back}; ${loss(synchronousMode)}${gentle}`;
}

function loss(synchronous: boolean): string {
  return synchronous
    ? 'synchronous: no acknowledged write may be lost'
    : 'asynchronous: the last acknowledged writes may be lost';
}
