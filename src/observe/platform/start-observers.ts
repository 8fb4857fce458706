/** Watches the platform while a run lasts: one loop a source, none of which can end the run or hold up another. */
import { withDeadline } from '../../clients/await-condition.ts';
import { type HttpGet, httpGet } from '../../clients/http-get.ts';
import type { Clock, KubernetesPort, PatroniPort, PostgresPort, RedisPort, SentinelPort } from '../../clients/ports.ts';
import { timeoutMs } from '../../clients/timeouts.ts';
import type { KubernetesTarget } from '../../model/plan.ts';
import type { Observation } from '../../model/run-records.ts';
import { patroniSource, postgresSource } from './database-sources.ts';
import { ingressSource } from './ingress-source.ts';
import { kubernetesSources } from './kubernetes-sources.ts';
import { type ObserverGap, type ObserverSource, runObserver } from './observer-loop.ts';
import { redisSource } from './redis-source.ts';
import { sentinelSource } from './sentinel-source.ts';

export interface ObserverDoors {
  readonly kubernetes?: KubernetesPort;
  readonly patroni?: PatroniPort;
  readonly postgres?: PostgresPort;
  readonly redis?: RedisPort;
  readonly sentinel?: SentinelPort;
  readonly get?: HttpGet;
}

export interface ObserverOptions {
  readonly connections: { readonly kubernetes?: KubernetesTarget; readonly ingressHealthUrl?: string };
  readonly doors: ObserverDoors;
  readonly intervalMs: number;
  readonly write: (observation: Observation) => void;
  readonly gap: (gap: ObserverGap) => void;
  readonly clock: Clock;
}

/** `stop` ends all loops within a bounded time; gaps still open are told then. */
export function startObservers(options: ObserverOptions): { stop(): Promise<void> } {
  const { clock, intervalMs, write, gap } = options;
  const stopping = new AbortController();
  const loops = sourcesOf(options).map((source) =>
    runObserver(source, { intervalMs, write, gap, clock, signal: stopping.signal }),
  );
  // A loop only rejects when writing does; that is told by `stop`, and must not count as unhandled until then.
  const ended = Promise.allSettled(loops);
  return {
    async stop() {
      stopping.abort();
      const outcomes = await withDeadline('the observers', ended, { timeoutMs: timeoutMs('observerStop'), clock });
      const failure = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    },
  };
}

function sourcesOf({ connections, doors, clock }: ObserverOptions): readonly ObserverSource[] {
  const { kubernetes: target, ingressHealthUrl } = connections;
  return [
    ...(doors.kubernetes === undefined || target === undefined ? [] : kubernetesSources(doors.kubernetes, target, clock)),
    ...(doors.patroni === undefined ? [] : [patroniSource(doors.patroni, clock)]),
    ...(doors.postgres === undefined ? [] : [postgresSource(doors.postgres, clock)]),
    ...(doors.redis === undefined ? [] : [redisSource(doors.redis, clock)]),
    ...(doors.sentinel === undefined ? [] : [sentinelSource(doors.sentinel, clock)]),
    ...(ingressHealthUrl === undefined ? [] : [ingressSource(ingressHealthUrl, doors.get ?? httpGet, clock)]),
  ];
}
