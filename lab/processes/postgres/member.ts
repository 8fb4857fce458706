/** One PostgreSQL server of the pair: its files, its process, and a connection of ours to look at it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { LabError } from '../lab-error.ts';
import { childrenOf, signalProcess } from '../process-identity.ts';
import type { UnixUser } from '../unprivileged.ts';
import { awaitCondition, WAITS } from '../wait.ts';
import type { PostgresBinaries } from './binaries.ts';
import { copyCluster, orphanedSharedMemory, tailOf, writeOwned } from './data-directory.ts';
import { type MemberStatus, readMemberStatus } from './member-status.ts';
import { serverArguments } from './settings.ts';

export interface MemberOptions {
  readonly name: string;
  readonly port: number;
  /** Parent of the data directory; holds the log and the replication password too. */
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  readonly user: UnixUser | null;
  readonly superuserPassword: string;
  readonly onSpawn: (pid: number) => void;
  /** The server ended, for whatever reason. */
  readonly onExit?: () => void;
}

export type StopMode = 'fast' | 'immediate' | 'kill';

export class PostgresMember {
  readonly name: string;
  readonly port: number;
  readonly #options: MemberOptions;
  #child: ChildProcess | null = null;
  #client: pg.Client | null = null;
  #exitCode: number | null = null;
  #exitSignal: string | null = null;
  #role: 'primary' | 'standby' | null = null;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.name = options.name;
    this.port = options.port;
  }

  get dataDirectory(): string {
    return join(this.#options.directory, 'data');
  }

  get logFile(): string {
    return join(this.#options.directory, 'postgresql.log');
  }

  /** Pid of the postmaster while it runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get exit(): { readonly code: number | null; readonly signal: string | null } {
    return { code: this.#exitCode, signal: this.#exitSignal };
  }

  /** What the running server was started or promoted as; stays as it was when the server dies. */
  get lastRole(): 'primary' | 'standby' | null {
    return this.#role;
  }

  /** Starts the server as a primary, or as a standby of the member on `followPort`; resolves once it takes connections. */
  async start(options: { readonly followPort: number | null }): Promise<void> {
    if (this.#child !== null) throw new LabError(`PostgreSQL ${this.name} already runs`);
    const { binaries, user, directory, superuserPassword } = this.#options;
    const passFile = join(directory, 'replication.pgpass');
    await writeOwned(passFile, `127.0.0.1:*:*:postgres:${superuserPassword}\n`, user);
    // Settings made by ALTER SYSTEM belong to the leadership that made them; a promoted standby that inherits
    // synchronous_standby_names would wait for itself for ever.
    await writeOwned(join(this.dataDirectory, 'postgresql.auto.conf'), '', user);
    if (options.followPort === null) await rm(join(this.dataDirectory, 'standby.signal'), { force: true });
    else await writeOwned(join(this.dataDirectory, 'standby.signal'), '', user);

    const log = openSync(this.logFile, 'a', 0o600);
    const child = spawn(
      binaries.postgres,
      [
        ...serverArguments({
          name: this.name,
          port: this.port,
          dataDirectory: this.dataDirectory,
          passFile,
          followPort: options.followPort,
        }),
      ],
      { cwd: this.dataDirectory, env: { LC_ALL: 'C', TZ: 'UTC' }, stdio: ['ignore', log, log], detached: true, ...(user ?? {}) },
    );
    closeSync(log);
    this.#child = child;
    this.#role = options.followPort === null ? 'primary' : 'standby';
    this.#exitCode = null;
    this.#exitSignal = null;
    if (child.pid !== undefined) this.#options.onSpawn(child.pid);
    child.once('error', (error) => this.#onExit(child, null, error.message));
    child.once('exit', (code, signal) => this.#onExit(child, code, signal));
    const outcome = await awaitCondition(`PostgreSQL ${this.name} to take connections`, () => this.#answers(child), {
      timeoutMs: WAITS.postgresAccepts,
    });
    if (outcome === 'died') throw new LabError(`PostgreSQL ${this.name} did not start: ${await tailOf(this.logFile)}`);
  }

  async #answers(child: ChildProcess): Promise<'answers' | 'died'> {
    if (this.#child !== child) return 'died';
    const client = await this.connect({ timeoutMs: 1_000 });
    await client.end();
    return 'answers';
  }

  #onExit(child: ChildProcess, code: number | null, signal: string | null): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.#exitCode = code;
    this.#exitSignal = signal;
    this.#dropClient();
    this.#options.onExit?.();
  }

  /** A new superuser connection straight to this member. */
  async connect(options: { readonly timeoutMs: number; readonly database?: string }): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      password: this.#options.superuserPassword,
      database: options.database ?? 'postgres',
      application_name: 'peakproof-lab',
      connectionTimeoutMillis: options.timeoutMs,
      query_timeout: options.timeoutMs,
    });
    // The server may die at any moment here; whoever uses the connection sees it in the next query.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await closeQuietly(client);
      throw error;
    }
  }

  /** Looks at the server through a connection that is kept. Throws when it does not answer in time. */
  async fetchStatus(options: { readonly timeoutMs: number }): Promise<MemberStatus> {
    if (this.#child === null) throw new LabError(`PostgreSQL ${this.name} does not run`);
    try {
      this.#client ??= await this.connect({ timeoutMs: options.timeoutMs });
      return await readMemberStatus(this.#client);
    } catch (error) {
      this.#dropClient();
      throw error;
    }
  }

  #dropClient(): void {
    const client = this.#client;
    this.#client = null;
    if (client !== null) void closeQuietly(client);
  }

  /** Ends the recovery of a standby: it becomes a primary on a new timeline. */
  async promote(): Promise<void> {
    const client = await this.connect({ timeoutMs: WAITS.promotion });
    try {
      await client.query('select pg_promote(true, $1)', [WAITS.promotion / 1000]);
      this.#role = 'primary';
    } finally {
      await closeQuietly(client);
    }
  }

  /** Changes one setting on a running server; null takes it back. The name is one of ours, never a user's. */
  async setSynchronousStandby(name: string | null): Promise<void> {
    const client = await this.connect({ timeoutMs: 3_000 });
    try {
      if (name === null) await client.query('alter system reset synchronous_standby_names');
      else await client.query(`alter system set synchronous_standby_names = ${pg.escapeLiteral(`"${name}"`)}`);
      await client.query('select pg_reload_conf()');
    } finally {
      await closeQuietly(client);
    }
  }

  /** `fast` ends sessions and ships all WAL; `immediate` drops everything; `kill` is SIGKILL to the server and all its backends. */
  async stop(mode: StopMode): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    this.#dropClient();
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (mode === 'kill') {
      killServer(child.pid);
    } else if (mode === 'immediate') {
      signalProcess(child.pid, 'SIGQUIT');
      if (!(await within(gone, WAITS.postgresImmediateStop))) killServer(child.pid);
    } else {
      signalProcess(child.pid, 'SIGINT');
      if (!(await within(gone, WAITS.postgresFastStop))) {
        await this.stop('immediate');
        return;
      }
    }
    await gone;
    await removeOrphanedSharedMemory(this.dataDirectory);
  }

  /** Replaces this member's files by a copy of a running primary's. The member must be stopped. */
  async cloneFrom(primary: PostgresMember): Promise<void> {
    if (this.#child !== null) throw new LabError(`PostgreSQL ${this.name} must be stopped before it is cloned`);
    const { user } = this.#options;
    const session = await primary.connect({ timeoutMs: 30_000 });
    try {
      await session.query("select pg_backup_start('peakproof-lab', true)");
      await copyCluster(primary.dataDirectory, this.dataDirectory, { user, wal: false });
      const { rows } = await session.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
      await writeOwned(join(this.dataDirectory, 'backup_label'), rows[0]?.labelfile ?? '', user);
    } finally {
      await closeQuietly(session);
    }
  }
}

async function closeQuietly(client: pg.Client): Promise<void> {
  // A connection that is already broken cannot be closed any better.
  await client.end().catch(() => undefined);
}

async function within(event: Promise<void>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([event.then(() => true), late]);
  timer.abort();
  return inTime;
}

/** The postmaster is stopped first, so that it cannot start backends while its children are being listed. */
export function killServer(postmaster: number): void {
  if (!signalProcess(postmaster, 'SIGSTOP')) return;
  const backends = childrenOf(postmaster);
  signalProcess(postmaster, 'SIGKILL');
  for (const backend of backends) signalProcess(backend, 'SIGKILL');
}

/** A killed server leaves one small System V segment; `ipcrm` exists on Linux and macOS. */
export async function removeOrphanedSharedMemory(dataDirectory: string): Promise<void> {
  const id = await orphanedSharedMemory(dataDirectory);
  if (id === null) return;
  // Already gone, still attached by a dying backend, or no ipcrm here: it holds 56 bytes and harms nothing.
  await promisify(execFile)('ipcrm', ['-m', String(id)]).catch(() => undefined);
}
