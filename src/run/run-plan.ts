/**
 * The only orchestrator: from a checked plan and open doors to a run folder that `evaluate` can judge. Phases, fault schedule,
 * journal and undo are decided here; what a thing does is decided where it lives.
 */
import { join } from 'node:path';
import { openNdjsonWriter } from '../clients/ndjson.ts';
import { readSecret } from '../clients/secrets.ts';
import { HarnessError } from '../errors.ts';
import { readLoadWrites } from '../load/read-load-writes.ts';
import type { K6Binary } from '../load/resolve-k6.ts';
import { runLoad } from '../load/run-load.ts';
import { watchLoad } from '../load/watch-load.ts';
import type { Connections } from '../model/connections.ts';
import type { PhaseName, Plan } from '../model/plan.ts';
import type { JournalEvent, LedgerRow, LedgerWrite, Observation, ProbeRecord } from '../model/run-records.ts';
import { startObservers } from '../observe/platform/start-observers.ts';
import { startProbes } from '../observe/probes/start-probes.ts';
import { seedTarget } from '../seed/seed-target.ts';
import { watchAbort } from './abort-watch.ts';
import { awaitRest } from './await-rest.ts';
import { type Doors, openDoors } from './connections.ts';
import { describeEnvironment } from './environment.ts';
import { runFaultSchedule } from './fault-schedule.ts';
import { type PreflightReport, preflight, requirePassed } from './preflight.ts';
import type { ProgressListener, RunProgress } from './progress.ts';
import { createRunFolder, newRunId, pointLatest, RUN_FILES, writeJson, writeText } from './run-folder.ts';
import { settleAndReadBack } from './settle.ts';
import { PROCESS_FILE } from './stop-load.ts';
import { openUndoLog, type UndoLog } from './undo.ts';

export interface RunOptions {
  readonly plan: Plan;
  /** Text of the plan file. */
  readonly source: string;
  readonly connections: Connections;
  readonly runsDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly k6: K6Binary;
  readonly iMean: readonly string[];
  /** Reverts, then returns what there is. */
  readonly interrupt: AbortSignal;
  readonly onProgress: ProgressListener;
  readonly onPreflight?: (report: PreflightReport) => void;
}

export interface RunResult {
  readonly runId: string;
  readonly runDir: string;
  readonly undoComplete: boolean;
  readonly interrupted: boolean;
}

const RUNNER = 'local-1';
const SESSION_TTL_MARGIN_SECONDS = 1_800;

/** @throws HarnessError when nothing can be judged: preflight, seeding, k6 that does not start, a full disk. */
export async function runPlan(options: RunOptions): Promise<RunResult> {
  const doors = await openDoors(options.connections, options.env);
  try {
    const report = await preflight(options.plan, options.connections, doors, options);
    options.onPreflight?.(report);
    requirePassed(report);
    return await runInFolder(options, doors);
  } finally {
    await doors.close();
  }
}

