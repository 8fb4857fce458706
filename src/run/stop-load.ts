/** The load generator of a run whose harness was killed: bounded by itself, but a rollback does not wait for that. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandPort } from '../clients/ports.ts';
import { HarnessError } from '../errors.ts';

/** In the folder of each runner, while it runs. */
export const PROCESS_FILE = 'process.json';
const LOOK_TIMEOUT_MS = 5_000;

/** Stops every recorded load generator that is still the process it was. @returns what was stopped, one line each. */
export async function stopOrphanedLoad(runDir: string, commands: CommandPort): Promise<string[]> {
  const stopped: string[] = [];
  for (const runner of await readdir(join(runDir, 'load'))) {
    const pid = await readPid(join(runDir, 'load', runner, PROCESS_FILE));
    if (pid === undefined || !(await isOurs(pid, commands))) continue;
    process.kill(pid, 'SIGKILL');
    stopped.push(`load generator ${runner} (pid ${pid}) stopped`);
  }
  return stopped;
}

async function readPid(path: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const { pid } = JSON.parse(text) as { readonly pid?: unknown };
  if (typeof pid !== 'number') throw new HarnessError('ERR_RUN_FOLDER', `${path} names no process`);
  return pid;
}

/** A pid is reused: the command line tells whether it is still k6 on our scenarios. */
async function isOurs(pid: number, commands: CommandPort): Promise<boolean> {
  return /scenarios[/\\]main\.ts/.test((await commandLineFromProc(pid)) ?? (await commandLineFromPs(pid, commands)));
}

/** Linux, also where no `ps` is installed. */
async function commandLineFromProc(pid: number): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
    throw error;
  }
}

async function commandLineFromPs(pid: number, commands: CommandPort): Promise<string> {
  if (process.platform === 'linux') return '';
  const looked = await commands.run(['ps', '-o', 'args=', '-p', String(pid)], { timeoutMs: LOOK_TIMEOUT_MS });
  return looked.exitCode === 0 ? looked.output : '';
}
