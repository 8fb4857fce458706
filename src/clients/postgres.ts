import { Client, type ClientConfig, DatabaseError, type QueryResultRow } from 'pg';
import { HarnessError } from '../errors.ts';
import type { PostgresPort, PostgresStatus, Waiting } from './ports.ts';
import { createPostgresMarks } from './postgres-marks.ts';
import { timeoutMs } from './timeouts.ts';

export interface PostgresOptions {
  /** `postgres://user@host:port/database`, no password; `?sslmode=require|verify-full` for TLS. */
  readonly url: string;
  readonly password?: string;
}

const STATUS = `
  select pg_is_in_recovery() as in_recovery,
    case when pg_is_in_recovery()
      then coalesce((select received_tli from pg_stat_wal_receiver), (select timeline_id from pg_control_checkpoint()))
      else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline,
    count(*)::int as connections,
    count(*) filter (where state = 'active' and pid <> pg_backend_pid())::int as active,
    count(*) filter (where wait_event_type = 'Lock')::int as waiting_on_locks,
    coalesce(max(extract(epoch from clock_timestamp() - xact_start)) filter (where pid <> pg_backend_pid()), 0)::float8 * 1000
      as longest_transaction_ms,
    (extract(epoch from pg_postmaster_start_time()) * 1000)::float8 as started_ms
  from pg_stat_activity where backend_type = 'client backend'`;

const REPLICAS = `
  select application_name as name, state, sync_state,
    coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::float8 as replay_lag_bytes
  from pg_stat_replication where not pg_is_in_recovery() order by application_name`;

/** SQLSTATEs of a member that is there but takes no writes: a standby, or one that is starting, stopping or promoting. */
const NOT_WRITABLE: ReadonlySet<string> = new Set(['25006', '57P01', '57P02', '57P03']);

/**
 * One PostgreSQL by one address. Looks share one connection that is made anew when it broke; `isWritable` always connects
 * anew, because an old connection may still hang on the old primary.
 */
export function createPostgresPort({ url, password }: PostgresOptions): PostgresPort {
  const config = parseUrl(url, password);
  const label = `${config.host}:${config.port}/${config.database}`;
  let held: Promise<Client> | null = null;

  async function query<Row extends QueryResultRow>(text: string, { signal }: Waiting = {}): Promise<readonly Row[]> {
    signal?.throwIfAborted();
    const connecting = held ?? hold(connect(config));
    try {
      return (await (await connecting).query<Row>(text)).rows;
    } catch (error) {
      if (held === connecting) held = null;
      void connecting.then(end, () => undefined);
      signal?.throwIfAborted();
      throw toHarnessError(error, label);
    }
  }

  /** A connection that breaks while nobody looks is let go at once, so that the next look does not fail for it. */
  function hold(connecting: Promise<Client>): Promise<Client> {
    held = connecting;
    const letGo = (): void => {
      if (held === connecting) held = null;
    };
    connecting.then((client) => client.once('error', letGo).once('end', letGo), letGo);
    return connecting;
  }

  return {
    label,
    host: config.host,
    async fetchVersion() {
      const [row] = await query<{ server_version: string }>('show server_version');
      return row?.server_version ?? '';
    },
    async fetchStatus(options) {
      const [row] = await query<StatusRow>(STATUS, options);
      if (row === undefined) throw new HarnessError('ERR_POSTGRES', `${label}: the status query gave no row`);
      const replicas = row.in_recovery ? [] : await query<ReplicaRow>(REPLICAS, options);
      return toStatus(row, replicas);
    },
    async isWritable({ signal } = {}) {
      signal?.throwIfAborted();
      let client: Client | null = null;
      try {
        client = await connect(config);
        // The name may be taken by a look of ours that was cut off in the same session only: temporary tables are per session.
        await client.query('create temporary table peakproof_writable (written int)');
        await client.query('drop table peakproof_writable');
        return true;
      } catch (error) {
        if (error instanceof DatabaseError && NOT_WRITABLE.has(error.code ?? '')) return false;
        throw toHarnessError(error, label);
      } finally {
        if (client !== null) await end(client);
      }
    },
    marks: createPostgresMarks({ connect: () => connect(config), end, toError: (error) => toHarnessError(error, label) }),
    async fetchClockOffsetMs() {
      await query('select 1');
      const sentAt = Date.now();
      const [row] = await query<{ server_ms: number }>(
        'select (extract(epoch from clock_timestamp()) * 1000)::float8 as server_ms',
      );
      return (row?.server_ms ?? Number.NaN) - (sentAt + Date.now()) / 2;
    },
    async close() {
      const closing = held;
      held = null;
      if (closing !== null) await closing.then(end, () => undefined);
    },
  };
}

interface StatusRow {
  readonly in_recovery: boolean;
  readonly timeline: number | null;
  readonly connections: number;
  readonly active: number;
  readonly waiting_on_locks: number;
  readonly longest_transaction_ms: number;
  readonly started_ms: number;
}

interface ReplicaRow {
  readonly name: string;
  readonly state: string | null;
  readonly sync_state: string | null;
  readonly replay_lag_bytes: number;
}

function toStatus(row: StatusRow, replicas: readonly ReplicaRow[]): PostgresStatus {
  return {
    inRecovery: row.in_recovery,
    timeline: row.timeline,
    connections: row.connections,
    active: row.active,
    waitingOnLocks: row.waiting_on_locks,
    longestTransactionMs: Math.max(0, row.longest_transaction_ms),
    startedServerAt: row.started_ms,
    replicas: replicas.map(({ name, state, sync_state, replay_lag_bytes }) => ({
      name,
      state: state ?? '',
      syncState: sync_state ?? '',
      replayLagBytes: replay_lag_bytes,
    })),
  };
}

type Parsed = ClientConfig & { readonly host: string; readonly port: number; readonly database: string };

function parseUrl(text: string, password: string | undefined): Parsed {
  if (!URL.canParse(text)) throw new HarnessError('ERR_POSTGRES', 'the PostgreSQL address of the plan is not a URL');
  const url = new URL(text);
  const sslmode = url.searchParams.get('sslmode') ?? 'disable';
  const verified = sslmode === 'verify-full' || sslmode === 'verify-ca';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 5432 : Number(url.port),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    user: decodeURIComponent(url.username) || 'postgres',
    ...(password === undefined ? {} : { password }),
    ssl: sslmode === 'disable' || sslmode === 'allow' || sslmode === 'prefer' ? false : { rejectUnauthorized: verified },
    application_name: 'peakproof',
    connectionTimeoutMillis: timeoutMs('postgresConnect'),
    query_timeout: timeoutMs('postgresQuery'),
    statement_timeout: timeoutMs('postgresQuery'),
    keepAlive: true,
  };
}

async function connect(config: Parsed): Promise<Client> {
  const client = new Client(config);
  // A connection that breaks while idle emits an error nobody waits for; the next query finds it out.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await end(client);
    throw error;
  }
}

/** Never rejects and never waits long: a frozen server must not hold up the harness. */
async function end(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const cut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs('connectionClose'));
  });
  await Promise.race([client.end().catch(() => undefined), cut]);
  clearTimeout(timer);
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  stream.destroy();
}

function toHarnessError(error: unknown, label: string): HarnessError {
  if (error instanceof HarnessError) return error;
  const { message = String(error), code } = error as { message?: string; code?: string };
  const words = error instanceof AggregateError ? error.errors.map((each: Error) => each.message).join('; ') : message;
  return new HarnessError('ERR_POSTGRES', `${label}: ${words}${code === undefined ? '' : ` (${code})`}`, { cause: error });
}
