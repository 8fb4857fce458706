import type { FaultDoors, Revert, UndoEntry } from '../../chaos/fault.ts';
import { faultFor } from '../../chaos/registry.ts';
import { withDeadline } from '../clients/await-condition.ts';
import { retryTransient } from '../clients/retry-transient.ts';
import { HarnessError } from '../errors.ts';
import { patientDoors } from './patient-doors.ts';
import { timeoutMs } from './timeouts.ts';
import type { UndoLog } from './undo.ts';

/**
 * Undoes one entry and closes it when nothing stays behind. Never throws for a target that cannot be put back: that is an
 * answer (`complete: false`), and the entry stays open for `peakproof rollback`.
 */
export async function revertEntry(
  entry: UndoEntry,
  { undo, doors, limitMs }: { readonly undo: UndoLog; readonly doors: FaultDoors; readonly limitMs: number },
): Promise<Revert> {
  const revert = await attemptRevert(entry, doors, limitMs);
  if (revert.complete) await undo.closeEntry(entry.id, revert.detail);
  return revert;
}

async function attemptRevert(entry: UndoEntry, doors: FaultDoors, limitMs: number): Promise<Revert> {
  try {
    const { clock } = doors;
    const patient = patientDoors(doors, { limitMs }).doors;
    const startedAt = clock.monotonic();
    const leftMs = (): number => Math.max(1, limitMs - (clock.monotonic() - startedAt));
    const work = retryTransient(() => faultFor(entry.kind).revert(entry, patient, { timeoutMs: leftMs() }), {
      timeoutMs: limitMs,
      clock,
    });
    return await withDeadline(`revert of ${entry.fault}`, work, { timeoutMs: limitMs + timeoutMs('deadlineSlack'), clock });
  } catch (error) {
    const words = error instanceof HarnessError ? `${error.code}: ${error.message}` : String(error);
    return { complete: false, detail: `could not be undone: ${words}` };
  }
}
