/**
 * Which process a pid is. A pid alone is reused by the system; with the start time it names one process for ever, so that
 * `lab down` never signals a stranger.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { codeOf } from './lab-error.ts';

/** Token of the process's start, or null when there is no such process (a zombie counts as none). */
export function startToken(pid: number): string | null {
  return process.platform === 'linux' ? linuxStartToken(pid) : psStartToken(pid);
}

export function isSameProcess(pid: number, token: string): boolean {
  return startToken(pid) === token;
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return null;
    throw error;
  }
}

let bootId: string | null = null;

/** Fields of /proc/PID/stat after the command name, which may itself hold spaces and brackets. */
function statFields(pid: number): readonly string[] | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function linuxStartToken(pid: number): string | null {
  const fields = statFields(pid);
  if (fields === null || fields[0] === 'Z') return null;
  bootId ??= (readOrNull('/proc/sys/kernel/random/boot_id') ?? 'unknown').trim();
  // Field 22 of the file, in clock ticks since boot.
  return `${bootId}:${fields[19]}`;
}

function ps(args: readonly string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    if (error instanceof Error && 'status' in error) return '';
    throw error;
  }
}

function psStartToken(pid: number): string | null {
  const [state, ...started] = ps(['-o', 'state=,lstart=', '-p', String(pid)])
    .trim()
    .split(/\s+/);
  return state === undefined || state === '' || state.startsWith('Z') ? null : started.join(' ');
}

/** Pids of the direct children. */
export function childrenOf(pid: number): readonly number[] {
  if (process.platform !== 'linux') {
    return ps(['-A', '-o', 'pid=,ppid='])
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []));
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statFields(candidate)?.[1] === String(pid));
}

/** Title or command line of a process, as PostgreSQL sets it (`postgres: walsender ...`); empty when it is gone. */
export function commandOf(pid: number): string {
  if (process.platform !== 'linux') return ps(['-o', 'command=', '-p', String(pid)]).trim();
  return (readOrNull(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
}

// Ticks of /proc are 1/100 s on every Linux that Node supports (USER_HZ).
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** CPU time used so far, with the children that were waited for, in seconds. Null where the system does not tell cheaply. */
export function cpuSecondsOf(pid: number): number | null {
  const fields = process.platform === 'linux' ? statFields(pid) : null;
  if (fields === null) return null;
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0) / TICKS_PER_SECOND;
}

/** Resident memory in bytes; 0 when the process is gone. */
export function memoryBytesOf(pid: number): number {
  if (process.platform !== 'linux') return Number(ps(['-o', 'rss=', '-p', String(pid)]).trim() || 0) * 1024;
  const statm = readOrNull(`/proc/${pid}/statm`);
  return statm === null ? 0 : Number(statm.split(' ')[1] ?? 0) * PAGE_BYTES;
}

/** Sends a signal; false when the process is already gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}