async function runInFolder(options: RunOptions, doors: Doors): Promise<RunResult> {
  const { plan, connections, interrupt, onProgress } = options;
  const clock = doors.faults.clock;
  const prepare = (detail: string) =>
    onProgress({
      phase: 'preparing',
      remainingMs: null,
      attainedRatio: null,
      errors: 0,
      replicas: null,
      faultsInForce: [],
      detail,
    });
  const catalogue = await seedTarget(doors.odoo, plan.dataset, plan.seed, {
    signal: interrupt,
    onProgress: (seeding) => prepare(`seeding ${seeding.what} ${seeding.done}/${seeding.total}`),
  });
  interrupt.throwIfAborted();
  const { kubernetes } = doors.faults;
  const { hpa, deployment = '', hpaSyncMs } = connections.kubernetes ?? {};
  const restless =
    kubernetes === undefined || hpa === undefined
      ? undefined
      : await awaitRest({
          ...{ kubernetes, hpa, deployment, clock, signal: interrupt, onProgress: prepare },
          judged: plan.objectives.some(({ kind }) => kind === 'autoscaling'),
          ...(hpaSyncMs !== undefined && { syncMs: hpaSyncMs }),
        });

  const runId = newRunId(plan.name, clock.now());
  const runDir = await createRunFolder(options.runsDir, runId);
  await pointLatest(options.runsDir, runId);
  const file = (name: keyof typeof RUN_FILES) => join(runDir, RUN_FILES[name]);
  const header = <const F extends 'journal' | 'undo' | 'observations' | 'probes' | 'ledger'>(name: F) => ({
    schemaVersion: 1 as const,
    file: name,
    runId,
  });
  await writeText(file('source'), options.source);
  await writeJson(file('plan'), plan);
  await writeJson(file('connections'), connections);
  await writeJson(
    file('environment'),
    await describeEnvironment({ runId, plan, connections, doors, k6Version: options.k6.version }),
  );
  await writeJson(file('catalogue'), catalogue);

  const journal = await openNdjsonWriter<JournalEvent>(file('journal'), header('journal'));
  const observations = await openNdjsonWriter<Observation>(file('observations'), header('observations'));
  const probeLog = await openNdjsonWriter<ProbeRecord>(file('probes'), header('probes'));
  const ledger = await openNdjsonWriter<LedgerRow>(file('ledger'), header('ledger'));
  const undo = await openUndoLog(file('undo'), header('undo'), clock);
  const state = {
    phase: 'starting' as RunProgress['phase'],
    endsAt: null as number | null,
    replicas: null as RunProgress['replicas'],
    inForce: new Set<string>(),
  };
  const note = async (event: JournalEvent) => {
    if (event.type === 'fault-injected') state.inForce.add(event.fault);
    if (event.type === 'fault-ended' || event.type === 'fault-reverted') state.inForce.delete(event.fault);
    await journal.write(event);
    await journal.flush();
  };

  // One signal ends the disturbance early, whatever the cause; what is under way then reverts and is judged.
  const stopping = new AbortController();
  const stopEarly = (event: JournalEvent & { readonly type: 'abort' | 'interrupted' }) => {
    if (stopping.signal.aborted) return;
    stopping.abort(event.type === 'abort' ? event.reason : event.signal);
    void note(event);
  };
  const onInterrupt = () =>
    stopEarly({
      at: clock.now(),
      type: 'interrupted',
      signal: String(interrupt.reason instanceof Error ? interrupt.reason.message : interrupt.reason),
    });
  interrupt.addEventListener('abort', onInterrupt, { once: true });

  const probeWrites: LedgerWrite[] = [];
  const abortWatch = watchAbort(plan.abort);
  const runnerDir = join(runDir, 'load', RUNNER);
  let load: Awaited<ReturnType<typeof runLoad>> | undefined;
  let observers: ReturnType<typeof startObservers> | undefined;
  let probes: Awaited<ReturnType<typeof startProbes>> | undefined;
  let undoComplete = true;
  try {
    await note({ at: clock.now(), type: 'run-started', plan: plan.name });
    if (restless !== undefined) await note({ at: clock.now(), type: 'harness-event', detail: restless });
    observers = startObservers({
      connections,
      doors: doors.faults,
      intervalMs: plan.observeIntervalMs,
      clock,
      write(observation) {
        if (observation.source === 'hpa')
          state.replicas = { current: observation.currentReplicas, desired: observation.desiredReplicas };
        void observations.write(observation);
      },
      gap: (event) => void note(event),
    });
    probes = await startProbes({
      specs: plan.probes,
      odoo: doors.odoo,
      ...(doors.sessions && { sessions: doors.sessions, sessionTtlSeconds: sessionTtlSeconds(plan) }),
      catalogue,
      runId,
      clock,
      write(record) {
        void probeLog.write(record);
        const reason = state.phase === 'disturbance' || state.phase === 'recovery' ? abortWatch.see(record) : undefined;
        if (reason !== undefined) stopEarly({ at: clock.now(), type: 'abort', reason });
      },
      ledger: (write) => probeWrites.push(write),
    });
    const password = await readSecret(connections.odoo.password, options.env);
    load = await runLoad({
      k6: options.k6,
      runner: RUNNER,
      runnerDir,
      input: {
        schemaVersion: 1,
        runId,
        seed: plan.seed,
        odoo: { url: connections.odoo.url, database: connections.odoo.database, login: connections.odoo.login },
        catalogueFile: file('catalogue'),
        scenarios: plan.load.scenarios,
      },
      password,
      env: options.env,
    });
    if (load.pid !== undefined) await writeJson(join(runnerDir, PROCESS_FILE), { schemaVersion: 1, pid: load.pid });
    const figures = watchLoad(runnerDir);
    const ticker = setInterval(() => {
      const seen = figures.current();
      onProgress({
        phase: state.phase,
        remainingMs: state.endsAt === null ? null : state.endsAt - clock.now(),
        attainedRatio: seen.scheduled === 0 ? null : seen.ok / seen.scheduled,
        errors: seen.errors,
        replicas: state.replicas,
        faultsInForce: [...state.inForce],
      });
    }, 1_000);
    try {
      const startedAt = await load.started;
      undoComplete = await runPhases({
        plan,
        startedAt,
        doors,
        runId,
        undo,
        note,
        stopping: stopping.signal,
        onPhase: (phase, endsAt) => Object.assign(state, { phase, endsAt }),
      });
      if (stopping.signal.aborted) load.stop();
      const ended = await load.ended;
      await note({ at: clock.now(), type: 'load-ended', runner: RUNNER, exitCode: ended.exitCode, detail: ended.detail });
    } finally {
      clearInterval(ticker);
      await figures.stop();
      const stopped = probes;
      probes = undefined;
      for (const left of await stopped.stop()) await note({ at: clock.now(), type: 'harness-event', detail: left });
    }
    state.phase = 'settle';
    onProgress({
      phase: 'reading back',
      remainingMs: null,
      attainedRatio: null,
      errors: 0,
      replicas: state.replicas,
      faultsInForce: [],
    });
    await note({ at: clock.now(), type: 'phase-started', phase: 'settle' });
    await settleAndReadBack({
      plan,
      doors,
      catalogue,
      runId,
      clock,
      hurried: stopping.signal.aborted,
      probeWrites,
      loadWrites: readLoadWrites(runnerDir),
      write: (row) => ledger.write(row),
      note: (detail) => note({ at: clock.now(), type: 'harness-event', detail }),
    });
    const watching = observers;
    observers = undefined;
    await watching.stop();
    await note({
      at: clock.now(),
      type: 'run-ended',
      detail: stopping.signal.aborted ? `ended early: ${String(stopping.signal.reason)}` : 'complete',
    });
  } finally {
    interrupt.removeEventListener('abort', onInterrupt);
    load?.stop();
    // Still set only when something above failed: what it said must reach the user, and nothing may keep the process alive.
    await Promise.allSettled([probes?.stop(), observers?.stop()]);
    await Promise.all([journal.close(), observations.close(), probeLog.close(), ledger.close(), undo.close()]);
  }
  return { runId, runDir, undoComplete, interrupted: interrupt.aborted };
}

