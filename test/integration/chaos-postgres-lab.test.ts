/** Patroni stopped alone, and a crash with frozen replication, on the real PostgreSQL pair of a lab; as a run does it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { Plan, PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { JournalEvent } from '../../src/model/run-records.ts';
import { connectionsOf, type Doors, openDoors } from '../../src/run/connections.ts';
import { runFaultSchedule } from '../../src/run/fault-schedule.ts';
import { rollbackRun } from '../../src/run/rollback.ts';
import { openUndoLog, type UndoLog } from '../../src/run/undo.ts';
import { runCli } from '../support/cli.ts';

const NAME = `orphan-${process.pid}`;
const common = { kind: 'postgres/failover', atMs: 0, proveWithinMs: 30_000, revertWithinMs: 60_000 } as const;
const KILL_PATRONI: PostgresFailoverSpec = { ...common, id: 'orphan', mode: 'kill-patroni', durationMs: 2_000 };
const FROZEN: PostgresFailoverSpec = { ...common, id: 'frozen', mode: 'frozen-walsender', durationMs: 1_000 };

let cwd: string;
let lab: LabConnection;
let doors: Doors;
let undoFile: string;
let undo: UndoLog;
let events: JournalEvent[];
const journal = async (event: JournalEvent): Promise<void> => void events.push(event);

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'peakproof-orphan-'));
  const up = await runCli(['lab', 'up', '--detach', '--json', '--name', NAME, '--workers-min', '1', '--workers-max', '2'], {
    cwd,
  });
  expect(up.exitCode, up.stderr).toBe(0);
  lab = JSON.parse(up.stdout) as LabConnection;
  doors = await openDoors(connectionsOf({ target: { kind: 'lab' } } as unknown as Plan, lab), process.env);
});
afterAll(async () => {
  await doors?.close();
  const down = await runCli(['lab', 'down', '--name', NAME], { cwd });
  await rm(cwd, { recursive: true, force: true });
  expect(down.exitCode, down.stderr).toBe(0);
});
beforeEach(async (context) => {
  events = [];
  undoFile = join(cwd, `undo-${context.task.id}.ndjson`);
  undo = await openUndoLog(undoFile, { schemaVersion: 1, file: 'undo', runId: 'run-1' }, systemClock);
});
afterEach(() => undo.close());

function run(fault: PostgresFailoverSpec, signal: AbortSignal = new AbortController().signal) {
  return runFaultSchedule({
    faults: [fault],
    doors: doors.faults,
    runId: 'run-1',
    disturbanceAt: systemClock.now(),
    undo,
    journal,
    signal,
    clock: systemClock,
  });
}
const told = <Type extends JournalEvent['type']>(type: Type) =>
  events.find((event): event is Extract<JournalEvent, { type: Type }> => event.type === type);
const failed = (): string | undefined => told('fault-failed')?.detail ?? told('fault-reverted')?.detail;
const primaryName = async () =>
  (await doors.faults.patroni?.fetchCluster())?.members.find(({ role }) => role === 'primary')?.name;

async function writablePort() {
  for (const port of doors.faults.postgresStandbys ?? []) if (await port.isWritable()) return port;
  throw new Error('no member takes writes');
}

describe('postgres/failover kill-patroni', () => {
  test('the orphan goes on acknowledging writes, every one of them is lost, and afterwards the cluster is one again', async () => {
    const old = await primaryName();
    expect(await run(KILL_PATRONI), failed()).toEqual({ undoComplete: true });
    const proof = told('fault-proven');
    expect(proof).toMatchObject({ proven: true });
    expect(proof?.evidence.join('\n')).toMatch(/split brain: .* acknowledged \d+ of \d+ writes/);
    const split = told('split-brain');
    expect(split).toMatchObject({ orphan: old, censored: true });
    expect(split?.acknowledged).toBeGreaterThan(2);
    expect(split?.lostKeys).toHaveLength(split?.acknowledged ?? -1);
    expect(split?.lostKeys[0]).toBe('run-1/orphan/0001');
    expect(told('fault-reverted')).toMatchObject({
      complete: true,
      detail: expect.stringMatching(/replica, streaming.*our table is dropped/),
    });
    expect(await (await writablePort()).marks.readKeys('')).toEqual([]);
  });

  test('stopped as soon as Patroni is dead: Patroni comes back, and nothing of ours is left', async () => {
    const stop = new AbortController();
    const running = run(KILL_PATRONI, stop.signal);
    await awaitCondition('injected', async () => told('fault-injected'), {
      until: (seen) => seen !== undefined,
      timeoutMs: 10_000,
      clock: systemClock,
    });
    stop.abort('SIGINT');
    expect(await running, failed()).toEqual({ undoComplete: true });
    expect(await rollbackRun({ undoFile, doors: doors.faults, journal })).toEqual({ complete: true, undone: [] });
  });
});

describe('postgres/failover frozen-walsender', () => {
  test('what is acknowledged between freeze and crash is lost, and nothing that was acknowledged before', async () => {
    const before = await writablePort();
    await before.marks.create();
    expect(await before.marks.write('test/before')).toMatchObject({ outcome: 'accepted' });
    await systemClock.sleep(500);
    const running = run(FROZEN);
    await awaitCondition('frozen', async () => told('fault-injected'), {
      until: (seen) => seen !== undefined,
      timeoutMs: 10_000,
      intervalMs: 20,
      clock: systemClock,
    });
    expect(await before.marks.write('test/during')).toMatchObject({ outcome: 'accepted' });
    expect(await running, failed()).toEqual({ undoComplete: true });
    expect(told('fault-proven')).toMatchObject({ proven: true });
    expect(told('fault-ended')?.detail).toMatch(/behind at the crash: .* [1-9]\d* bytes/);
    const after = await writablePort();
    expect(after.label).not.toBe(before.label);
    expect(await after.marks.readKeys('test/')).toEqual(['test/before']);
    await after.marks.drop();
  });
});
