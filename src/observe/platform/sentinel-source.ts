import type { Clock, SentinelPort } from '../../clients/ports.ts';
import { type GroupLook, lookAtGroup, type ServerLook } from '../../clients/redis-group.ts';
import type { RedisServerObservation } from '../../model/run-records.ts';
import type { ObserverSource } from './observer-loop.ts';

/** Roles, links and offsets of every server that was ever the master or a replica in this run, and what the Sentinels say. */
export function sentinelSource(sentinel: SentinelPort, clock: Clock): ObserverSource {
  const masters = new Set<string>();
  return {
    source: 'sentinel',
    async look(signal) {
      // A former master that Sentinel has not taken up as a replica yet is the one to watch.
      const look = await lookAtGroup(sentinel, [...masters], { clock, signal });
      masters.add(look.group.master);
      const { name: group, master, configEpoch, answered: sentinels, flags } = look.group;
      return [
        {
          at: clock.now(),
          source: 'sentinel',
          group,
          master,
          configEpoch,
          quorum: look.quorum.held,
          sentinels,
          failoverInProgress: flags.includes('failover_in_progress'),
          servers: look.servers.map((server) => toObservation(server, look)),
        },
      ];
    },
  };
}

function toObservation({ address, role, linkUp, offset }: ServerLook, { group, servers }: GroupLook): RedisServerObservation {
  if (role === 'unreachable') return { address, role, linkUp: null, offset: null, lagBytes: null };
  if (role === 'master') return { address, role, linkUp: null, offset, lagBytes: null };
  const master = servers.find((server) => server.address === group.master && server.role === 'master');
  return { address, role, linkUp, offset, lagBytes: master === undefined ? null : Math.max(0, master.offset - offset) };
}
