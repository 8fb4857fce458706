/** Where labs live on disk: one folder a lab, with the record of every process it started. */
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { isSameProcess, startToken } from './process-identity.ts';

const paths = envPaths('peakproof', { suffix: '' });

/** `PEAKPROOF_STATE`, else the platform's folder for state. */
export function stateRoot(): string {
  return process.env.PEAKPROOF_STATE ?? (process.platform === 'linux' ? paths.log : paths.data);
}

/** `PEAKPROOF_CACHE`, else the platform's cache folder. Holds only what can be made again. */
export function cacheRoot(): string {
  return process.env.PEAKPROOF_CACHE ?? paths.cache;
}

/** Where a lab of that name lives, unless `up` was given another folder. */
export function labDirectory(name: string): string {
  return join(stateRoot(), 'labs', name);
}

/** In the folder of a lab that runs on Kubernetes: what its removal has to take away there. */
export const KUBERNETES_FILE = 'kubernetes.json';

/** Small pointer files, so that a lab in a folder of the user's choice is found by `status` and `down`. */
function registryDirectory(): string {
  return join(stateRoot(), 'lab-registry');
}

export function registryFile(name: string): string {
  return join(registryDirectory(), `${name}.json`);
}

export function registerLab(name: string, dir: string): void {
  mkdirSync(registryDirectory(), { recursive: true });
  writeFileSync(registryFile(name), JSON.stringify({ name, dir }), { flag: 'wx' });
}

export interface KnownLab {
  readonly name: string;
  readonly dir: string;
}

export function listLabs(): readonly KnownLab[] {
  if (!existsSync(registryDirectory())) return [];
  return readdirSync(registryDirectory())
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(registryDirectory(), file), 'utf8')) as KnownLab);
}

export function findLab(name: string): KnownLab | undefined {
  return listLabs().find((lab) => lab.name === name);
}

export type ProcessRole = 'supervisor' | 'network' | 'redis' | 'postgres' | 'erp' | 'cron' | 'migrate' | 'bootstrap';

export interface ProcessRecord {
  readonly pid: number;
  readonly token: string;
  readonly role: ProcessRole;
  readonly name: string;
}

/** Writes to disk who was started, before anything else is done with the process. */
export function recordProcess(dir: string, role: ProcessRole, name: string, pid: number): void {
  const token = startToken(pid);
  if (token === null) return;
  appendFileSync(join(dir, 'processes.ndjson'), `${JSON.stringify({ pid, token, role, name } satisfies ProcessRecord)}\n`);
}

/** The recorded processes that still run, the same ones that were started. */
export function livingProcesses(dir: string): readonly ProcessRecord[] {
  const file = join(dir, 'processes.ndjson');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => parseRecord(line))
    .filter((record) => isSameProcess(record.pid, record.token));
}

function parseRecord(line: string): readonly ProcessRecord[] {
  if (line === '') return [];
  try {
    return [JSON.parse(line) as ProcessRecord];
  } catch (error) {
    // A supervisor killed while it wrote leaves half a line; the process of that line was not yet used for anything.
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Folders outside the lab's own that must go with it (data of an unprivileged PostgreSQL). */
export function recordFolder(dir: string, folder: string): void {
  appendFileSync(join(dir, 'folders.ndjson'), `${JSON.stringify(folder)}\n`);
}

export function recordedFolders(dir: string): readonly string[] {
  const file = join(dir, 'folders.ndjson');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as string);
}

/** Writes a file that only its owner may read. */
export function writeSecret(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
  chmodSync(file, 0o600);
}
