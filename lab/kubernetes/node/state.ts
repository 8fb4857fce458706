/** The node's state folder: what is where, who holds it, and which daemons were started. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, LabError } from '../../processes/lab-error.ts';
import { stateRoot } from '../../processes/lab-folder.ts';
import { isSameProcess, startToken } from '../../processes/process-identity.ts';
import type { NodeConnection } from './types.ts';

/** The one place where a node lives unless a caller says otherwise: one node a host. */
export function defaultStateDir(): string {
  return join(stateRoot(), 'kubernetes-node');
}

// A socket's path has at most 107 characters, and the longest below the folder has 50.
const LONGEST_STATE_DIR = 57;

export interface StateFiles {
  readonly dir: string;
  /** What the host was like before anything was changed. */
  readonly host: string;
  readonly connection: string;
  readonly processes: string;
  readonly lock: string;
  readonly pki: string;
  readonly config: string;
  readonly logs: string;
}

export function stateFiles(dir: string): StateFiles {
  return {
    dir,
    host: join(dir, 'host.json'),
    connection: join(dir, 'connection.json'),
    processes: join(dir, 'processes.ndjson'),
    lock: join(dir, 'lock'),
    pki: join(dir, 'pki'),
    config: join(dir, 'config'),
    logs: join(dir, 'logs'),
  };
}

/** Makes the folder. @throws LabError when its path is too long for the sockets in it. */
export function createStateDir(dir: string): StateFiles {
  if (dir.length > LONGEST_STATE_DIR) {
    throw new LabError(`the node's state folder ${dir} has ${dir.length} characters; its sockets allow ${LONGEST_STATE_DIR}`, {
      hint: 'give a shorter one, for example with PEAKPROOF_STATE',
    });
  }
  const files = stateFiles(dir);
  for (const folder of [dir, files.config, files.logs]) mkdirSync(folder, { recursive: true, mode: 0o755 });
  mkdirSync(files.pki, { recursive: true, mode: 0o700 });
  return files;
}

interface Lock {
  readonly pid: number;
  readonly token: string;
  readonly doing: 'up' | 'down';
}

/** Who is at work on the node just now, or null. */
export function lockHolder(files: StateFiles): Lock | null {
  try {
    const lock = JSON.parse(readFileSync(files.lock, 'utf8')) as Lock;
    return isSameProcess(lock.pid, lock.token) ? lock : null;
  } catch (error) {
    // Empty when its writer was killed between opening and writing.
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Takes the folder for one `up` or `down`; the lock of a dead process counts for nothing. Returns what gives it back. */
export function takeLock(files: StateFiles, doing: Lock['doing']): () => void {
  const holder = lockHolder(files);
  if (holder !== null) {
    throw new LabError(`process ${holder.pid} is bringing the node ${holder.doing} in ${files.dir} just now`, {
      hint: 'wait until it has ended, or stop it',
    });
  }
  rmSync(files.lock, { force: true });
  try {
    const lock: Lock = { pid: process.pid, token: startToken(process.pid) ?? '', doing };
    writeFileSync(files.lock, JSON.stringify(lock), { flag: 'wx' });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new LabError(`another process took the node in ${files.dir} at the same moment`, { hint: 'try again' });
  }
  return () => rmSync(files.lock, { force: true });
}

/** How a daemon was started, so that it can be started again the same way. */
export interface ServiceRecord {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly pid: number;
  readonly token: string;
}

export function recordService(files: StateFiles, record: ServiceRecord): void {
  appendFileSync(files.processes, `${JSON.stringify(record)}\n`);
}

/** The newest record of each daemon, in the order of their first start. */
export function serviceRecords(files: StateFiles): readonly ServiceRecord[] {
  if (!existsSync(files.processes)) return [];
  const records = new Map<string, ServiceRecord>();
  for (const line of readFileSync(files.processes, 'utf8').split('\n')) {
    const record = parse(line);
    if (record !== null) records.set(record.name, record);
  }
  return [...records.values()];
}

function parse(line: string): ServiceRecord | null {
  if (line === '') return null;
  try {
    return JSON.parse(line) as ServiceRecord;
  } catch (error) {
    // Half a line of a process that was killed; the daemon of that line is found by its environment.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export function isServiceRunning(record: ServiceRecord): boolean {
  return isSameProcess(record.pid, record.token);
}

export function readConnection(files: StateFiles): NodeConnection | null {
  return existsSync(files.connection) ? (JSON.parse(readFileSync(files.connection, 'utf8')) as NodeConnection) : null;
}