interface PhaseRun {
  readonly plan: Plan;
  readonly startedAt: number;
  readonly doors: Doors;
  readonly runId: string;
  readonly undo: UndoLog;
  readonly note: (event: JournalEvent) => Promise<void>;
  readonly stopping: AbortSignal;
  readonly onPhase: (phase: PhaseName, endsAt: number) => void;
}

/** The whole run, what is under way at its end, and both read-backs, however slow. */
function sessionTtlSeconds({ phases }: Plan): number {
  return Math.ceil(Object.values(phases).reduce((sum, ms) => sum + ms, 0) / 1_000) + SESSION_TTL_MARGIN_SECONDS;
}

/** From warm-up to the end of recovery. Resolves to whether everything that was broken has been put back. */
async function runPhases({ plan, startedAt, doors, runId, undo, note, stopping, onPhase }: PhaseRun): Promise<boolean> {
  const { clock } = doors.faults;
  const { warmUpMs, baselineMs, disturbanceMs, recoveryMs } = plan.phases;
  const lengths: readonly (readonly [PhaseName, number])[] = [
    ['warm-up', warmUpMs],
    ['baseline', baselineMs],
    ['disturbance', disturbanceMs],
    ['recovery', recoveryMs],
  ];
  const runEndsAt = startedAt + warmUpMs + baselineMs + disturbanceMs + recoveryMs;
  let faults: Promise<{ readonly undoComplete: boolean }> = Promise.resolve({ undoComplete: true });
  let endsAt = startedAt;
  for (const [phase, lengthMs] of lengths) {
    if (stopping.aborted) break;
    const phaseAt = endsAt;
    endsAt += lengthMs;
    await note({ at: phaseAt, type: 'phase-started', phase });
    onPhase(phase, runEndsAt);
    if (phase === 'disturbance')
      faults = runFaultSchedule({
        faults: plan.faults,
        doors: doors.faults,
        runId,
        disturbanceAt: phaseAt,
        undo,
        journal: note,
        signal: stopping,
        clock,
      });
    await sleepUntil(clock, endsAt, stopping);
  }
  return (await faults).undoComplete;
}

async function sleepUntil(clock: Doors['faults']['clock'], at: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(Math.max(0, at - clock.now()), { signal });
  } catch (error) {
    // Ended early on purpose: the caller looks at the signal.
    if (!signal.aborted) throw error instanceof Error ? error : new HarnessError('ERR_INTERNAL', String(error));
  }
}
