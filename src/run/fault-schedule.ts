import type { FaultDoors } from '../../chaos/fault.ts';
import type { Clock } from '../clients/ports.ts';
import type { FaultSpec } from '../model/plan.ts';
import type { JournalEvent } from '../model/run-records.ts';
import { type FaultRun, runFault } from './run-fault.ts';
import type { UndoLog } from './undo.ts';

export interface FaultScheduleOptions {
  readonly faults: readonly FaultSpec[];
  readonly doors: FaultDoors;
  readonly runId: string;
  /** Start of the phase `disturbance`; each fault comes `atMs` later. */
  readonly disturbanceAt: number;
  readonly undo: UndoLog;
  readonly journal: (event: JournalEvent) => Promise<void>;
  /** Ends what is under way and reverts it; what has not begun is left out. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/**
 * Runs every fault at its time, each on its own, and reverts each. Resolves when all are reverted or given up.
 * A fault that fails is journalled, never thrown; only a journal that cannot be written is, after every revert was tried.
 */
export async function runFaultSchedule(options: FaultScheduleOptions): Promise<{ readonly undoComplete: boolean }> {
  const { faults, doors, runId, disturbanceAt, undo, journal, signal, clock } = options;
  const outcomes = await Promise.allSettled(
    faults.map(async (spec) => {
      if (spec.kind === 'litmus/external') {
        const detail = `fault ${spec.id} is left to Litmus; add its record with: peakproof import litmus FILE --run RUNDIR --fault ${spec.id}`;
        await journal({ at: clock.now(), type: 'harness-event', detail });
        return true;
      }
      const run: FaultRun = { spec, doors: { ...doors, clock }, runId, undo, journal, signal };
      if (await reached(disturbanceAt + spec.atMs, clock, signal)) return runFault(run);
      await journal({
        at: clock.now(),
        type: 'harness-event',
        detail: `fault ${spec.id} left out: the run was stopped before it`,
      });
      return true;
    }),
  );
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return { undoComplete: outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value) };
}

async function reached(at: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await clock.sleep(Math.max(0, at - clock.now()), { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
