import type { Clock, RedisPort } from '../../clients/ports.ts';
import { errorCount, infoNumber, keyCount } from '../../clients/redis-info.ts';
import type { ObserverSource } from './observer-loop.ts';

export function redisSource(redis: RedisPort, clock: Clock): ObserverSource {
  return {
    source: 'redis',
    async look() {
      const info = await redis.info();
      return [
        {
          at: clock.now(),
          source: 'redis',
          usedMemoryBytes: infoNumber(info, 'used_memory'),
          maxMemoryBytes: infoNumber(info, 'maxmemory'),
          policy: info.maxmemory_policy ?? 'unknown',
          connectedClients: infoNumber(info, 'connected_clients'),
          maxClients: infoNumber(info, 'maxclients'),
          blockedClients: infoNumber(info, 'blocked_clients'),
          rejectedConnections: infoNumber(info, 'rejected_connections'),
          evictedKeys: infoNumber(info, 'evicted_keys'),
          expiredKeys: infoNumber(info, 'expired_keys'),
          opsPerSecond: infoNumber(info, 'instantaneous_ops_per_sec'),
          oomErrors: errorCount(info, 'OOM'),
          keyspaceHits: infoNumber(info, 'keyspace_hits'),
          keyspaceMisses: infoNumber(info, 'keyspace_misses'),
          keys: keyCount(info),
          role: info.role ?? 'unknown',
        },
      ];
    },
  };
}
