/** Rows of our own, to show which member keeps a write. One table, whose name is ours; keys are told apart by their prefix. */
import { type Client, DatabaseError } from 'pg';
import type { MarkAnswer, PostgresMarks, Waiting } from './ports.ts';
import { timeoutMs } from './timeouts.ts';

const TABLE = 'peakproof_marks';
const UNDEFINED_TABLE = '42P01';

export interface MarkConnections {
  /** A new connection each time; the caller ends it. */
  connect(): Promise<Client>;
  end(client: Client): Promise<void>;
  toError(error: unknown): Error;
}

export function createPostgresMarks({ connect, end, toError }: MarkConnections): PostgresMarks {
  async function withClient<Value>(work: (client: Client) => Promise<Value>, { signal }: Waiting = {}): Promise<Value> {
    signal?.throwIfAborted();
    let client: Client | null = null;
    try {
      client = await connect();
      return await work(client);
    } catch (error) {
      throw toError(error);
    } finally {
      if (client !== null) await end(client);
    }
  }

  return {
    fetchObstacle: () =>
      withClient(async (client) => {
        const { rows } = await client.query<{ schema: string | null; granted: boolean | null; user: string }>(
          `select current_schema() as schema, has_schema_privilege(current_schema(), 'create') as granted, current_user as user`,
        );
        const [row] = rows;
        if (row?.granted === true) return null;
        return `user ${row?.user ?? ''} may not create a table in schema ${row?.schema ?? '(none)'}`;
      }),
    create: () =>
      withClient(async (client) => {
        await client.query(
          `create table if not exists ${TABLE} (key text primary key, written_at timestamptz not null default clock_timestamp())`,
        );
      }),
    write: (key, options) => write(key, { connect, end }, options),
    readKeys: (prefix, options) =>
      withClient(async (client) => {
        try {
          const { rows } = await client.query<{ key: string }>(
            `select key from ${TABLE} where starts_with(key, $1) order by key`,
            [prefix],
          );
          return rows.map(({ key }) => key);
        } catch (error) {
          if (error instanceof DatabaseError && error.code === UNDEFINED_TABLE) return [];
          throw error;
        }
      }, options),
    drop: () =>
      withClient(async (client) => {
        await client.query(`drop table if exists ${TABLE}`);
      }),
  };
}

/**
 * Waits on our side only: a server that gives up waiting for its synchronous standby (as a statement timeout makes it) answers
 * "committed", and that would look like an acknowledgement.
 */
async function write(
  key: string,
  { connect, end }: Pick<MarkConnections, 'connect' | 'end'>,
  { signal }: Waiting = {},
): Promise<MarkAnswer> {
  signal?.throwIfAborted();
  let client: Client;
  try {
    client = await connect();
  } catch (error) {
    return { outcome: 'refused', detail: wordsOf(error) };
  }
  try {
    await client.query('set statement_timeout = 0');
    let warning = '';
    client.on('notice', ({ message }) => {
      warning = message ?? '';
    });
    const written = client.query(`insert into ${TABLE} (key) values ($1)`, [key]);
    const answer = await Promise.race([written.then(() => 'committed' as const), late(timeoutMs('markWrite'))]);
    if (answer === 'late') {
      written.catch(() => undefined);
      return { outcome: 'unknown', detail: `no answer within ${timeoutMs('markWrite')} ms` };
    }
    return warning === '' ? { outcome: 'accepted', detail: '' } : { outcome: 'unknown', detail: warning };
  } catch (error) {
    // What the server said no to is not there; of a connection that broke nobody knows.
    return { outcome: error instanceof DatabaseError ? 'refused' : 'unknown', detail: wordsOf(error) };
  } finally {
    await end(client);
  }
}

function late(ms: number): Promise<'late'> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, 'late').unref();
  });
}

function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(wordsOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
