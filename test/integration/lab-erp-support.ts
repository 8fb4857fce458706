/** A real PostgreSQL, a real Redis, the migration and workers of the lab's ERP for one test file; all gone afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findPostgresBinaries } from '../../lab/processes/postgres/binaries.ts';
import { createCluster } from '../../lab/processes/postgres/data-directory.ts';
import { serverArguments } from '../../lab/processes/postgres/settings.ts';
import { postgresUser } from '../../lab/processes/unprivileged.ts';
import { freePort, startTestRedis, type TestRedis } from './chaos-redis-server.ts';

const PASSWORD = 'practice';
const READY_TIMEOUT_MS = 20_000;
const program = (name: string): string => fileURLToPath(new URL(`../../lab/erp/${name}.ts`, import.meta.url));

export interface TestWorker {
  readonly url: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** From spawn to the line that says it listens, ms. */
  readonly startedInMs: number;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export class TestErp {
  readonly #folder: string;
  readonly #postgres: ChildProcess;
  readonly #port: number;
  readonly #children = new Set<ChildProcess>();
  readonly redis: TestRedis;

  private constructor(folder: string, postgres: ChildProcess, port: number, redis: TestRedis) {
    this.#folder = folder;
    this.#postgres = postgres;
    this.#port = port;
    this.redis = redis;
  }

  static async start(): Promise<TestErp> {
    const user = postgresUser();
    const folder = mkdtempSync(join(tmpdir(), 'peakproof-erp-'));
    if (user) chownSync(folder, user.uid, user.gid);
    const binaries = findPostgresBinaries();
    const dataDirectory = join(folder, 'data');
    await createCluster({ binaries, user, onSpawn: () => undefined }, dataDirectory, {
      superuserPassword: PASSWORD,
      applicationPassword: PASSWORD,
    });
    const port = await freePort();
    const settings = { name: 'test', port, dataDirectory, passFile: join(folder, 'none'), followPort: null };
    const postgres = spawn(binaries.postgres, [...serverArguments(settings), '-c', 'fsync=off'], {
      stdio: 'ignore',
      cwd: folder,
      ...(user ?? {}),
    });
    const redis = await startTestRedis({ policy: 'noeviction', maxMemoryMiB: 64, maxClients: 200 });
    const erp = new TestErp(folder, postgres, port, redis);
    try {
      await erp.#untilReady();
      await erp.#migrate();
    } catch (error) {
      await erp.stop();
      throw error;
    }
    return erp;
  }

  get postgresUrl(): string {
    return `postgresql://erp@127.0.0.1:${this.#port}/erp`;
  }

  /** A session of the test's own, to look behind the ERP's back. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ host: '127.0.0.1', port: this.#port, user: 'erp', database: 'erp', password: PASSWORD });
    // Tests end sessions on purpose.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      await client.end();
      throw error;
    }
    return client;
  }

  async #untilReady(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    for (;;) {
      try {
        await (await this.connect()).end();
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await sleep(100);
      }
    }
  }

  #spawn(name: string, env: Readonly<Record<string, string>>): ChildProcess {
    const child = spawn(process.execPath, [program(name)], {
      env: {
        PATH: process.env.PATH ?? '',
        ERP_POSTGRES_URL: this.postgresUrl,
        PGPASSWORD: PASSWORD,
        ERP_REDIS_URL: this.redis.url,
        ERP_DATABASE: 'erp',
        ERP_PASSWORD_ROUNDS: '20000',
        ...env,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  async #migrate(): Promise<void> {
    const child = this.#spawn('migrate', { ERP_ADMIN_PASSWORD: 'admin' });
    const code = await exitOf(child);
    if (code !== 0) throw new Error(`migrate ended with ${code}`);
  }

  startCron(env: Readonly<Record<string, string>>): ChildProcess {
    return this.#spawn('cron', env);
  }

  async startWorker(env: Readonly<Record<string, string>> = {}): Promise<TestWorker> {
    const from = performance.now();
    const child = this.#spawn('worker', { ERP_SERVICE_FACTOR: '0', ERP_RETRY_FACTOR: '0.01', ...env });
    if (!child.stdout || child.pid === undefined) throw new Error('the worker did not start');
    const lines = createInterface({ input: child.stdout });
    const port = await new Promise<number>((resolve, reject) => {
      lines.once('line', (line) => resolve((JSON.parse(line) as { port: number }).port));
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code} before it listened`)));
    });
    const startedInMs = performance.now() - from;
    return {
      url: `http://127.0.0.1:${port}`,
      pid: child.pid,
      child,
      startedInMs,
      stop: async (signal = 'SIGTERM') => {
        const gone = exitOf(child);
        child.kill(signal);
        return await gone;
      },
    };
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        const gone = exitOf(child);
        child.kill('SIGKILL');
        await gone;
      }),
    );
    const gone = exitOf(this.#postgres);
    // Fast shutdown; it must not leave shared memory behind.
    this.#postgres.kill('SIGINT');
    await gone;
    await this.redis.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  return await new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}
