import type pg from 'pg';
import { parseLsn } from './data-directory.ts';

export interface ReplicaConnection {
  readonly applicationName: string;
  readonly state: string;
  readonly syncState: string;
  readonly clientAddress: string;
  readonly pid: number;
  readonly replayLsn: bigint | null;
}

/** What a server says about itself. */
export interface MemberStatus {
  readonly inRecovery: boolean;
  readonly timeline: number;
  /** Written by a primary, received by a standby. */
  readonly lsn: bigint;
  readonly replayLsn: bigint | null;
  /** A standby whose WAL receiver is connected. */
  readonly streaming: boolean;
  readonly serverVersion: number;
  readonly startedAt: string;
  readonly systemIdentifier: string;
  readonly replicas: readonly ReplicaConnection[];
}

interface StatusRow {
  readonly in_recovery: boolean;
  readonly timeline: number;
  readonly lsn: string | null;
  readonly replay_lsn: string | null;
  readonly streaming: boolean;
  readonly version: number;
  readonly started_at: string;
  readonly system_identifier: string;
}

// A primary's timeline is that of the WAL it writes now; pg_control learns of a promotion only at the next checkpoint.
const STATUS = `
  select r.in_recovery,
    case when r.in_recovery
      then coalesce((select received_tli from pg_stat_wal_receiver), (select timeline_id from pg_control_checkpoint()))
      else ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int end as timeline,
    case when r.in_recovery
      then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_lsn() end::text as lsn,
    case when r.in_recovery then pg_last_wal_replay_lsn()::text end as replay_lsn,
    exists (select from pg_stat_wal_receiver where status = 'streaming') as streaming,
    current_setting('server_version_num')::int as version,
    pg_postmaster_start_time()::text as started_at,
    (select system_identifier::text from pg_control_system()) as system_identifier
  from (select pg_is_in_recovery() as in_recovery) r`;

interface ReplicaRow {
  readonly application_name: string;
  readonly state: string;
  readonly sync_state: string;
  readonly client_addr: string | null;
  readonly pid: number;
  readonly replay_lsn: string | null;
}

const REPLICAS = `select application_name, state, sync_state, host(client_addr) as client_addr, pid, replay_lsn::text from pg_stat_replication`;

export async function readMemberStatus(client: pg.Client): Promise<MemberStatus> {
  const row = (await client.query<StatusRow>(STATUS)).rows[0];
  if (row === undefined) throw new Error('the status query gave no row');
  const replicas = row.in_recovery ? [] : (await client.query<ReplicaRow>(REPLICAS)).rows;
  return {
    inRecovery: row.in_recovery,
    timeline: row.timeline,
    lsn: parseLsn(row.lsn ?? '0/0'),
    replayLsn: row.replay_lsn === null ? null : parseLsn(row.replay_lsn),
    streaming: row.streaming,
    serverVersion: row.version,
    startedAt: row.started_at,
    systemIdentifier: row.system_identifier,
    replicas: replicas.map((replica) => ({
      applicationName: replica.application_name,
      state: replica.state,
      syncState: replica.sync_state,
      clientAddress: replica.client_addr ?? '',
      pid: replica.pid,
      replayLsn: replica.replay_lsn === null ? null : parseLsn(replica.replay_lsn),
    })),
  };
}
