/** Files of a PostgreSQL cluster: making one, copying one, and the few bytes of it that we read ourselves. */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  lchown,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { codeOf, LabError } from '../lab-error.ts';
import type { UnixUser } from '../unprivileged.ts';
import type { PostgresBinaries } from './binaries.ts';

export interface ClusterSecrets {
  readonly superuserPassword: string;
  readonly applicationPassword: string;
}

export interface ProgramContext {
  readonly binaries: PostgresBinaries;
  readonly user: UnixUser | null;
  /** Called with the pid as soon as a program was started. */
  readonly onSpawn: (pid: number) => void;
}

async function runProgram(
  context: ProgramContext,
  argv: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly input?: string },
): Promise<void> {
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: process.env.PATH ?? '' },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(context.user ?? {}),
  });
  if (child.pid !== undefined) context.onSpawn(child.pid);
  const outputs = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const exited = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  child.stdin.end(options.input ?? '');
  const code = await exited;
  const output = (await outputs).join('');
  if (code !== 0 || /^.*(?:ERROR|FATAL|PANIC): /m.test(output)) {
    throw new LabError(`${program} ended with ${code}: ${output.trim().slice(-600)}`);
  }
}

async function collect(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** initdb plus role and database `erp`, all before any server listens. Takes about half a second. */
export async function createCluster(context: ProgramContext, directory: string, secrets: ClusterSecrets): Promise<void> {
  await makeOwned(directory, context.user);
  const passwordFile = join(directory, '..', 'superuser-password');
  await writeFile(passwordFile, secrets.superuserPassword, { mode: 0o600 });
  if (context.user !== null) await chown(passwordFile, context.user.uid, context.user.gid);
  await runProgram(
    context,
    [
      context.binaries.initdb,
      ...['--pgdata', directory, '--username', 'postgres', '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
      ...['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--no-sync'],
    ],
    { cwd: directory },
  );
  await rm(passwordFile);
  await writeFile(
    join(directory, 'pg_hba.conf'),
    'host all all 127.0.0.1/32 scram-sha-256\nhost replication postgres 127.0.0.1/32 scram-sha-256\n',
  );
  await runProgram(context, [context.binaries.postgres, '--single', '-D', directory, '-c', 'log_checkpoints=off', 'postgres'], {
    cwd: directory,
    // One statement a line; the password is ours and holds letters and digits only.
    input: [
      `create role erp login password '${secrets.applicationPassword}'`,
      'grant pg_monitor to erp',
      'create database erp owner erp',
      '',
    ].join('\n'),
  });
}

async function makeOwned(directory: string, user: UnixUser | null): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  if (user !== null) await chown(directory, user.uid, user.gid);
}

// Not part of a base backup (documentation of pg_basebackup and of the low-level backup API).
const LEFT_OUT_FILES = new Set(['postmaster.pid', 'postmaster.opts', 'standby.signal', 'backup_label', 'current_logfiles']);
const LEFT_OUT_CONTENTS = new Set([
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);

/**
 * Copies a cluster's files. With `wal: false` (a running server under `pg_backup_start`) the WAL is left out: the copy
 * fetches it by streaming. Files that vanish meanwhile are normal.
 */
export async function copyCluster(
  from: string,
  to: string,
  options: { readonly user: UnixUser | null; readonly wal: boolean },
): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await copyFolder(from, to, { ...options, top: true });
}

async function copyFolder(
  from: string,
  to: string,
  options: { readonly user: UnixUser | null; readonly wal: boolean; readonly top: boolean },
): Promise<void> {
  await makeOwned(to, options.user);
  const files: (() => Promise<void>)[] = [];
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      const emptied = options.top && LEFT_OUT_CONTENTS.has(entry.name);
      const folder = { ...options, top: false };
      if (emptied) await makeOwned(target, options.user);
      else if (options.top && entry.name === 'pg_wal' && !options.wal) await makeEmptyWal(target, options.user);
      else await copyFolder(source, target, folder);
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), target);
      if (options.user !== null) await lchown(target, options.user.uid, options.user.gid);
    } else if (!(options.top && LEFT_OUT_FILES.has(entry.name)) && entry.name !== 'pg_internal.init') {
      files.push(() => copyOwned(source, target, options.user));
    }
  }
  // As many at once as the thread pool of Node serves anyway.
  for (let next = 0; next < files.length; next += 8) await Promise.all(files.slice(next, next + 8).map((copy) => copy()));
}

async function makeEmptyWal(directory: string, user: UnixUser | null): Promise<void> {
  await makeOwned(directory, user);
  await makeOwned(join(directory, 'archive_status'), user);
  await makeOwned(join(directory, 'summaries'), user);
}

async function copyOwned(source: string, target: string, user: UnixUser | null): Promise<void> {
  try {
    await copyFile(source, target);
    if (user !== null) await chown(target, user.uid, user.gid);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** Writes a file into a cluster as the server's own user would. */
export async function writeOwned(file: string, text: string, user: UnixUser | null): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
  if (user !== null) await chown(file, user.uid, user.gid);
}

export interface ControlFile {
  /** Ended by a clean shutdown, as a primary or as a standby. */
  readonly cleanShutdown: boolean;
  /** WAL position of the latest checkpoint record. */
  readonly checkpointLsn: bigint;
  readonly timeline: number;
}

/** Reads `global/pg_control`; the first fields of its layout have not changed since PostgreSQL 9.4 (`catalog/pg_control.h`). */
export async function readControlFile(directory: string): Promise<ControlFile> {
  const file = await open(join(directory, 'global', 'pg_control'));
  try {
    const bytes = Buffer.alloc(64);
    await file.read(bytes, 0, 64, 0);
    const state = bytes.readUInt32LE(16);
    return {
      cleanShutdown: state === 1 || state === 2,
      checkpointLsn: bytes.readBigUInt64LE(32),
      timeline: bytes.readUInt32LE(48),
    };
  } finally {
    await file.close();
  }
}

/** `0/3000158` as a number. */
export function parseLsn(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** A number as `0/3000158`. */
export function formatLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`;
}

export interface TimelineSwitch {
  readonly timeline: number;
  readonly lsn: bigint;
  readonly reason: string;
}

/** Where each earlier timeline ended, from the server's own history file. */
export async function readTimelineHistory(directory: string, timeline: number): Promise<readonly TimelineSwitch[]> {
  if (timeline < 2) return [];
  const file = join(directory, 'pg_wal', `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`);
  const text = await readFile(file, 'utf8');
  return text.split('\n').flatMap((line) => {
    const [id, lsn, reason] = line.split('\t');
    return id === undefined || lsn === undefined || !/^\d+$/.test(id)
      ? []
      : [{ timeline: Number(id), lsn: parseLsn(lsn), reason: reason ?? '' }];
  });
}

/** Id of the System V segment that a killed server leaves behind, from its `postmaster.pid`. */
export async function orphanedSharedMemory(directory: string): Promise<number | null> {
  try {
    const line = (await readFile(join(directory, 'postmaster.pid'), 'utf8')).split('\n')[6];
    const id = Number(line?.trim().split(/\s+/)[1]);
    return Number.isInteger(id) ? id : null;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Last kilobytes of a log, for error messages. */
export async function tailOf(file: string): Promise<string> {
  try {
    const text = await collect(createReadStream(file, 'utf8'));
    return text.slice(-800).trim();
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? '' : String(error);
  }
}
