/**
 * One PostgreSQL connection that is opened when needed and dropped when it broke; the next use opens another one, which after a
 * failover leads to the new primary. There is no statement timeout, as in Odoo: only the loss of the TCP connection is noticed.
 */
import pg from 'pg';
import type { Row } from './transaction.ts';

export interface ConnectionTarget {
  /** Without password. */
  readonly url: string;
  readonly password: string | undefined;
  readonly applicationName: string;
}

const MAX_PREPARED = 1_000;
const preparedNames = new Map<string, string>();

/** SQL texts of the ORM repeat: a name per text lets PostgreSQL parse each once a connection. */
function preparedName(sql: string): string | undefined {
  const known = preparedNames.get(sql);
  if (known !== undefined) return known;
  if (preparedNames.size >= MAX_PREPARED) return undefined;
  const name = `s${preparedNames.size}`;
  preparedNames.set(sql, name);
  return name;
}

const textTypes = new Map<number, (value: string) => unknown>([
  [1700, Number],
  [20, Number],
  [1082, (value) => value],
  [1114, (value) => value.slice(0, 19)],
]);
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
    const own = format === 'binary' ? undefined : textTypes.get(oid);
    return own ?? pg.types.getTypeParser(oid, 'text');
  },
};

/** Taken apart by us: a `connectionString` would put its own (missing) password over the one given beside it. */
function addressOf(target: ConnectionTarget): pg.ClientConfig {
  const url = new URL(target.url);
  const password = target.password ?? decodeURIComponent(url.password);
  return {
    host: url.hostname,
    port: Number(url.port || '5432'),
    user: decodeURIComponent(url.username),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...(password === '' ? {} : { password }),
  };
}

export class Connection {
  readonly #target: ConnectionTarget;
  #client: pg.Client | null = null;
  /** Connections opened so far. */
  opened = 0;

  constructor(target: ConnectionTarget) {
    this.#target = target;
  }

  /** `"127.0.0.1", port 5432`, as libpq writes it. */
  get where(): string {
    const url = new URL(this.#target.url);
    return `"${url.hostname}", port ${url.port || '5432'}`;
  }

  async #ready(): Promise<pg.Client> {
    if (this.#client !== null) return this.#client;
    const client = new pg.Client({
      ...addressOf(this.#target),
      application_name: this.#target.applicationName,
      options: '-c timezone=UTC -c jit=off',
      keepAlive: true,
      pipeline: true,
      types,
    });
    const forget = (): void => {
      if (this.#client === client) this.#client = null;
    };
    client.on('error', forget);
    client.on('end', forget);
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.opened += 1;
    this.#client = client;
    return client;
  }

  async query(sql: string, params: readonly unknown[] = []): Promise<{ rows: readonly Row[]; count: number }> {
    const client = await this.#ready();
    const name = params.length > 0 ? preparedName(sql) : undefined;
    const result = await client.query<Row>({ text: sql, values: [...params], ...(name === undefined ? {} : { name }) });
    return { rows: result.rows, count: result.rowCount ?? 0 };
  }

  get isOpen(): boolean {
    return this.#client !== null;
  }

  /** Closes without waiting for the server. */
  drop(): void {
    const client = this.#client;
    this.#client = null;
    // The socket may already be dead; nothing depends on a clean goodbye.
    client?.end().catch(() => undefined);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }
}
