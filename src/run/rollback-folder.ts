/** `peakproof rollback`: from a run folder alone, in a new process, any number of times. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openNdjsonWriter } from '../clients/ndjson.ts';
import { HarnessError } from '../errors.ts';
import type { Connections } from '../model/connections.ts';
import type { JournalEvent } from '../model/run-records.ts';
import { openDoors } from './connections.ts';
import { type RollbackResult, rollbackRun } from './rollback.ts';
import { RUN_FILES } from './run-folder.ts';
import { stopOrphanedLoad } from './stop-load.ts';

/** @throws HarnessError ERR_RUN_FOLDER when the folder is no run folder. */
export async function rollbackFolder(runDir: string, env: NodeJS.ProcessEnv): Promise<RollbackResult> {
  const connections = await readConnections(join(runDir, RUN_FILES.connections));
  const doors = await openDoors(connections, env);
  const journal = await openNdjsonWriter<JournalEvent>(join(runDir, RUN_FILES.journal), null);
  const note = async (event: JournalEvent) => {
    await journal.write(event);
    await journal.flush();
  };
  try {
    const { commands, clock } = doors.faults;
    for (const detail of commands === undefined ? [] : await stopOrphanedLoad(runDir, commands))
      await note({ at: clock.now(), type: 'harness-event', detail: `rollback: ${detail}` });
    const result = await rollbackRun({ undoFile: join(runDir, RUN_FILES.undo), doors: doors.faults, journal: note });
    await note({
      at: clock.now(),
      type: 'harness-event',
      detail: `rollback: ${result.undone.length === 0 ? 'nothing was open' : `${result.undone.filter(({ complete }) => complete).length} of ${result.undone.length} undone`}`,
    });
    return result;
  } finally {
    await Promise.all([journal.close(), doors.close()]);
  }
}

async function readConnections(path: string): Promise<Connections> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Connections;
  } catch (cause) {
    throw new HarnessError('ERR_RUN_FOLDER', `cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      hint: 'give the folder of a run, such as runs/latest',
    });
  }
}
