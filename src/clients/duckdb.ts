/** The door to DuckDB and, through it, to the files of a finished run. An instance lives in memory and spills to its own temp folder. */
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue, type JS } from '@duckdb/node-api';
import { HarnessError } from '../errors.ts';

export type SqlValue = string | number | boolean | null;
export type SqlRow = Readonly<Record<string, unknown>>;

export interface AnalysisPort {
  /**
   * Runs one statement; `$1`, `$2` ... are parameters. Whole numbers come back as `number`.
   * Throws DuckDB's own Error: the caller knows which file the statement read.
   */
  query(sql: string, parameters?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Whole file as UTF-8; null when there is none. */
  readText(path: string): Promise<string | null>;
  /** First line (at most 64 KiB) and whether the last line is whole; null when there is no file. */
  inspect(path: string): Promise<{ readonly firstLine: string; readonly endsWithNewline: boolean } | null>;
  /** Names of the folders in `path`, sorted; none when it does not exist. */
  listFolders(path: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface DuckdbOptions {
  /** Default 1024. What does not fit is spilled to the temp folder. */
  readonly memoryLimitMiB?: number;
  /** Default: the processors, at most 4; each thread holds some 64 MiB of CSV buffers. */
  readonly threads?: number;
}

/** @throws HarnessError ERR_DISK when no temp folder can be made. */
export async function openDuckDb(options: DuckdbOptions = {}): Promise<AnalysisPort> {
  const spill = await mkdtemp(join(tmpdir(), 'peakproof-duckdb-')).catch((cause: unknown) => {
    throw new HarnessError('ERR_DISK', `cannot make a folder in ${tmpdir()}: ${String(cause)}`, {
      hint: 'free some space or set TMPDIR',
      cause,
    });
  });
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads ?? Math.max(1, Math.min(4, availableParallelism()))),
    memory_limit: `${options.memoryLimitMiB ?? 1024}MiB`,
    temp_directory: spill,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  return new Duckdb(instance, connection, spill);
}

class Duckdb implements AnalysisPort {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #spill: string;

  constructor(instance: DuckDBInstance, connection: DuckDBConnection, spill: string) {
    this.#instance = instance;
    this.#connection = connection;
    this.#spill = spill;
  }

  async query(sql: string, parameters: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    const values: DuckDBValue[] = [...parameters];
    const reader = await this.#connection.runAndReadAll(sql, values.length === 0 ? undefined : values);
    return reader.getRowObjectsJS().map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, plain(v)])));
  }

  async readText(path: string): Promise<string | null> {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      return nullWhenMissing(error, path);
    }
  }

  async inspect(path: string): Promise<{ readonly firstLine: string; readonly endsWithNewline: boolean } | null> {
    try {
      const file = await open(path, 'r');
      try {
        const { size } = await file.stat();
        const head = Buffer.alloc(Math.min(size, 64 * 1024));
        await file.read(head, 0, head.length, 0);
        const tail = Buffer.alloc(Math.min(size, 1));
        await file.read(tail, 0, tail.length, Math.max(0, size - 1));
        const [firstLine = ''] = head.toString('utf8').split('\n', 1);
        return { firstLine: firstLine.replace(/\r$/, ''), endsWithNewline: tail.toString('latin1') === '\n' };
      } finally {
        await file.close();
      }
    } catch (error) {
      return nullWhenMissing(error, path);
    }
  }

  async listFolders(path: string): Promise<readonly string[]> {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
        .sort();
    } catch (error) {
      return nullWhenMissing(error, path) ?? [];
    }
  }

  async close(): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
    await rm(this.#spill, { recursive: true, force: true });
  }
}

function plain(value: JS): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

function nullWhenMissing(error: unknown, path: string): null {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return null;
  throw new HarnessError('ERR_RUN_FOLDER', `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, {
    hint: 'check the permissions of the run folder',
    cause: error,
  });
}
