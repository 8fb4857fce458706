import type { FaultDoors, UndoEntry } from '../../chaos/fault.ts';
import { readNdjsonHeader } from '../clients/ndjson.ts';
import type { JournalEvent } from '../model/run-records.ts';
import { revertEntry } from './revert-entry.ts';
import { timeoutMs } from './timeouts.ts';
import { openUndoLog } from './undo.ts';

export interface RollbackOptions {
  readonly undoFile: string;
  readonly doors: FaultDoors;
  readonly journal: (event: JournalEvent) => Promise<void>;
  /** For one entry; default: the named timeout `rollbackRevert`. */
  readonly limitMs?: number;
}

export interface Undone {
  readonly fault: string;
  readonly kind: UndoEntry['kind'];
  readonly action: string;
  readonly complete: boolean;
  readonly detail: string;
}

export interface RollbackResult {
  /** Nothing of this run is left behind. */
  readonly complete: boolean;
  readonly undone: readonly Undone[];
}

/** Undoes whatever a run left open, last first. Can be repeated: what is closed stays closed, what failed is tried again. */
export async function rollbackRun({ undoFile, doors, journal, limitMs }: RollbackOptions): Promise<RollbackResult> {
  const undo = await openUndoLog(undoFile, await readNdjsonHeader(undoFile), doors.clock);
  try {
    const undone: Undone[] = [];
    for (const entry of undo.openEntries().toReversed()) {
      const revert = await revertEntry(entry, { undo, doors, limitMs: limitMs ?? timeoutMs('rollbackRevert') });
      undone.push({ fault: entry.fault, kind: entry.kind, action: entry.action, ...revert });
      await journal({
        at: doors.clock.now(),
        type: 'fault-reverted',
        fault: entry.fault,
        ...revert,
        detail: `rollback: ${revert.detail}`,
      });
    }
    return { complete: undone.every(({ complete }) => complete), undone };
  } finally {
    await undo.close();
  }
}
