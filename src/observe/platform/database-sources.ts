import type { Clock, PatroniPort, PostgresPort } from '../../clients/ports.ts';
import type { ObserverSource } from './observer-loop.ts';

export function patroniSource(patroni: PatroniPort, clock: Clock): ObserverSource {
  return {
    source: 'patroni',
    async look(signal) {
      const { members, paused } = await patroni.fetchCluster({ signal });
      return [
        {
          at: clock.now(),
          source: 'patroni',
          paused,
          members: members.map(({ name, role, state, timeline, lagBytes }) => ({ name, role, state, timeline, lagBytes })),
        },
      ];
    },
  };
}

/** Lag, timeline and sync state of replication, sessions and locks, through the address of the application. */
export function postgresSource(postgres: PostgresPort, clock: Clock): ObserverSource {
  return {
    source: 'postgres',
    look: async (signal) => {
      const status = await postgres.fetchStatus({ signal });
      return [{ at: clock.now(), source: 'postgres', ...status }];
    },
  };
}
