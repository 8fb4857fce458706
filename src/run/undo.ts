import type { UndoEntry } from '../../chaos/fault.ts';
import { openNdjsonWriter, readNdjson } from '../clients/ndjson.ts';
import type { Clock } from '../clients/ports.ts';
import type { FileHeader, UndoRecord } from '../model/run-records.ts';

/** `undo.ndjson` while a run or a rollback lasts. */
export interface UndoLog {
  /** Resolves with the entry's id once it is on the disk (fsync): only then may the target be touched. */
  open(entry: Omit<UndoEntry, 'id'>): Promise<string>;
  closeEntry(id: string, detail: string): Promise<void>;
  /** Entries that are open now, oldest first, those included that the file held before. */
  openEntries(): readonly UndoEntry[];
  /** Closes the file; entries stay as they are. */
  close(): Promise<void>;
}

export async function openUndoLog(path: string, header: FileHeader, clock: Clock): Promise<UndoLog> {
  // The writer first: it cuts off a line that a killed run left half written, which nobody can have acted upon.
  const writer = await openNdjsonWriter<UndoRecord>(path, header);
  const entries = new Map((await readOpenUndo(path)).map((entry) => [entry.id, entry]));
  let count = entries.size;
  const append = async (record: UndoRecord): Promise<void> => {
    await writer.write(record);
    await writer.flush({ durable: true });
  };
  return {
    async open(entry) {
      count += 1;
      const id = `${entry.fault}-${clock.now()}-${count}`;
      await append({ at: clock.now(), id, state: 'open', ...entry });
      entries.set(id, { id, ...entry });
      return id;
    },
    async closeEntry(id, detail) {
      if (!entries.has(id)) return;
      await append({ at: clock.now(), id, state: 'closed', detail });
      entries.delete(id);
    },
    openEntries: () => [...entries.values()],
    close: () => writer.close(),
  };
}

/** What the file says is still to be undone, oldest first. */
export async function readOpenUndo(path: string): Promise<readonly UndoEntry[]> {
  const open = new Map<string, UndoEntry>();
  for await (const record of readNdjson<UndoRecord>(path, { file: 'undo' })) {
    if (record.state === 'closed') open.delete(record.id);
    else {
      const { id, fault, action, data } = record;
      open.set(id, { id, fault, kind: record.kind as UndoEntry['kind'], action, data });
    }
  }
  return [...open.values()];
}
