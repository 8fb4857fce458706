/** Takes the node away: processes, mounts, networks, rules, cgroups, folders. Each step may have been done before. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../processes/lab-error.ts';
import { signalProcess, startToken } from '../../processes/process-identity.ts';
import { awaitCondition } from '../../processes/wait.ts';
import { cgroupProcesses, mounts, removeCgroups, thawCgroups } from './cgroups.ts';
import { hostProgram, removeOwnPolicy } from './debian-packages.ts';
import { type HostBefore, restoreHost } from './host.ts';
import { run } from './run.ts';
import { MARK } from './services.ts';
import { defaultStateDir, type StateFiles, stateFiles, takeLock } from './state.ts';

const STEP_DEADLINE_MS = 20_000;

export interface Removal {
  /** False when there was nothing. */
  readonly removed: boolean;
  readonly stoppedProcesses: number;
}

/** Stops and removes the node in that folder, however far its bring-up came. No node is no error. */
export async function nodeDown(
  options: { readonly stateDir?: string; readonly onProgress?: (line: string) => void } = {},
): Promise<Removal> {
  const files = stateFiles(options.stateDir ?? defaultStateDir());
  rmSync(failedLogsDir(files), { recursive: true, force: true });
  removeOwnPolicy();
  if (!existsSync(files.dir)) return { removed: false, stoppedProcesses: 0 };
  const release = takeLock(files, 'down');
  try {
    options.onProgress?.(`removing the node in ${files.dir}`);
    return { removed: true, stoppedProcesses: await takeDown(files) };
  } finally {
    release();
  }
}

/** Where the logs of a bring-up that failed are kept, until the next `nodeDown`. */
export function failedLogsDir(files: StateFiles): string {
  return `${files.dir}-failed-logs`;
}

export function keepLogs(files: StateFiles): void {
  if (!existsSync(files.logs)) return;
  rmSync(failedLogsDir(files), { recursive: true, force: true });
  cpSync(files.logs, failedLogsDir(files), { recursive: true });
}

/** The work of `nodeDown`, for whoever holds the lock. Returns how many processes it stopped. */
export async function takeDown(files: StateFiles, options: { readonly keepLock?: boolean } = {}): Promise<number> {
  const stopped = await killEverything(files.dir);
  await unmountBelow(files.dir);
  if (existsSync(files.host)) {
    const before = JSON.parse(readFileSync(files.host, 'utf8')) as HostBefore;
    await removePodLinks(before);
    await restoreHost(before, files.dir);
  }
  await awaitCondition('the cgroups of the pods to be empty', () => (removeCgroups(files.dir).length === 0 ? true : undefined), {
    timeoutMs: STEP_DEADLINE_MS,
    everyMs: 50,
  });
  await removeFolder(files, options.keepLock ?? false);
  return stopped;
}

/** Daemons and shims are known by their environment, containers by their cgroup. New ones may appear while these end. */
async function killEverything(dir: string): Promise<number> {
  const seen = new Set<number>();
  await awaitCondition(
    'the processes of the node to end',
    () => {
      const living = livingProcesses(dir);
      if (living.length === 0) return true;
      thawCgroups(dir);
      for (const pid of living) {
        seen.add(pid);
        signalProcess(pid, 'SIGKILL');
      }
      return undefined;
    },
    { timeoutMs: STEP_DEADLINE_MS, everyMs: 50 },
  );
  return seen.size;
}

/** Pids of all that belongs to the node in that folder. */
export function livingProcesses(dir: string): readonly number[] {
  const marked = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => environmentOf(pid).includes(`${MARK}=${dir}`));
  return [...new Set([...marked, ...cgroupProcesses(dir)])].filter((pid) => pid !== process.pid && startToken(pid) !== null);
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return [];
    throw error;
  }
}

function mountsBelow(dir: string): readonly string[] {
  return mounts()
    .map(({ path }) => path)
    .filter((path) => path.startsWith(`${dir}/`))
    .toReversed();
}

async function unmountBelow(dir: string): Promise<void> {
  await awaitCondition(
    `the mounts below ${dir} to go`,
    async () => {
      const paths = mountsBelow(dir);
      if (paths.length === 0) return true;
      // 32: some could not be unmounted, because something still uses them or because another one lies above.
      await run(hostProgram('umount'), [...paths], { okCodes: [1, 32, 64] });
      const stubborn = mountsBelow(dir);
      if (stubborn.length > 0) await run(hostProgram('umount'), ['--lazy', ...stubborn], { okCodes: [1, 32, 64] });
      return undefined;
    },
    { timeoutMs: STEP_DEADLINE_MS, everyMs: 20 },
  );
}

/** The host's ends of the pods' links go with the pods' network namespaces, unless something else holds one of those. */
async function removePodLinks({ addresses }: HostBefore): Promise<void> {
  const ip = hostProgram('ip');
  await awaitCondition(
    'the network links of the pods to go',
    async () => {
      const lines = (await run(ip, ['-4', '-o', 'addr', 'show', 'to', addresses.podRange]))
        .split('\n')
        .filter((line) => line !== '');
      if (lines.length === 0) return true;
      for (const line of lines) {
        const link = /^\d+: (\S+)/.exec(line)?.[1];
        if (link !== undefined) await run(ip, ['link', 'del', link], { okCodes: [1, 2] });
      }
      return undefined;
    },
    { timeoutMs: STEP_DEADLINE_MS, everyMs: 50 },
  );
}

/** What the host was like goes last: until then a second `nodeDown` can finish what a killed one began. */
async function removeFolder(files: StateFiles, keepLock: boolean): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 };
  for (const name of existsSync(files.dir) ? readdirSync(files.dir) : []) {
    const path = join(files.dir, name);
    if (path !== files.host && path !== files.lock) await rm(path, options);
  }
  await rm(keepLock ? files.host : files.dir, options);
}
