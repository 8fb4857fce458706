/** Runs k6 on a plan's scenarios: one process, one folder `load/<runner>/`, one {@link RunnerRecord} at the end. */
import { createWriteStream } from 'node:fs';
import { mkdir, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { type Environment, type K6Process, startK6 } from '../clients/k6-binary.ts';
import { packageRoot } from '../clients/package-root.ts';
import { HarnessError } from '../errors.ts';
import type { LoadInput } from '../model/catalogue.ts';
import type { ScenarioSpec } from '../model/plan.ts';
import type { RunnerRecord } from '../model/run-records.ts';
import { explainExit } from './k6-exit.ts';
import { createK6LogReader } from './k6-log.ts';
import { latestEndMs, plannedEndMs, plannedIterations } from './planned.ts';
import type { K6Binary } from './resolve-k6.ts';

export interface RunLoadOptions {
  readonly k6: Pick<K6Binary, 'path' | 'version'>;
  /** Name of the runner and of its folder. */
  readonly runner: string;
  readonly runnerDir: string;
  readonly input: LoadInput;
  /** Goes to k6 through its environment only. */
  readonly password: string;
  readonly env: Environment;
  /** Aborting is the same as `stop()`. */
  readonly signal?: AbortSignal;
  /** From `stop()` to SIGKILL; k6 closes POS sessions meanwhile. */
  readonly stopGraceMs?: number;
}

export interface LoadEnd extends RunnerRecord {
  /** What the exit means, one sentence. */
  readonly detail: string;
  /** Set when the load cannot be judged: the harness, not the target, went wrong. */
  readonly problem: HarnessError | null;
}

export interface RunningLoad {
  readonly pid: number | undefined;
  /** Resolves with the instant that arrival times count from. Rejects with HarnessError when k6 ends before. */
  readonly started: Promise<number>;
  /** Resolves when k6 has ended and `runner.json` is written; never rejects for what k6 did. */
  readonly ended: Promise<LoadEnd>;
  stop(): void;
}

/** Start of the program, reading of the catalogue, VUs made, login (setup gives up after 120 s by itself). */
const START_DEADLINE_MS = 180_000;
/** Of `scenarios/main.ts`. */
const TEARDOWN_MS = 120_000;
const STOP_GRACE_MS = 30_000;
/** k6 that ends more than this before its last arrival has ended too early. */
const EARLY_SLACK_MS = 1_500;
/** Of Node: a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Below this there is no point in starting: an hour of samples has more. */
const MIN_FREE_BYTES = 64 * 2 ** 20;

/** @throws HarnessError ERR_DISK before anything is started. */
export async function runLoad(options: RunLoadOptions): Promise<RunningLoad> {
  const { runnerDir, input } = options;
  const inputFile = join(runnerDir, 'load.json');
  try {
    await mkdir(runnerDir, { recursive: true });
    const { bavail, bsize } = await statfs(runnerDir);
    if (bavail * bsize < MIN_FREE_BYTES) throw new Error(`only ${Math.floor((bavail * bsize) / 2 ** 20)} MiB are free`);
    await writeFile(inputFile, JSON.stringify(input, null, 1));
    await writeFile(join(runnerDir, 'k6-config.json'), '{}\n');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HarnessError('ERR_DISK', `${runnerDir} cannot take the load's samples: ${reason}`, {
      cause,
      hint: 'free some space, or choose another folder for runs',
    });
  }
  const spawnedAt = Date.now();
  const child = startK6(options.k6.path, k6Arguments(), { cwd: runnerDir, env: k6Environment(options, inputFile) });
  return follow(child, options, spawnedAt);
}

function k6Arguments(): string[] {
  return [
    'run',
    '--no-usage-report',
    '--no-color',
    '--quiet',
    '--log-format=json',
    // Nothing of the machine's own k6 settings may change the load.
    '--config=k6-config.json',
    '--address=',
    '--out=csv=samples.csv',
    join(packageRoot(), 'scenarios', 'main.ts'),
  ];
}

/** Share of its live heap, %, that k6 fills before Go collects garbage, and the memory per VU that bounds it (a VU has 1-3 MiB). */
const GC_PERCENT = 800;
const MEMORY_MIB = 512;
const MEMORY_PER_VU_MIB = 4;

/**
 * k6 has a small live heap and makes garbage with every message: with Go's default of GOGC=100 a quarter of its CPU is garbage
 * collection. The limit is soft: beyond it Go collects more often, it does not fail.
 */
export function k6Memory(scenarios: readonly ScenarioSpec[]): { readonly GOGC: string; readonly GOMEMLIMIT: string } {
  const vus = scenarios.reduce((sum, spec) => sum + spec.maxVus, 0);
  return { GOGC: String(GC_PERCENT), GOMEMLIMIT: `${MEMORY_MIB + MEMORY_PER_VU_MIB * vus}MiB` };
}

/** Variables that k6 takes for options (`K6_VUS`, `K6_DURATION`, ...) would replace the plan's scenarios: none is passed on. */
export function k6Environment(options: Pick<RunLoadOptions, 'env' | 'password' | 'input'>, inputFile: string): Environment {
  const kept = Object.entries(options.env).filter(([name]) => !name.startsWith('K6_'));
  return {
    ...Object.fromEntries(kept),
    K6_CSV_TIME_FORMAT: 'unix_micro',
    ...k6Memory(options.input.scenarios),
    PEAKPROOF_LOAD: inputFile,
    PEAKPROOF_SUMMARY: 'summary.json',
    PEAKPROOF_ODOO_PASSWORD: options.password,
  };
}

function follow(child: K6Process, options: RunLoadOptions, spawnedAt: number): RunningLoad {
  const { input, runnerDir, signal } = options;
  const start = Promise.withResolvers<number>();
  // `ended` tells the same; whoever does not wait for the start must not be hit by its rejection.
  start.promise.catch(() => {});
  const log = createK6LogReader(start.resolve);
  let stopped = false;
  let over = false;
  let overdue: string | null = null;
  const timers: NodeJS.Timeout[] = [];
  const after = (ms: number, act: () => void) => timers.push(setTimeout(act, Math.min(ms, LONGEST_TIMER_MS)));

  const stop = () => {
    if (stopped || over) return;
    stopped = true;
    child.kill('SIGINT');
    after(options.stopGraceMs ?? STOP_GRACE_MS, () => child.kill('SIGKILL'));
  };
  const giveUp = (what: string) => {
    if (stopped) return;
    overdue = what;
    stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  after(START_DEADLINE_MS, () => {
    if (log.startedAt() === null) giveUp(`the load did not start within ${START_DEADLINE_MS / 1_000} s`);
  });
  void start.promise.then(
    () => {
      const latestMs = latestEndMs(input.scenarios) + TEARDOWN_MS + 10_000;
      after(latestMs, () => giveUp(`k6 was still running ${Math.round(latestMs / 1_000)} s after the start of its load`));
    },
    () => {},
  );

  const logFile = createWriteStream(join(runnerDir, 'k6.log'));
  let logError: string | null = null;
  logFile.on('error', (error) => {
    logError = error.message;
  });
  const lines = createInterface({ input: child.output });
  lines.on('line', (line) => {
    log.see(line);
    if (logError === null) logFile.write(`${line}\n`);
  });
  const drained = new Promise<void>((resolve) => lines.once('close', resolve));

  const end = async (): Promise<LoadEnd> => {
    const exit = await child.exited;
    over = true;
    await drained;
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    logFile.end();
    await finished(logFile).catch((error: unknown) => {
      logError ??= String(error);
    });
    const endedAt = Date.now();
    const startedAt = log.startedAt();
    const told = explainExit({ ...exit, stopped: stopped && overdue === null, firstError: logError ?? log.firstError() });
    let { detail, problem } = told;
    if (overdue !== null) {
      detail = overdue;
      problem = new HarnessError('ERR_TIMEOUT', overdue, { hint: 'k6.log in the runner folder shows how far it came' });
    } else if (problem === null && !stopped) {
      const early = endedEarly(input, startedAt, endedAt);
      if (early !== null) {
        detail = early;
        problem = new HarnessError('ERR_K6_FAILED', early, { hint: 'k6.log in the runner folder may say why' });
      }
    }
    const record: RunnerRecord = {
      schemaVersion: 1,
      runner: options.runner,
      startedAt: startedAt ?? spawnedAt,
      endedAt,
      exitCode: exit.exitCode,
      signal: exit.signal,
      k6Version: options.k6.version,
      planned: input.scenarios.map((spec) => ({ scenario: spec.id, iterations: plannedIterations(spec) })),
      scriptErrors: log.scriptErrors(),
      detail,
    };
    try {
      await writeFile(join(runnerDir, 'runner.json'), `${JSON.stringify(record, null, 1)}\n`);
    } catch (cause) {
      problem ??= new HarnessError('ERR_DISK', `${runnerDir}/runner.json could not be written`, { cause });
    }
    if (startedAt === null)
      start.reject(problem ?? new HarnessError('ERR_INTERRUPTED', `the load was stopped before it started: ${detail}`));
    return { ...record, detail, problem };
  };
  return { pid: child.pid, started: start.promise, ended: end(), stop };
}

function endedEarly(input: LoadInput, startedAt: number | null, endedAt: number): string | null {
  if (startedAt === null) return 'k6 ended without starting its load';
  const dueMs = plannedEndMs(input.scenarios);
  const ranMs = endedAt - startedAt;
  return ranMs >= dueMs - EARLY_SLACK_MS
    ? null
    : `k6 ended after ${(ranMs / 1_000).toFixed(1)} s of a load of ${(dueMs / 1_000).toFixed(1)} s`;
}
