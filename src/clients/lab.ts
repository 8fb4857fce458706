/**
 * The lab as seen from the harness: a program that is started and prints where its parts are. Nothing of it is imported, so
 * that it stays able to catch us out.
 */
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { HarnessError } from '../errors.ts';
import type { LabConnection } from '../model/connections.ts';
import type { LabPlace, LabTarget } from '../model/plan.ts';
import { packageRoot } from './package-root.ts';

/** A cold start fetches and unpacks a Redis and copies PostgreSQL. */
const LAB_UP_TIMEOUT_MS = 300_000;
const LAB_DOWN_TIMEOUT_MS = 60_000;
/** A node whose programs are not in the cache yet is built first. */
const KUBERNETES_UP_TIMEOUT_MS = 2_700_000;
const KUBERNETES_DOWN_TIMEOUT_MS = 180_000;

export interface RunningLab {
  readonly connection: LabConnection;
  /** Leaves nothing behind. Safe to call twice. */
  stop(): Promise<void>;
}

export interface StartLabOptions {
  readonly spec: LabTarget;
  readonly name: string;
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Runs the lab's own program, from source or built, as this code itself runs. */
export function runLabProgram(
  args: readonly string[],
  options: { readonly inherit: boolean; readonly timeoutMs?: number; readonly signal?: AbortSignal },
): ResultPromise {
  const program = import.meta.url.endsWith('.ts')
    ? join(packageRoot(), 'lab/processes/main.ts')
    : join(packageRoot(), 'dist/lab/processes/main.js');
  return execa(process.execPath, [program, ...args], {
    stdin: options.inherit ? 'inherit' : 'ignore',
    stdout: options.inherit ? 'inherit' : 'pipe',
    stderr: options.inherit ? 'inherit' : 'pipe',
    reject: false,
    ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
    ...(options.signal && { cancelSignal: options.signal }),
  });
}

/** Starts a lab that goes away with this process even when that is killed. @throws HarnessError ERR_LAB */
export async function startLab({ spec, name, onProgress, signal }: StartLabOptions): Promise<RunningLab> {
  const sabotage = Object.entries(spec.sabotage).flatMap(([key, value]) => [
    '--sabotage',
    value === true ? key : `${key}=${value}`,
  ]);
  const args = [
    ...['up', '--detach', '--json', '--name', name, '--exit-with-parent', String(process.pid)],
    ...['--workers-min', String(spec.workers.min), '--workers-max', String(spec.workers.max)],
    ...['--redis-maxmemory-mib', String(spec.redisMaxMemoryMiB), '--redis-policy', spec.redisPolicy],
    ...placeOf(spec),
    ...(spec.nodes === undefined ? [] : ['--nodes', String(spec.nodes)]),
    ...(spec.synchronousReplication ? ['--synchronous'] : []),
    ...sabotage,
  ];
  const child = runLabProgram(args, {
    inherit: false,
    timeoutMs: spec.on === undefined ? LAB_UP_TIMEOUT_MS : KUBERNETES_UP_TIMEOUT_MS,
    ...(signal && { signal }),
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) if (line.trim() !== '') onProgress?.(line.trim());
  });
  const result = await child;
  if (result.exitCode !== 0) {
    await stopLab(name, spec.on);
    if (signal?.aborted) throw signal.reason;
    throw new HarnessError(
      'ERR_LAB',
      `the lab did not come up: ${lastLines(String(result.stderr ?? result.shortMessage ?? ''))}`,
      {
        hint: 'see "peakproof doctor" for what the lab needs, and "peakproof lab status"',
      },
    );
  }
  const connection = JSON.parse(String(result.stdout)) as LabConnection;
  return { connection, stop: () => stopLab(name, spec.on) };
}

function placeOf({ on }: LabTarget): readonly string[] {
  if (on === undefined) return [];
  const { context, registry } = on;
  if (context === undefined) return ['--on', 'kubernetes', '--node'];
  return ['--on', 'kubernetes', '--context', context, ...(registry === undefined ? [] : ['--registry', registry])];
}

export async function stopLab(name: string, on?: LabPlace): Promise<void> {
  const timeoutMs = on === undefined ? LAB_DOWN_TIMEOUT_MS : KUBERNETES_DOWN_TIMEOUT_MS;
  const result = await runLabProgram(['down', '--name', name], { inherit: false, timeoutMs });
  if (result.exitCode !== 0)
    throw new HarnessError('ERR_LAB', `the lab "${name}" did not stop: ${lastLines(String(result.stderr ?? ''))}`, {
      hint: `try "peakproof lab down --name ${name}" again`,
    });
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-3).join(' | ');
