/** A lab's supervisor: in this process until a signal, or in a detached one that tells by IPC how it gets on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labProgram } from '../package-root.ts';
import type { LabConnection } from './connection.ts';
import { LabError, messageOf } from './lab-error.ts';
import { startToken } from './process-identity.ts';

export interface RunningLab {
  readonly connection: LabConnection;
  /** Leaves no process, port or folder behind. Safe to call twice. */
  stop(): Promise<void>;
}

/** Starts a lab and resolves when it takes requests. `progress` gets one line a step; an abort makes it give up and clean up. */
export type StartLab = (progress: (line: string) => void, signal: AbortSignal) => Promise<RunningLab>;

/** What the detached supervisor tells the command that started it. */
type SupervisorMessage =
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'ready'; readonly connection: LabConnection }
  | { readonly kind: 'failed'; readonly message: string; readonly hint: string | null };

/** Starts `PROGRAM supervise OPTIONS` and returns when its lab is ready; the supervisor goes on. */
export async function startDetached(program: string, options: object): Promise<LabConnection> {
  const scratch = mkdtempSync(join(tmpdir(), 'peakproof-lab-up-'));
  const output = join(scratch, 'output');
  const descriptor = openSync(output, 'w', 0o600);
  try {
    const child = spawn(process.execPath, [labProgram(program), 'supervise', JSON.stringify(options)], {
      detached: true,
      stdio: ['ignore', descriptor, descriptor, 'ipc'],
    });
    const forward = (): void => void (child.pid !== undefined && process.kill(child.pid, 'SIGTERM'));
    process.once('SIGINT', forward);
    process.once('SIGTERM', forward);
    const connection = await answerOf(child, () => (existsSync(output) ? readFileSync(output, 'utf8') : ''));
    process.off('SIGINT', forward);
    process.off('SIGTERM', forward);
    child.disconnect();
    child.unref();
    return connection;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function answerOf(child: ChildProcess, output: () => string): Promise<LabConnection> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: SupervisorMessage) => {
      if (message.kind === 'progress') process.stderr.write(`${message.line}\n`);
      else if (message.kind === 'ready') resolve(message.connection);
      else reject(new LabError(message.message, message.hint === null ? {} : { hint: message.hint }));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new LabError(`the lab's supervisor ended with ${code ?? signal}: ${output().slice(-800)}`)),
    );
  });
}

/** Body of the detached process. */
export async function runDetached(start: StartLab, parentPid: number | null): Promise<void> {
  const tell = (message: SupervisorMessage): void => {
    if (process.connected) process.send?.(message);
  };
  process.on('disconnect', () => undefined);
  process.chdir('/');
  try {
    const running = await supervise(start, parentPid, (line) => tell({ kind: 'progress', line }));
    if (running === null) return;
    tell({ kind: 'ready', connection: running.lab.connection });
    await running.ended;
  } catch (error) {
    tell({ kind: 'failed', message: messageOf(error), hint: error instanceof LabError ? (error.hint ?? null) : null });
    process.exitCode = 5;
  } finally {
    if (process.connected) process.disconnect?.();
  }
}

export interface Supervised {
  readonly lab: RunningLab;
  /** Resolves when the lab was told to stop and is gone. */
  readonly ended: Promise<void>;
}

const PARENT_CHECK_MS = 500;

/** Runs a lab in this process until a signal, or the end of the process that it depends on. Null: told to stop before it was up. */
export async function supervise(
  start: StartLab,
  parentPid: number | null,
  progress: (line: string) => void,
): Promise<Supervised | null> {
  const told = Promise.withResolvers<void>();
  const abort = new AbortController();
  const stop = (): void => {
    abort.abort(new LabError('told to stop'));
    told.resolve();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // A lab whose parts are all elsewhere leaves nothing here that would keep this process alive.
  const watch = watchParent(parentPid, stop) ?? setInterval(() => undefined, 60_000);
  const starting = start(progress, abort.signal);
  const lab = await Promise.race([starting, told.promise.then(() => null)]).catch((error: unknown) => {
    clearInterval(watch);
    throw error;
  });
  if (lab === null) {
    await starting.then(
      (late) => late.stop(),
      () => undefined,
    );
    clearInterval(watch);
    return null;
  }
  const ended = told.promise.then(() => lab.stop()).finally(() => clearInterval(watch));
  return { lab, ended };
}

function watchParent(pid: number | null, onGone: () => void): NodeJS.Timeout | undefined {
  if (pid === null) return undefined;
  const token = startToken(pid);
  if (token === null) throw new LabError(`--exit-with-parent ${pid}: there is no such process`);
  return setInterval(() => {
    if (startToken(pid) !== token) onGone();
  }, PARENT_CHECK_MS);
}
