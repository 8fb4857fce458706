/** The node's daemons: started, recorded, stopped and started again. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../../processes/lab-error.ts';
import { signalProcess, startToken } from '../../processes/process-identity.ts';
import { awaitCondition } from '../../processes/wait.ts';
import { ROOT_PATH } from './debian-packages.ts';
import { isServiceRunning, recordService, type ServiceRecord, type StateFiles, serviceRecords, stateFiles } from './state.ts';
import type { NodeConnection, NodeServices } from './types.ts';

/** Every daemon carries the state folder in its environment: that finds it, and what it started, whatever else was lost. */
export const MARK = 'PEAKPROOF_NODE_STATE';

const STOP_DEADLINE_MS = 10_000;

export interface ServiceCommand {
  readonly name: NodeServices;
  readonly program: string;
  readonly args: readonly string[];
}

/** Starts a daemon in a process group of its own that outlives this process; its output goes to `logs/NAME.log`. */
export function launch(files: StateFiles, command: ServiceCommand): ServiceRecord {
  const log = openSync(join(files.logs, `${command.name}.log`), 'a', 0o640);
  // A stricter mask of the caller would reach the files in containers' roots, which other users must read.
  const umask = process.umask(0o022);
  try {
    const child = spawn(command.program, [...command.args], {
      cwd: files.dir,
      detached: true,
      stdio: ['ignore', log, log],
      env: { PATH: ROOT_PATH, HOME: '/root', [MARK]: files.dir },
    });
    child.unref();
    // The next wait tells it by name; without a listener the process would end here.
    child.once('error', () => {});
    const token = child.pid === undefined ? null : startToken(child.pid);
    if (child.pid === undefined || token === null) {
      throw new LabError(`${command.name} ended at once (${command.program}): ${logEnd(files, command.name)}`);
    }
    const record: ServiceRecord = { ...command, pid: child.pid, token };
    recordService(files, record);
    return record;
  } finally {
    process.umask(umask);
    closeSync(log);
  }
}

/** The last lines of a daemon's log, for a message. */
export function logEnd(files: StateFiles, name: string, lines = 3): string {
  const file = join(files.logs, `${name}.log`);
  if (!existsSync(file)) return 'it wrote nothing';
  const text = readFileSync(file, 'utf8').trim();
  return text === '' ? 'it wrote nothing' : text.split('\n').slice(-lines).join(' | ').slice(-900);
}

/** Waits for a daemon to answer; when it has ended instead, says so at once with the end of its log. */
export async function awaitService<T>(
  files: StateFiles,
  record: ServiceRecord,
  probe: () => Promise<T | undefined>,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<T> {
  const ended = Symbol('ended');
  const value = await awaitCondition<T | typeof ended>(
    `${record.name} to answer (log: ${join(files.logs, `${record.name}.log`)})`,
    () => (isServiceRunning(record) ? probe() : ended),
    { everyMs: 100, ...options },
  );
  if (value === ended) throw new LabError(`${record.name} ended while it was started: ${logEnd(files, record.name)}`);
  return value as T;
}

function requireRecord(files: StateFiles, name: NodeServices): ServiceRecord {
  const record = serviceRecords(files).find((candidate) => candidate.name === name);
  if (record !== undefined) return record;
  const known = serviceRecords(files).map((candidate) => candidate.name);
  throw new LabError(`the node in ${files.dir} has no daemon "${name}"; it has ${known.join(', ') || 'none'}`);
}

/** Stops one daemon of a running node, and only that: a test's way to take the API or the metrics away. */
export async function stopService(connection: Pick<NodeConnection, 'stateDir'>, name: NodeServices): Promise<void> {
  await stopRecord(requireRecord(stateFiles(connection.stateDir), name));
}

/** Starts a daemon again as it was started before. Does nothing when it runs. */
export async function startService(connection: Pick<NodeConnection, 'stateDir'>, name: NodeServices): Promise<void> {
  const files = stateFiles(connection.stateDir);
  const record = requireRecord(files, name);
  if (!isServiceRunning(record)) launch(files, { name, program: record.program, args: record.args });
}

async function stopRecord(record: ServiceRecord): Promise<void> {
  if (!isServiceRunning(record)) return;
  signalProcess(record.pid, 'SIGTERM');
  const gone = (): true | undefined => (isServiceRunning(record) ? undefined : true);
  try {
    await awaitCondition(`${record.name} (process ${record.pid}) to end`, gone, { timeoutMs: STOP_DEADLINE_MS });
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    signalProcess(record.pid, 'SIGKILL');
    await awaitCondition(`${record.name} (process ${record.pid}) to end after SIGKILL`, gone, { timeoutMs: STOP_DEADLINE_MS });
  }
}
