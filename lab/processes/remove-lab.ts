/** Takes away whatever is left of a lab: processes by pid and start time, then its folders. Safe to run twice, or twice at once. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from './lab-error.ts';
import { listLabs, livingProcesses, type ProcessRecord, recordedFolders, registryFile } from './lab-folder.ts';
import { killServer, removeOrphanedSharedMemory } from './postgres/member.ts';
import { isSameProcess, signalProcess } from './process-identity.ts';
import { awaitCondition, WAITS } from './wait.ts';

export interface RemovalOptions {
  /** `ask`: let a living supervisor stop its lab in good order first. */
  readonly supervisor: 'ask' | 'gone';
}

export interface Removal {
  /** Processes that had to be stopped besides the supervisor's own tidying. */
  readonly stopped: readonly ProcessRecord[];
}

export async function removeLab(dir: string, options: RemovalOptions): Promise<Removal> {
  if (options.supervisor === 'ask') await stopSupervisor(dir);
  const stopped = livingProcesses(dir).filter((record) => record.pid !== process.pid);
  for (const record of stopped) {
    // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
    signalProcess(record.pid, record.role === 'postgres' ? 'SIGINT' : 'SIGTERM');
    // A stopped process (SIGSTOP by a test) acts on a signal only when it goes on.
    signalProcess(record.pid, 'SIGCONT');
  }
  await Promise.all(stopped.map((record) => finish(record)));
  await removeFolders(dir);
  return { stopped };
}

async function stopSupervisor(dir: string): Promise<void> {
  const supervisor = livingProcesses(dir).find(({ role }) => role === 'supervisor');
  if (supervisor === undefined) return;
  signalProcess(supervisor.pid, 'SIGTERM');
  try {
    await awaitGone(supervisor, WAITS.supervisorGone);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    signalProcess(supervisor.pid, 'SIGKILL');
    await awaitGone(supervisor, WAITS.processGone);
  }
}

async function finish(record: ProcessRecord): Promise<void> {
  try {
    await awaitGone(record, WAITS.processGone);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    if (!isSameProcess(record.pid, record.token)) return;
    if (record.role === 'postgres') killServer(record.pid);
    else signalProcess(record.pid, 'SIGKILL');
    await awaitGone(record, WAITS.processGone);
  }
}

async function awaitGone(record: ProcessRecord, timeoutMs: number): Promise<void> {
  await awaitCondition(
    `process ${record.pid} (${record.role} ${record.name}) to end`,
    () => (isSameProcess(record.pid, record.token) ? undefined : true),
    { timeoutMs },
  );
}

async function removeFolders(dir: string): Promise<void> {
  const outside = recordedFolders(dir);
  for (const folder of outside) {
    await removeOrphanedSharedMemory(join(folder, 'postgres-0', 'data'));
    await removeOrphanedSharedMemory(join(folder, 'postgres-1', 'data'));
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  for (const { name } of listLabs().filter((lab) => lab.dir === dir)) await rm(registryFile(name), { force: true });
}
