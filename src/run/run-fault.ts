/** One fault of a run: plan, inject, prove, revert. The revert is tried whatever happened before it. */
import type { Fault, FaultContext, FaultDoors, FaultPlan, Injection, Proof } from '../../chaos/fault.ts';
import { faultFor } from '../../chaos/registry.ts';
import { withDeadline } from '../clients/await-condition.ts';
import { retryTransient } from '../clients/retry-transient.ts';
import { HarnessError } from '../errors.ts';
import type { FaultSpec } from '../model/plan.ts';
import type { JournalEvent } from '../model/run-records.ts';
import { type PatientDoors, patientDoors } from './patient-doors.ts';
import { revertEntry } from './revert-entry.ts';
import { timeoutMs } from './timeouts.ts';
import type { UndoLog } from './undo.ts';

export interface FaultRun {
  readonly spec: FaultSpec;
  readonly doors: FaultDoors;
  readonly runId: string;
  readonly undo: UndoLog;
  readonly journal: (event: JournalEvent) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Resolves to whether nothing of the fault is left behind. Rejects only when the journal cannot be written. */
export async function runFault(run: FaultRun): Promise<boolean> {
  const journal = keepFirstFailure(run.journal);
  await disturb({ ...run, journal: journal.write });
  const complete = await revertFault({ ...run, journal: journal.write });
  journal.rethrow();
  return complete;
}

async function disturb(run: FaultRun): Promise<void> {
  const { spec, doors, journal } = run;
  const { clock } = doors;
  const fault = faultFor(spec.kind);
  // Ends this fault alone, when it does not end by itself.
  const overdue = new AbortController();
  const signal = AbortSignal.any([run.signal, overdue.signal]);
  const patient = patientDoors(doors, { limitMs: timeoutMs('kubernetesPatience'), signal });
  const context: FaultContext = {
    ...patient.doors,
    runId: run.runId,
    signal,
    openUndo: (entry) => run.undo.open(entry),
    closeUndo: (id, detail) => run.undo.closeEntry(id, detail),
  };
  try {
    const limits = { timeoutMs: timeoutMs('faultPlan'), clock, signal };
    const plan = await withDeadline(
      `planning ${spec.id}`,
      retryTransient(() => fault.plan(spec, doors), limits),
      limits,
    );
    const { target, blastRadius, prediction } = plan;
    await journal({
      at: clock.now(),
      type: 'fault-planned',
      fault: spec.id,
      kind: spec.kind,
      target,
      blastRadius,
      ...(prediction === undefined ? {} : { prediction }),
    });
    await injectAndProve(run, fault, plan, context, patient);
  } catch (error) {
    overdue.abort(error);
    if (run.signal.aborted && !(error instanceof HarnessError)) {
      await journal({ at: clock.now(), type: 'fault-ended', fault: spec.id, detail: 'cut short: the run was stopped' });
      return;
    }
    const code = error instanceof HarnessError ? error.code : 'ERR_INTERNAL';
    const detail = error instanceof Error ? error.message : String(error);
    await journal({ at: clock.now(), type: 'fault-failed', fault: spec.id, code, detail });
  } finally {
    for (const wait of patient.waits()) {
      await journal({ at: clock.now(), type: 'harness-event', detail: `fault ${spec.id}: ${wait}` });
    }
  }
}

async function injectAndProve(
  run: FaultRun,
  fault: Fault,
  plan: FaultPlan,
  context: FaultContext,
  patient: PatientDoors,
): Promise<void> {
  const { spec, journal } = run;
  const { clock } = context;
  let first: Injection | null = null;
  let proving: Promise<boolean> | null = null;
  /** Journalled when it is shown, which for a fault that lasts is before it ends. */
  const prove = async (injection: Injection): Promise<boolean> => {
    const { proven, evidence, splitBrain } = await proveWithin(run, fault, plan, injection, context);
    await journal({ at: clock.now(), type: 'fault-proven', fault: spec.id, proven, evidence });
    if (splitBrain !== undefined) await journal({ at: clock.now(), type: 'split-brain', fault: spec.id, ...splitBrain });
    return proven;
  };
  const started = (injection: Injection): void => {
    first = injection;
    const { detail } = injection;
    // The clock of a recovery must not run while the API server kept us from touching anything.
    const injectedAt = Math.max(injection.injectedAt, patient.touchedAt() ?? 0);
    const noted = journal({ at: injectedAt, type: 'fault-injected', fault: spec.id, kind: spec.kind, detail });
    proving = noted.then(() => prove(injection));
  };
  const final = await withDeadline(`injecting ${spec.id}`, fault.inject(spec, plan, context, started), {
    timeoutMs: activeMs(spec) + timeoutMs('faultInject'),
    clock,
  });
  if (first === null) started(final);
  await journal({ at: final.endedAt ?? clock.now(), type: 'fault-ended', fault: spec.id, detail: final.detail });
  const proven = await (proving ?? prove(final));
  // More was done after the start than the first proof looked at.
  if (proven && (first as Injection | null)?.state !== final.state) await prove(final);
}

/** An error or a deadline of the proof is a proof that failed, with the reason as its evidence. */
async function proveWithin(
  run: FaultRun,
  fault: Fault,
  plan: FaultPlan,
  injection: Injection,
  context: FaultContext,
): Promise<Proof> {
  try {
    const { clock, signal } = context;
    const { proveWithinMs } = run.spec;
    const proof = retryTransient(() => fault.prove(run.spec, plan, injection, context), {
      timeoutMs: proveWithinMs,
      clock,
      signal,
    });
    return await withDeadline(`proof of ${run.spec.id}`, proof, { timeoutMs: proveWithinMs + timeoutMs('deadlineSlack'), clock });
  } catch (error) {
    if (context.signal.aborted && !(error instanceof HarnessError)) {
      return { proven: false, evidence: ['stopped before it could be shown to have happened'] };
    }
    return { proven: false, evidence: [error instanceof Error ? error.message : String(error)] };
  }
}

async function revertFault(run: FaultRun): Promise<boolean> {
  const { spec, undo, doors, journal } = run;
  let complete = true;
  for (const entry of undo.openEntries().filter(({ fault }) => fault === spec.id)) {
    const revert = await revertEntry(entry, { undo, doors, limitMs: spec.revertWithinMs });
    complete &&= revert.complete;
    await journal({ at: doors.clock.now(), type: 'fault-reverted', fault: spec.id, ...revert });
  }
  return complete;
}

/** How long the plan lets the fault itself last. */
function activeMs(spec: FaultSpec): number {
  if (spec.kind === 'redis/flood') return spec.durationMs + spec.blockMs;
  if (spec.kind === 'kubernetes/kill-pods') return spec.repeat?.durationMs ?? 0;
  if (spec.kind === 'litmus/engine')
    return spec.startWithinMs + spec.durationMs + spec.endWithinMs + timeoutMs('litmusResult') + timeoutMs('litmusStop');
  if (spec.kind === 'kubernetes/drain-node') return spec.evictWithinMs + spec.holdMs;
  // There, and perhaps back again.
  if (spec.kind === 'kubernetes/rolling-update' || spec.kind === 'kubernetes/rollback') return 2 * spec.withinMs + spec.holdMs;
  if (spec.kind === 'postgres/failover') return timeoutMs('databaseCommand') + (spec.durationMs ?? 0);
  return timeoutMs('databaseCommand');
}

/** A full disk must not keep a fault from being reverted: the first failure is thrown when that is done. */
function keepFirstFailure(write: FaultRun['journal']) {
  const failures: unknown[] = [];
  return {
    async write(event: JournalEvent): Promise<void> {
      try {
        await write(event);
      } catch (error) {
        failures.push(error);
      }
    },
    rethrow(): void {
      if (failures.length > 0) throw failures[0];
    },
  };
}
