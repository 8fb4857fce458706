/** kill-pods and failover through the Kubernetes and Patroni APIs of a lab, watched by the observers; as a run does it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { FaultSpec, Plan } from '../../src/model/plan.ts';
import type { JournalEvent, Observation } from '../../src/model/run-records.ts';
import type { ObserverGap } from '../../src/observe/platform/observer-loop.ts';
import { startObservers } from '../../src/observe/platform/start-observers.ts';
import { connectionsOf, type Doors, openDoors } from '../../src/run/connections.ts';
import { runFaultSchedule } from '../../src/run/fault-schedule.ts';
import { checkGuard } from '../../src/run/guard.ts';
import { rollbackRun } from '../../src/run/rollback.ts';
import { openUndoLog, type UndoLog } from '../../src/run/undo.ts';
import { runCli } from '../support/cli.ts';

const NAME = `chaos-${process.pid}`;
const common = { atMs: 0, proveWithinMs: 30_000, revertWithinMs: 60_000 } as const;
const KILL: FaultSpec = {
  ...common,
  kind: 'kubernetes/kill-pods',
  id: 'kill',
  selector: 'app=erp',
  amount: { count: 1 },
  force: true,
  graceSeconds: 0,
  maxAffectedRatio: 0.5,
};

let cwd: string;
let lab: LabConnection;
let doors: Doors;
let undoFile: string;
let undo: UndoLog;
let events: JournalEvent[];
const journal = async (event: JournalEvent): Promise<void> => void events.push(event);

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'peakproof-chaos-'));
  const up = await runCli(['lab', 'up', '--detach', '--json', '--name', NAME, '--workers-min', '2', '--workers-max', '3'], {
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

function run(fault: FaultSpec, signal: AbortSignal = new AbortController().signal) {
  const disturbanceAt = systemClock.now();
  return runFaultSchedule({
    faults: [fault],
    doors: doors.faults,
    runId: 'run-1',
    disturbanceAt,
    undo,
    journal,
    signal,
    clock: systemClock,
  });
}
const told = <Type extends JournalEvent['type']>(type: Type) =>
  events.find((event): event is Extract<JournalEvent, { type: Type }> => event.type === type);
const failed = (): string | undefined => told('fault-failed')?.detail;

describe('kubernetes/kill-pods on a lab', () => {
  test('the worker is killed and replaced by a pod of another uid, and the undo closes', async () => {
    const before = (await doors.faults.kubernetes?.fetchPods('app=erp')) ?? [];
    expect(await run(KILL), failed()).toEqual({ undoComplete: true });
    expect(told('fault-proven')).toMatchObject({ proven: true });
    const after = (await doors.faults.kubernetes?.fetchPods('app=erp')) ?? [];
    expect(after.filter(({ uid }) => before.some((pod) => pod.uid === uid))).toHaveLength(before.length - 1);
    expect(await readFile(undoFile, 'utf8')).toMatch(/"open".*\n.*"closed"/);
  });

  test('is refused when it would exceed the blast radius, and nothing is deleted', async () => {
    const before = await doors.faults.kubernetes?.fetchPods('app=erp');
    await run({ ...KILL, amount: { count: 2 } });
    expect(told('fault-failed')).toMatchObject({ code: 'ERR_BLAST_RADIUS' });
    expect((await doors.faults.kubernetes?.fetchPods('app=erp'))?.map(({ uid }) => uid)).toEqual(before?.map(({ uid }) => uid));
  });

  test('a selector without pods is refused by name', async () => {
    await run({ ...KILL, selector: 'app=nothing' });
    expect(told('fault-failed')).toMatchObject({ code: 'ERR_SELECTOR_EMPTY', detail: expect.stringContaining('app=nothing') });
  });
});

describe('kubernetes/rolling-update on a lab', () => {
  const ROLL: FaultSpec = {
    ...common,
    kind: 'kubernetes/rolling-update',
    id: 'roll',
    deployment: 'erp',
    change: 'failing-readiness',
    readinessPath: '/peakproof/fails-on-purpose',
    rollBack: 'on-failure',
    withinMs: 30_000,
    readyWithinMs: 3_000,
    holdMs: 0,
    maxAffectedRatio: 0.5,
  };

  test('workers that never get ready are found out, get no request, and are rolled back', async () => {
    const stop = new AbortController();
    const names = new Set<string>();
    const failures: unknown[] = [];
    const asking = (async () => {
      while (!stop.signal.aborted) {
        await doors.odoo.version().catch((error: unknown) => failures.push(error));
        for (const { name } of (await doors.faults.kubernetes?.fetchPods('app=erp')) ?? []) names.add(name);
        await systemClock.sleep(50);
      }
    })();
    expect(await run(ROLL), failed()).toEqual({ undoComplete: true });
    stop.abort();
    await asking;
    expect(told('fault-proven')).toMatchObject({ proven: true, evidence: expect.arrayContaining(['0 of 1 got Ready']) });
    expect(told('fault-ended')?.detail).toMatch(/is not Ready 3 s after it came.*rolled back in/);
    expect(names.size).toBeGreaterThanOrEqual(3);
    expect(failures).toEqual([]);
    expect(await doors.faults.kubernetes?.rollouts.fetchRollout('erp')).toMatchObject({ updated: 2, existing: 2 });
  });

  test('a restart gives every worker a successor', async () => {
    const before = (await doors.faults.kubernetes?.fetchPods('app=erp'))?.map(({ uid }) => uid) ?? [];
    expect(await run({ ...ROLL, change: 'restart' }), failed()).toEqual({ undoComplete: true });
    expect(told('fault-proven')).toMatchObject({ proven: true });
    const after = (await doors.faults.kubernetes?.fetchPods('app=erp')) ?? [];
    expect(after.filter(({ uid }) => before.includes(uid))).toEqual([]);
  });

  test('a drain of its only node is refused with the reason', async () => {
    await run({
      ...common,
      kind: 'kubernetes/drain-node',
      id: 'drain',
      selector: 'app=erp',
      otherPods: 'refuse',
      deleteEmptyDirData: false,
      evictWithinMs: 10_000,
      holdMs: 0,
      maxAffectedRatio: 1,
    });
    expect(told('fault-failed')?.detail).toContain('it is the only node of the cluster');
  });
});

describe('postgres/failover on a lab', () => {
  test.each(['switchover', 'failover', 'crash'] as const)(
    '%s: another member is the writable primary, the old one follows again',
    async (mode) => {
      expect(await run({ ...common, kind: 'postgres/failover', id: mode, mode }), failed()).toEqual({ undoComplete: true });
      expect(told('fault-proven')).toMatchObject({
        proven: true,
        evidence: expect.arrayContaining([expect.stringMatching(/takes writes/)]),
      });
      expect(told('fault-reverted')).toMatchObject({ complete: true, detail: expect.stringMatching(/replica, streaming/) });
      const status = await doors.faults.postgres?.fetchStatus();
      expect(status).toMatchObject({ inRecovery: false, replicas: [{ state: 'streaming' }] });
    },
  );

  test('stopped right after the crash: the revert waits for the failover instead of believing that nothing happened', async () => {
    const stop = new AbortController();
    const cluster = await doors.faults.patroni?.fetchCluster();
    const old = cluster?.members.find(({ role }) => role === 'primary');
    const running = run({ ...common, kind: 'postgres/failover', id: 'crash', mode: 'crash' }, stop.signal);
    await awaitCondition('injected', async () => told('fault-injected'), {
      until: (seen) => seen !== undefined,
      timeoutMs: 10_000,
      clock: systemClock,
    });
    stop.abort('SIGINT');
    expect(await running, failed()).toEqual({ undoComplete: true });
    const after = await doors.faults.patroni?.fetchCluster();
    expect(after?.members.find(({ name }) => name === old?.name)).toMatchObject({ role: 'replica', state: 'streaming' });
  });

  test('left open by a killed harness, a rollback from the file alone closes it', async () => {
    const primary = (await doors.faults.patroni?.fetchCluster())?.members.find(({ role }) => role === 'primary');
    await undo.open({
      fault: 'crash',
      kind: 'postgres/failover',
      action: 'wait',
      data: { driver: 'patroni', mode: 'crash', oldPrimary: primary?.name, timeline: primary?.timeline, standbys: 1 },
    });
    const pod = (await doors.faults.kubernetes?.fetchPods(''))?.find(({ name }) => name === primary?.name);
    await doors.faults.kubernetes?.deletePod(pod?.name ?? '', { uid: pod?.uid ?? '', graceSeconds: 0 });
    const first = await rollbackRun({ undoFile, doors: doors.faults, journal });
    expect(first, JSON.stringify(first)).toMatchObject({ complete: true, undone: [{ fault: 'crash' }] });
    expect(await rollbackRun({ undoFile, doors: doors.faults, journal })).toEqual({ complete: true, undone: [] });
  });
});

describe('postgres/failover by programs of the plan', () => {
  const post = (path: string, body: object): readonly string[] => [
    process.execPath,
    join(packageRoot(), 'test/fixtures/chaos-programs/post.mjs'),
    `${lab.patroniUrls[0]}${path}`,
    JSON.stringify(body),
  ];

  test('the program moves the primary; SQL alone shows it, and that a standby streams again', async () => {
    const primary = (await doors.faults.patroni?.fetchCluster())?.members.find(({ role }) => role === 'primary')?.name;
    const { patroni: _, kubernetes: __, ...rest } = doors.faults;
    const connection = { url: lab.postgresUrl, standbyUrls: lab.postgresStandbyUrls };
    const commands = {
      switchover: post('/switchover', { leader: primary }),
      failover: post('/switchover', { leader: 'nobody' }),
    };
    const plain = { ...rest, postgresTarget: { driver: 'command' as const, connection, commands } };
    const move = (mode: 'switchover' | 'failover') =>
      runFaultSchedule({
        faults: [{ ...common, kind: 'postgres/failover', id: mode, mode }],
        doors: plain,
        runId: 'run-1',
        disturbanceAt: systemClock.now(),
        undo,
        journal,
        signal: new AbortController().signal,
        clock: systemClock,
      });
    expect(await move('switchover'), failed()).toEqual({ undoComplete: true });
    expect(told('fault-proven')).toMatchObject({
      proven: true,
      evidence: [expect.stringMatching(/^timeline was/), expect.stringMatching(/takes writes/)],
    });
    expect(told('fault-reverted')).toMatchObject({ complete: true, detail: '1 healthy standbys, 1 before' });
    // A program that fails is a fault that failed, with the program's own words.
    expect(await move('failover')).toEqual({ undoComplete: true });
    expect(told('fault-failed')).toMatchObject({ code: 'ERR_COMMAND', detail: expect.stringContaining('exit code 1') });
  });
});

describe('observers on a lab', () => {
  test('every source is written, and a failover is a gap of PostgreSQL alone', async () => {
    // A lab that has just come up has measured no pod yet.
    await awaitCondition('pods measured', async () => (await doors.faults.kubernetes?.fetchPodMetrics('app=erp')) ?? [], {
      until: (uses) => uses.length > 0,
      timeoutMs: 20_000,
      clock: systemClock,
    });
    const observations: Observation[] = [];
    const gaps: ObserverGap[] = [];
    const observers = startObservers({
      connections: connectionsOf({ target: { kind: 'lab' } } as unknown as Plan, lab),
      doors: doors.faults,
      intervalMs: 250,
      write: (observation) => observations.push(observation),
      gap: (gap) => gaps.push(gap),
      clock: systemClock,
    });
    await systemClock.sleep(600);
    await run({ ...common, kind: 'postgres/failover', id: 'move', mode: 'switchover' });
    await observers.stop();
    expect([...new Set(observations.map(({ source }) => source))].sort()).toEqual(
      ['deployment', 'events', 'hpa', 'ingress', 'nodes', 'patroni', 'pod-metrics', 'pods', 'postgres', 'redis'].sort(),
    );
    const timelines = observations.flatMap((seen) => (seen.source === 'postgres' ? [seen.timeline ?? 0] : []));
    expect(timelines.at(-1)).toBe((timelines[0] ?? 0) + 1);
    expect([...new Set(gaps.map(({ source }) => source))].filter((source) => source !== 'postgres')).toEqual([]);
  });
});

test('the guard lets the lab pass, and nothing else', () => {
  const connections = connectionsOf({ target: { kind: 'lab' } } as unknown as Plan, lab);
  expect(checkGuard(connections, { iMean: [] })).toEqual([]);
  const elsewhere = { ...connections, redis: { url: 'redis://10.1.2.3:6379' } };
  expect(checkGuard(elsewhere, { iMean: [] })).toMatchObject([{ at: 'redis.url' }]);
});
