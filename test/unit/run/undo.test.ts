import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openUndoLog, readOpenUndo } from '../../../src/run/undo.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';

const header = { schemaVersion: 1, file: 'undo', runId: 'run-1' } as const;
const entry = { fault: 'flood', kind: 'redis/flood', action: 'remove keys', data: { prefix: 'p:' } } as const;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peakproof-undo-'));
  path = join(folder, 'undo.ndjson');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => openUndoLog(path, header, createFakeClock());

describe('undo log', () => {
  test('an entry is in the file when open resolves', async () => {
    const log = await open();
    const id = await log.open(entry);
    const lines = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([header, { id, state: 'open', ...entry }]);
    await log.close();
  });

  test('tells in a new process what is still open, and not what was closed', async () => {
    const log = await open();
    const first = await log.open(entry);
    await log.open({ ...entry, fault: 'kill' });
    await log.closeEntry(first, 'removed 7 keys');
    await log.close();
    expect(await readOpenUndo(path)).toMatchObject([{ fault: 'kill' }]);
    const again = await open();
    expect(again.openEntries()).toHaveLength(1);
    await again.close();
  });

  test('ids stay unique when a rollback opens the file again', async () => {
    const log = await open();
    const ids = [await log.open(entry)];
    await log.close();
    const again = await open();
    ids.push(await again.open(entry));
    await again.close();
    expect(new Set(ids).size).toBe(2);
  });

  test('a line cut by a kill is dropped: what it would have undone was never begun', async () => {
    const log = await open();
    await log.open(entry);
    await log.close();
    appendFileSync(path, '{"at":1,"id":"x","state":"op');
    const again = await open();
    await again.open({ ...entry, fault: 'kill' });
    await again.close();
    expect((await readOpenUndo(path)).map(({ fault }) => fault)).toEqual(['flood', 'kill']);
  });

  test('closing twice writes once', async () => {
    const log = await open();
    const id = await log.open(entry);
    await log.closeEntry(id, 'done');
    await log.closeEntry(id, 'done');
    await log.close();
    expect(readFileSync(path, 'utf8').match(/"closed"/g)).toHaveLength(1);
  });
});
