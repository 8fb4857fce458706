/** The JSON documents of Patroni's REST API, in the form of Patroni 4. */
import { formatLsn } from '../postgres/data-directory.ts';
import type { MemberAgent } from './agent.ts';
import type { PatroniCluster } from './cluster.ts';

/** Version of Patroni whose documents these are; the suffix says that it is not Patroni. */
export const PATRONI_VERSION = '4.1.0+peakproof.lab';

type Json = Readonly<Record<string, unknown>>;

/** `GET /cluster`. */
export function clusterView(cluster: PatroniCluster, restPorts: ReadonlyMap<string, number>): Json {
  const leader = cluster.leader;
  const leaderLsn = leader?.status?.lsn ?? null;
  return {
    members: cluster.members.map((agent) => ({
      name: agent.name,
      role: agent === leader ? 'leader' : cluster.syncStandby === agent.name ? 'sync_standby' : 'replica',
      state: agent !== leader && agent.activity === 'running' && agent.status?.streaming === true ? 'streaming' : agent.activity,
      api_url: `http://127.0.0.1:${restPorts.get(agent.name)}/patroni`,
      host: '127.0.0.1',
      port: agent.server.port,
      ...(agent.status === null ? {} : { timeline: agent.status.timeline }),
      ...(agent === leader ? {} : replicaLag(agent, leaderLsn)),
    })),
    scope: cluster.scope,
    ...(cluster.config.pause === true ? { pause: true } : {}),
  };
}

function replicaLag(agent: MemberAgent, leaderLsn: bigint | null): Json {
  const status = agent.status;
  if (status === null || leaderLsn === null) return { lag: 'unknown', receive_lag: 'unknown', replay_lag: 'unknown' };
  const replayLsn = status.replayLsn ?? 0n;
  const behind = (lsn: bigint): number => Math.max(0, Number(leaderLsn - lsn));
  return {
    lag: behind(replayLsn),
    receive_lag: behind(status.lsn),
    receive_lsn: formatLsn(status.lsn),
    replay_lag: behind(replayLsn),
    replay_lsn: formatLsn(replayLsn),
  };
}

/** `GET /patroni` and the body of every health check. */
export function memberView(cluster: PatroniCluster, agent: MemberAgent): Json {
  const status = agent.status;
  const own = { version: PATRONI_VERSION, scope: cluster.scope, name: agent.name };
  const common = {
    dcs_last_seen: Math.floor(Date.now() / 1000),
    ...(cluster.leader === null ? { cluster_unlocked: true } : {}),
    ...(cluster.config.pause === true ? { pause: true } : {}),
    patroni: own,
  };
  if (status === null)
    return { state: agent.activity, role: agent.server.lastRole === 'primary' ? 'primary' : 'replica', ...common };
  return {
    state: agent.activity,
    postmaster_start_time: status.startedAt,
    role: status.inRecovery ? 'replica' : 'primary',
    server_version: status.serverVersion,
    xlog: status.inRecovery
      ? {
          received_location: Number(status.lsn),
          replayed_location: Number(status.replayLsn ?? 0n),
          paused: false,
        }
      : { location: Number(status.lsn) },
    timeline: status.timeline,
    ...(status.inRecovery
      ? { replication_state: status.streaming ? 'streaming' : 'in archive recovery' }
      : {
          replication: status.replicas.map((replica) => ({
            usename: 'postgres',
            application_name: replica.applicationName,
            client_addr: replica.clientAddress,
            state: replica.state,
            sync_state: replica.syncState,
            sync_priority: replica.syncState === 'sync' ? 1 : 0,
          })),
        }),
    ...(cluster.syncStandby === agent.name ? { sync_standby: true } : {}),
    database_system_identifier: status.systemIdentifier,
    ...common,
  };
}
