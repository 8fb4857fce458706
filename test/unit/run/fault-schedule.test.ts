import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FaultSpec } from '../../../src/model/plan.ts';
import type { JournalEvent } from '../../../src/model/run-records.ts';
import { runFaultSchedule } from '../../../src/run/fault-schedule.ts';
import { rollbackRun } from '../../../src/run/rollback.ts';
import { openUndoLog, readOpenUndo, type UndoLog } from '../../../src/run/undo.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetesOptions } from '../../fakes/fake-kubernetes.ts';
import { createFakeRedis } from '../../fakes/fake-redis.ts';

const common = { proveWithinMs: 5_000, revertWithinMs: 5_000 } as const;
const kill: FaultSpec = {
  ...common,
  kind: 'kubernetes/kill-pods',
  id: 'kill',
  atMs: 10_000,
  selector: 'app=odoo',
  amount: { count: 1 },
  force: true,
  graceSeconds: 0,
  maxAffectedRatio: 0.5,
};
const flood: FaultSpec = {
  ...common,
  kind: 'redis/flood',
  id: 'flood',
  atMs: 20_000,
  mode: 'commands',
  durationMs: 30_000,
  maxMemoryMiB: 16,
  maxConnections: 100,
  commandsPerSecond: 100,
  blockMs: 100,
  sessionPattern: 'session:*',
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peakproof-schedule-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function aRun(options: Omit<FakeKubernetesOptions, 'clock'> = {}) {
  const clock = createFakeClock();
  const doors = { clock, kubernetes: createFakeKubernetes({ clock, ...options }), redis: createFakeRedis({ clock }) };
  const path = join(folder, 'undo.ndjson');
  const log = await openUndoLog(path, { schemaVersion: 1, file: 'undo', runId: 'run-1' }, clock);
  const undo: UndoLog = {
    ...log,
    open: (entry) => clock.during(log.open(entry)),
    closeEntry: (id, detail) => clock.during(log.closeEntry(id, detail)),
  };
  const events: JournalEvent[] = [];
  const stop = new AbortController();
  const disturbanceAt = clock.now();
  const start = (
    faults: readonly FaultSpec[],
    journal: (event: JournalEvent) => Promise<void> = async (event) => void events.push(event),
  ) =>
    runFaultSchedule({ faults, doors, runId: 'run-1', disturbanceAt, undo, journal, signal: stop.signal, clock }).finally(() =>
      undo.close(),
    );
  const told = (fault: string) => events.flatMap((event) => ('fault' in event && event.fault === fault ? [event.type] : []));
  return { clock, doors, path, events, stop, disturbanceAt, start, told };
}

const ALL = ['fault-planned', 'fault-injected', 'fault-ended', 'fault-proven', 'fault-reverted'];
/** A fault that lasts shows itself before it ends. */
const LASTING = ['fault-planned', 'fault-injected', 'fault-proven', 'fault-ended', 'fault-reverted'];

describe('runFaultSchedule', () => {
  test('runs each fault at its time from the start of the disturbance and journals every step', async () => {
    const { disturbanceAt, events, start, told, path } = await aRun();
    expect(await start([kill, flood])).toEqual({ undoComplete: true });
    expect(told('kill')).toEqual(ALL);
    expect(told('flood')).toEqual(LASTING);
    const injectedAt = events.flatMap((event) => (event.type === 'fault-injected' ? [event.at - disturbanceAt] : []));
    expect(injectedAt).toEqual([10_000, 20_000]);
    const ended = events.find((event) => event.type === 'fault-ended' && event.fault === 'flood');
    expect((ended?.at ?? 0) - disturbanceAt).toBe(50_000);
    expect(events.filter((event) => event.type === 'fault-proven' && !event.proven)).toEqual([]);
    expect(await readOpenUndo(path)).toEqual([]);
  });

  test('a fault that is refused is journalled with its code, and the others go on', async () => {
    const { events, start, told } = await aRun({ replicas: 1 });
    expect(await start([kill, flood])).toEqual({ undoComplete: true });
    expect(events.find((event) => event.type === 'fault-failed')).toMatchObject({ fault: 'kill', code: 'ERR_BLAST_RADIUS' });
    expect(told('kill')).toEqual(['fault-failed']);
    expect(told('flood')).toEqual(LASTING);
  });

  test('a kill that does nothing is told as not proven', async () => {
    const { events, start } = await aRun({ killDoesNothing: true });
    await start([kill]);
    expect(events.find((event) => event.type === 'fault-proven')).toMatchObject({ proven: false });
  });

  test('what could not be undone stays open for a rollback, which can be repeated', async () => {
    const { clock, doors, path, events, start } = await aRun({ neverReplace: true });
    expect(await start([kill])).toEqual({ undoComplete: false });
    expect(events.at(-1)).toMatchObject({ type: 'fault-reverted', complete: false });
    expect(await readOpenUndo(path)).toHaveLength(1);

    const journal: (event: JournalEvent) => Promise<void> = async (event) => void events.push(event);
    const early = await rollbackRun({ undoFile: path, doors, journal, limitMs: 2_000 });
    expect(early).toMatchObject({ complete: false, undone: [{ fault: 'kill', complete: false }] });

    const repaired = { clock, kubernetes: createFakeKubernetes({ clock }) };
    expect(await rollbackRun({ undoFile: path, doors: repaired, journal, limitMs: 2_000 })).toMatchObject({ complete: true });
    expect(await rollbackRun({ undoFile: path, doors: repaired, journal })).toEqual({ complete: true, undone: [] });
    expect(events.at(-1)).toMatchObject({
      type: 'fault-reverted',
      complete: true,
      detail: expect.stringContaining('rollback: '),
    });
  });

  test('a rollback that lacks a door says so and leaves the entry open', async () => {
    const { clock, path, start } = await aRun({ neverReplace: true });
    await start([kill]);
    const result = await rollbackRun({ undoFile: path, doors: { clock }, journal: async () => undefined });
    expect(result).toMatchObject({ complete: false, undone: [{ detail: expect.stringContaining('needs kubernetes') }] });
    expect(await readOpenUndo(path)).toHaveLength(1);
  });

  test('stopped midway: ends what is under way, reverts it, and leaves out what has not begun', async () => {
    const { clock, doors, stop, events, start, told, path } = await aRun();
    const late: FaultSpec = { ...kill, atMs: 60_000 };
    const stopped = clock.sleep(25_000).then(() => stop.abort('SIGINT'));
    expect(await start([flood, late])).toEqual({ undoComplete: true });
    await stopped;
    expect(told('flood').filter((type) => type !== 'fault-proven')).toEqual([
      'fault-planned',
      'fault-injected',
      'fault-ended',
      'fault-reverted',
    ]);
    expect(told('kill')).toEqual([]);
    expect(events.find((event) => event.type === 'harness-event')).toMatchObject({
      detail: expect.stringContaining('kill left out'),
    });
    expect([...doors.redis.keys.keys()]).toEqual([]);
    expect(await readOpenUndo(path)).toEqual([]);
    expect(clock.now() - 1_700_000_000_000).toBeLessThan(30_000);
  });

  test('a disk that is full fails the schedule, but only after the fault was reverted', async () => {
    const { doors, start } = await aRun();
    const full = async (): Promise<void> => Promise.reject(new Error('no space left'));
    await expect(start([flood], full)).rejects.toThrow('no space left');
    expect([...doors.redis.keys.keys()]).toEqual([]);
  });

  test('the undo is on disk before the target is touched', async () => {
    const { doors, path, start } = await aRun();
    const seen: string[] = [];
    const deletePod = doors.kubernetes.deletePod;
    doors.kubernetes.deletePod = async (...args) => {
      seen.push(readFileSync(path, 'utf8'));
      await deletePod(...args);
    };
    await start([kill]);
    expect(seen[0]).toContain('"state":"open"');
  });

  test('a fault that hangs is given up at its deadline and reverted', async () => {
    const { doors, events, start } = await aRun();
    doors.kubernetes.deletePod = () => new Promise(() => {});
    expect(await start([kill])).toEqual({ undoComplete: true });
    expect(events.find((event) => event.type === 'fault-failed')).toMatchObject({
      code: 'ERR_TIMEOUT',
      detail: expect.stringContaining('injecting kill'),
    });
  });
});
