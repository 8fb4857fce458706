/** The k6 program: found, asked for its version, built, and run. The only place that starts it. */
import { accessSync, constants, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { HarnessError } from '../errors.ts';

/** `k6 version` answers in well under a second; a disk that is busy with a build takes longer. */
const VERSION_DEADLINE_MS = 20_000;
/** Two cores build it in about two minutes from an empty build cache (docs/reference/platform-behaviour.md 1.1). */
const BUILD_DEADLINE_MS = 15 * 60_000;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The first executable file of that name on PATH. */
export function findOnPath(name: string, env: Environment): string | null {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  for (const folder of (env.PATH ?? env.Path ?? '').split(delimiter)) {
    const path = join(folder, file);
    if (folder !== '' && isExecutable(path)) return path;
  }
  return null;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

/** `2.2.0`, or null when the program does not say that it is k6. */
export async function fetchK6Version(path: string): Promise<string | null> {
  const result = await execa(path, ['version'], { reject: false, timeout: VERSION_DEADLINE_MS, stdin: 'ignore' });
  return /\bk6 v(\d+\.\d+\.\d+)/.exec(result.stdout)?.[1] ?? null;
}

export interface K6Module {
  readonly version: string;
  /** Import path without version, `go.k6.io/k6/v2`. */
  readonly module: string;
  /** Lines of go.sum that pin the module's content. */
  readonly sums: readonly string[];
}

export interface BuildOptions {
  readonly env: Environment;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Builds k6 from a module of three lines in `folder`, which the caller made and removes. Returns the program's path. */
export async function buildK6(go: string, module: K6Module, folder: string, options: BuildOptions): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'go.mod'),
    `module peakproof.local/k6\n\ngo 1.25.0\n\nrequire ${module.module} v${module.version}\n`,
  );
  await writeFile(join(folder, 'go.sum'), `${module.sums.join('\n')}\n`);
  await writeFile(join(folder, 'main.go'), `package main\n\nimport "${module.module}/cmd"\n\nfunc main() { cmd.Execute() }\n`);
  const binary = join(folder, process.platform === 'win32' ? 'k6.exe' : 'k6');
  const args = ['build', '-mod=mod', '-ldflags=-s -w', '-v', '-o', binary, '.'];
  const child = execa(go, args, {
    cwd: folder,
    env: { ...options.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: BUILD_DEADLINE_MS,
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  const tail: string[] = [];
  let packages = 0;
  for await (const line of child.iterable({ from: 'stderr' })) {
    tail.push(line);
    if (tail.length > 5) tail.shift();
    packages += 1;
    if (packages % 25 === 0 || line.startsWith('go: downloading')) options.onProgress(`building k6 ${module.version}: ${line}`);
  }
  const result = await child.catch((error: unknown) => ({ exitCode: undefined, cause: error }));
  options.signal?.throwIfAborted();
  if (result.exitCode === 0) return binary;
  throw new HarnessError('ERR_TOOL_MISSING', `"${go} build" of k6 ${module.version} failed: ${tail.join(' | ')}`);
}

export interface K6Process {
  readonly pid: number | undefined;
  /** Both streams of the program, as they come. */
  readonly output: Readable;
  readonly exited: Promise<K6Exit>;
  kill(signal: 'SIGINT' | 'SIGKILL'): void;
}

export interface K6Exit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The program could not be started. */
  readonly error: string | null;
}

/** Starts k6 in a process group of its own: the terminal's Ctrl-C is the harness's to handle. `env` is all that it sees. */
export function startK6(
  path: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Environment },
): K6Process {
  const child = execa(path, args, {
    cwd: options.cwd,
    env: { ...options.env },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    buffer: false,
    all: true,
    detached: process.platform !== 'win32',
  });
  const exited = child.then(
    (result): K6Exit => ({
      exitCode: result.exitCode ?? null,
      signal: result.signal ?? null,
      error:
        result.failed && result.exitCode === undefined && result.signal === undefined
          ? (result.originalMessage ?? 'unknown')
          : null,
    }),
    (error: unknown): K6Exit => ({ exitCode: null, signal: null, error: String(error) }),
  );
  return { pid: child.pid, output: child.all, exited, kill: (signal) => void child.kill(signal) };
}
