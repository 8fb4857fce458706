/** Runs `peakproof` as a user does: as a process, with an own folder for runs that is removed afterwards. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { packageRoot } from '../../src/clients/package-root.ts';

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Environment without what a test must not inherit. */
export function cleanEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { NODE_OPTIONS: _options, VITEST: _vitest, FORCE_COLOR: _color, ...rest } = process.env;
  return { ...(rest as Record<string, string>), NO_COLOR: '1', ...extra };
}

export function spawnCli(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>>; readonly timeoutMs?: number },
): ResultPromise {
  return execa(process.execPath, [join(packageRoot(), 'src/cli/main.ts'), ...args], {
    cwd: options.cwd,
    env: cleanEnv(options.env),
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: options.timeoutMs ?? 240_000,
    forceKillAfterDelay: 30_000,
  });
}

export async function runCli(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>>; readonly timeoutMs?: number },
): Promise<CliResult> {
  const result = await spawnCli(args, options);
  return { exitCode: result.exitCode ?? -1, stdout: String(result.stdout ?? ''), stderr: String(result.stderr ?? '') };
}

/** A folder for one test, removed when the test is over, whatever its end. */
export async function withFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'peakproof-test-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function writePlan(dir: string, text: string): Promise<string> {
  const path = join(dir, 'plan.yaml');
  await writeFile(path, text);
  return path;
}
