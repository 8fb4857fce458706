import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { labProgram } from '../../package-root.ts';
import type { LabConnection } from '../connection.ts';
import { LabError, messageOf } from '../lab-error.ts';
import { findLab, labDirectory } from '../lab-folder.ts';
import { type LabOptions, parseCount, parseLabName, parseRedisPolicy, parseSabotage } from '../options.ts';
import { startToken } from '../process-identity.ts';
import { type RunningLab, startLab } from '../supervisor.ts';

export interface UpFlags {
  readonly name: string;
  readonly dir?: string;
  readonly detach: boolean;
  readonly json: boolean;
  /** True when given without a pid. */
  readonly exitWithParent?: string | true;
  readonly workersMin: string;
  readonly workersMax: string;
  readonly synchronous: boolean;
  readonly redisMaxmemoryMib: string;
  readonly port?: string;
  readonly redisPolicy: string;
  readonly sabotage: readonly string[];
}

function optionsOf(flags: UpFlags): LabOptions {
  const name = parseLabName(flags.name);
  const known = findLab(name);
  if (known !== undefined) {
    throw new LabError(`the lab "${name}" is already there, in ${known.dir}`, {
      hint: `stop it with "lab down --name ${name}", or use another --name`,
    });
  }
  const workersMin = parseCount('--workers-min', flags.workersMin, { min: 1, max: 50 });
  return {
    name,
    dir: flags.dir === undefined ? labDirectory(name) : resolve(flags.dir),
    workersMin,
    workersMax: parseCount('--workers-max', flags.workersMax, { min: workersMin, max: 50 }),
    synchronous: flags.synchronous,
    redisMaxMemoryMiB: parseCount('--redis-maxmemory-mib', flags.redisMaxmemoryMib, { min: 4, max: 65_536 }),
    redisPolicy: parseRedisPolicy(flags.redisPolicy),
    ingressPort: flags.port === undefined ? null : parseCount('--port', flags.port, { min: 1, max: 65_535 }),
    sabotage: parseSabotage(flags.sabotage),
    parentPid: parentOf(flags),
  };
}

function parentOf({ exitWithParent }: UpFlags): number | null {
  if (exitWithParent === undefined) return null;
  if (exitWithParent === true) return process.ppid;
  return parseCount('--exit-with-parent', exitWithParent, { min: 1, max: 2 ** 31 });
}

export async function runUp(flags: UpFlags): Promise<void> {
  const options = optionsOf(flags);
  if (flags.detach) {
    print(await startDetached(options), flags);
    return;
  }
  const running = await supervise(options, (line) => process.stderr.write(`${line}\n`));
  if (running === null) return;
  print(running.lab.connection, flags);
  await running.ended;
}

function print(connection: LabConnection, { json }: UpFlags): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(connection)}\n`);
    return;
  }
  const lines = [
    [
      'Odoo',
      `${connection.odooUrl}  database ${connection.database}, login ${connection.login}, password in ${connection.passwordFile}`,
    ],
    ['Kubernetes', `kubectl --kubeconfig ${connection.kubeconfig} -n ${connection.namespace} get pods,deploy,hpa`],
    ['Patroni', connection.patroniUrls.join('  ')],
    ['PostgreSQL', `${connection.postgresUrl}  user ${connection.postgresUser}, password in ${connection.postgresPasswordFile}`],
    ['Redis', connection.redisUrl],
    ['Ingress', connection.ingressHealthUrl],
    ['Log', connection.logFile],
    ['Stop', `lab down --name ${connection.name}`],
  ];
  for (const [label = '', value = ''] of lines) process.stdout.write(`${label.padEnd(11)} ${value}\n`);
}

/** What the detached supervisor tells the command that started it. */
type SupervisorMessage =
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'ready'; readonly connection: LabConnection }
  | { readonly kind: 'failed'; readonly message: string; readonly hint: string | null };

async function startDetached(options: LabOptions): Promise<LabConnection> {
  const scratch = mkdtempSync(join(tmpdir(), 'peakproof-lab-up-'));
  const output = join(scratch, 'output');
  const descriptor = openSync(output, 'w', 0o600);
  try {
    const child = spawn(process.execPath, [labProgram('processes/main'), 'supervise', JSON.stringify(options)], {
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
export async function runSupervise(text: string): Promise<void> {
  const tell = (message: SupervisorMessage): void => {
    if (process.connected) process.send?.(message);
  };
  process.on('disconnect', () => undefined);
  process.chdir('/');
  try {
    const running = await supervise(JSON.parse(text) as LabOptions, (line) => tell({ kind: 'progress', line }));
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

interface Supervised {
  readonly lab: RunningLab;
  /** Resolves when the lab was told to stop and is gone. */
  readonly ended: Promise<void>;
}

const PARENT_CHECK_MS = 500;

/** Runs a lab in this process until a signal, or the end of the process that it depends on. Null: told to stop before it was up. */
async function supervise(options: LabOptions, progress: (line: string) => void): Promise<Supervised | null> {
  const told = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => told.resolve());
  const watch = watchParent(options.parentPid, () => told.resolve());
  const starting = startLab(options, progress);
  const lab = await Promise.race([starting, told.promise.then(() => null)]);
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
