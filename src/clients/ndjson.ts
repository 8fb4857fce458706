import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { HarnessError } from '../errors.ts';
import type { FileHeader } from '../model/run-records.ts';

/** Bytes waiting for the disk above which `write` makes its caller wait. */
const BACKPRESSURE_BYTES = 1024 * 1024;
/** Bytes waiting above which a caller that does not wait is stopped, so that a stuck disk cannot eat the memory. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Appends records to one NDJSON file, in the order of the calls. */
export interface NdjsonWriter<T> {
  readonly path: string;
  /**
   * Takes the record now; the promise resolves when there is room for more. Callers that must not wait (probes) may ignore
   * it: a failure is kept and thrown by the next `write`, `flush` or `close`. Throws ERR_DISK.
   */
  write(record: T): Promise<void>;
  /** Resolves when all records so far are in the file; with `durable` also on the disk (fdatasync). Throws ERR_DISK. */
  flush(options?: { readonly durable?: boolean }): Promise<void>;
  /** Flushes and closes; further calls to `write` throw. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens `path` for appending and writes the header when the file is new (`header: null`: a file without one, e.g. a data
 * set). A line that an earlier, killed writer left half written is cut off first, so that it never ends up amid the file.
 */
export async function openNdjsonWriter<T>(path: string, header: FileHeader | null): Promise<NdjsonWriter<T>> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'a+');
    const size = await endOfLastWholeLine(handle);
    const writer = new AppendingWriter<T>(path, handle);
    if (size === 0 && header !== null) await writer.writeLine(JSON.stringify(header));
    return writer;
  } catch (error) {
    throw diskError(path, error);
  }
}

class AppendingWriter<T> implements NdjsonWriter<T> {
  readonly path: string;
  readonly #handle: FileHandle;
  #lines: string[] = [];
  #waitingBytes = 0;
  #draining: Promise<void> | null = null;
  #failure: HarnessError | null = null;
  #closed = false;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  write(record: T): Promise<void> {
    return this.writeLine(JSON.stringify(record));
  }

  writeLine(line: string): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closed) throw new HarnessError('ERR_INTERNAL', `${this.path} is closed already; nothing more can be written to it`);
    this.#waitingBytes += line.length + 1;
    if (this.#waitingBytes > MAX_WAITING_BYTES) {
      this.#failure = new HarnessError('ERR_DISK', `the disk does not keep up with ${this.path}: 64 MiB are waiting`, {
        hint: 'put the run folder on a faster disk',
      });
      throw this.#failure;
    }
    this.#lines.push(line);
    this.#draining ??= this.#drain();
    if (this.#waitingBytes < BACKPRESSURE_BYTES) return Promise.resolve();
    return this.#draining;
  }

  async flush(options: { readonly durable?: boolean } = {}): Promise<void> {
    while (this.#draining !== null) await this.#draining;
    if (this.#failure !== null) throw this.#failure;
    if (options.durable !== true || this.#closed) return;
    try {
      await this.#handle.datasync();
    } catch (error) {
      throw diskError(this.path, error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      await this.#handle.close();
    }
  }

  /** Never rejects: a failure is kept for the next caller, since the one that caused it may not be waiting. */
  async #drain(): Promise<void> {
    while (this.#lines.length > 0 && this.#failure === null) {
      const chunk = `${this.#lines.join('\n')}\n`;
      this.#lines = [];
      try {
        await this.#handle.appendFile(chunk);
      } catch (error) {
        this.#failure = diskError(this.path, error);
      }
      this.#waitingBytes = this.#lines.reduce((sum, line) => sum + line.length + 1, 0);
    }
    this.#draining = null;
  }
}

/**
 * Reads the records of an NDJSON file, line by line. With `file` the first line must be the header of that file. A last line
 * that was cut (the writer was killed) is left out and told to `onCutLine`; anything else that is no JSON object is
 * ERR_RUN_FOLDER with file and line.
 */
export async function* readNdjson<T>(
  path: string,
  options: { readonly file?: FileHeader['file']; readonly onCutLine?: (line: number) => void } = {},
): AsyncGenerator<T, void, void> {
  let number = 0;
  for await (const { text, ended } of readLines(path)) {
    number += 1;
    if (text === '' && ended && number > 1) continue;
    const value = parseObject(text);
    if (value === null) {
      if (ended || (number === 1 && options.file !== undefined)) throw damaged(path, number, 'is no JSON object');
      options.onCutLine?.(number);
      return;
    }
    if (number === 1 && options.file !== undefined) checkHeader(path, value, options.file);
    else yield value as T;
  }
  if (number === 0 && options.file !== undefined) throw damaged(path, 1, 'is missing: the file is empty');
}

/** The header of a run-folder file. */
export async function readNdjsonHeader(path: string): Promise<FileHeader> {
  for await (const { text } of readLines(path)) {
    const value = parseObject(text);
    if (value === null || value.schemaVersion !== 1 || typeof value.file !== 'string' || typeof value.runId !== 'string') break;
    return value as unknown as FileHeader;
  }
  throw damaged(path, 1, 'is no header of a run file');
}

async function* readLines(path: string): AsyncGenerator<{ readonly text: string; readonly ended: boolean }> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) yield { text, ended: true };
    }
  } catch (error) {
    if (error instanceof HarnessError) throw error;
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : String(error);
    throw new HarnessError('ERR_RUN_FOLDER', `cannot read ${path}: ${reason}`, { cause: error });
  }
  if (rest !== '') yield { text: rest, ended: false };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function checkHeader(path: string, value: Readonly<Record<string, unknown>>, file: FileHeader['file']): void {
  if (value.file !== file) throw damaged(path, 1, `is not the header of a ${file} file`);
  if (value.schemaVersion !== 1) {
    throw new HarnessError('ERR_RUN_FOLDER', `${path}: schemaVersion ${String(value.schemaVersion)} is not known here (1 is)`, {
      hint: 'use the version of peakproof that wrote this run',
    });
  }
}

function damaged(path: string, line: number, what: string): HarnessError {
  return new HarnessError('ERR_RUN_FOLDER', `${path}:${line} ${what}`, {
    hint: 'the run folder is damaged; restore it from a copy or repeat the run',
  });
}

function diskError(path: string, error: unknown): HarnessError {
  if (error instanceof HarnessError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HarnessError('ERR_DISK', `cannot write ${path}: no space left`, {
      hint: 'free some space or put the run folder elsewhere',
      cause: error,
    });
  }
  return new HarnessError('ERR_DISK', `cannot write ${path}: ${message}`, {
    hint: 'check that the folder exists and may be written to',
    cause: error,
  });
}

/** Length of the file once a half-written last line is cut off. */
async function endOfLastWholeLine(handle: FileHandle): Promise<number> {
  const status = await handle.stat();
  if (!status.isFile() || status.size === 0) return 0;
  const block = Buffer.alloc(64 * 1024);
  for (let end = status.size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await handle.read(block, 0, end - start, start);
    const newline = block.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (newline >= 0) return await cutAfter(handle, start + newline + 1, status.size);
    end = start;
  }
  return await cutAfter(handle, 0, status.size);
}

async function cutAfter(handle: FileHandle, length: number, size: number): Promise<number> {
  if (length < size) await handle.truncate(length);
  return length;
}
