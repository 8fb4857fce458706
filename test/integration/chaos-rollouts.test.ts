/** drain-node, rolling-update and rollback through the lab's Kubernetes API over small processes, as a run does it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FaultDoors } from '../../chaos/fault.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import type { KubernetesPort } from '../../src/clients/ports.ts';
import type { DrainNodeSpec, FaultSpec, RollbackSpec, RollingUpdateSpec } from '../../src/model/plan.ts';
import type { JournalEvent } from '../../src/model/run-records.ts';
import { runFaultSchedule } from '../../src/run/fault-schedule.ts';
import { rollbackRun } from '../../src/run/rollback.ts';
import { openUndoLog, type UndoLog } from '../../src/run/undo.ts';
import { aLabCluster, type LabCluster, readyPods, until } from './lab-kubernetes-support.ts';

const workloads = [{ kind: 'Deployment', name: 'erp', replicas: 4, containerPort: 8069, readinessPath: '/web/health' }] as const;
const common = { atMs: 0, proveWithinMs: 20_000, revertWithinMs: 20_000 } as const;
const rollout = {
  ...common,
  deployment: 'erp',
  withinMs: 20_000,
  readyWithinMs: 2_000,
  holdMs: 0,
  maxAffectedRatio: 0.5,
} as const;
const UPDATE: RollingUpdateSpec = {
  ...rollout,
  kind: 'kubernetes/rolling-update',
  id: 'roll',
  change: 'restart',
  readinessPath: '/fails',
  rollBack: 'on-failure',
};
const BACK: RollbackSpec = { ...rollout, kind: 'kubernetes/rollback', id: 'back' };
const DRAIN: DrainNodeSpec = {
  ...common,
  kind: 'kubernetes/drain-node',
  id: 'drain',
  otherPods: 'refuse',
  deleteEmptyDirData: false,
  graceSeconds: 1,
  evictWithinMs: 15_000,
  holdMs: 500,
  maxAffectedRatio: 0.5,
};

let folder: string;
let cluster: LabCluster;
let kubernetes: KubernetesPort;
let doors: FaultDoors;
let undo: UndoLog;
let events: JournalEvent[];
const journal = async (event: JournalEvent): Promise<void> => void events.push(event);

async function aCluster(change: Parameters<typeof aLabCluster>[0] = {}): Promise<void> {
  cluster = await aLabCluster({ workloads, autoscalers: [], ...change });
  kubernetes = createKubernetesPort({ kubeconfig: cluster.kubeconfigPath, context: 'peakproof-lab-test', namespace: 'erp' });
  doors = { clock: systemClock, kubernetes, allowedNamespaces: ['erp'] };
}
beforeEach(async () => {
  events = [];
  folder = await mkdtemp(join(tmpdir(), 'peakproof-rollouts-'));
  undo = await openUndoLog(join(folder, 'undo.ndjson'), { schemaVersion: 1, file: 'undo', runId: 'run-1' }, systemClock);
});
afterEach(async () => {
  await undo.close();
  const left = await cluster.dispose();
  await rm(folder, { recursive: true, force: true });
  expect(left).toEqual([]);
  expect(cluster.errors).toEqual([]);
});

function run(fault: FaultSpec, signal: AbortSignal = new AbortController().signal) {
  const disturbanceAt = systemClock.now();
  return runFaultSchedule({ faults: [fault], doors, runId: 'run-1', disturbanceAt, undo, journal, signal, clock: systemClock });
}
const told = <Type extends JournalEvent['type']>(type: Type) =>
  events.findLast((event): event is Extract<JournalEvent, { type: Type }> => event.type === type);
const story = (): string => JSON.stringify(events, null, 1);
const uids = async (): Promise<string[]> => (await kubernetes.fetchPods('app=erp')).map(({ uid }) => uid).toSorted();
const revision = async (): Promise<number | null> => (await kubernetes.rollouts.fetchRollout('erp')).revision;

describe('kubernetes/rolling-update on the lab API', () => {
  test('a restart replaces every pod and stays', async () => {
    await aCluster();
    const before = await uids();
    expect(await run(UPDATE), story()).toEqual({ undoComplete: true });
    expect(told('fault-proven'), story()).toMatchObject({ proven: true });
    expect((await uids()).filter((uid) => before.includes(uid))).toEqual([]);
    expect(await revision()).toBe(2);
    expect(await readFile(join(folder, 'undo.ndjson'), 'utf8')).toMatch(/"open".*\n.*"closed"/);
  });

  test.each([
    ['bad-image', /ErrImageNeverPull/],
    ['failing-readiness', /is not Ready 2 s after it came/],
  ] as const)('%s is found out, rolled back, and the old pods never leave', async (change, why) => {
    await aCluster();
    const before = await uids();
    expect(await run({ ...UPDATE, change }), story()).toEqual({ undoComplete: true });
    expect(told('fault-proven'), story()).toMatchObject({ proven: true });
    expect(told('fault-proven')?.evidence.join()).toMatch(/0 of \d got Ready/);
    expect(told('fault-ended')?.detail).toMatch(why);
    expect(told('fault-ended')?.detail).toMatch(/rolled back in/);
    // maxUnavailable 25 % lets one of four go, which comes back as a new pod of the old revision.
    expect((await uids()).filter((uid) => before.includes(uid)).length).toBeGreaterThanOrEqual(3);
    await until('all pods are ready', () => readyPods(cluster) === 4);
    expect(await kubernetes.rollouts.fetchRollout('erp')).toMatchObject({
      updated: 4,
      containers: [{ image: 'peakproof-lab/erp' }],
    });
  });

  test('another image of its own is rolled out, and back again when the plan says always', async () => {
    await aCluster();
    const images = (): Promise<readonly (readonly string[])[]> =>
      kubernetes.rollouts.fetchReplicaSets('erp').then((sets) => sets.map((set) => set.images));
    await run({ ...UPDATE, change: 'image', image: 'peakproof-lab/erp:next', rollBack: 'always' });
    expect(told('fault-proven'), story()).toMatchObject({ proven: true });
    expect(told('fault-reverted')).toMatchObject({ complete: true });
    expect(await images()).toEqual([['peakproof-lab/erp'], ['peakproof-lab/erp:next']]);
    expect(await revision()).toBe(3);
  });

  test('stopped midway, or killed, the undo file alone brings the revision before back', async () => {
    await aCluster();
    const stop = new AbortController();
    const running = run({ ...UPDATE, change: 'failing-readiness', readyWithinMs: 15_000 }, stop.signal);
    await awaitCondition('injected', async () => told('fault-injected'), {
      until: (seen) => seen !== undefined,
      timeoutMs: 10_000,
      clock: systemClock,
    });
    stop.abort('SIGINT');
    expect(await running, story()).toEqual({ undoComplete: true });
    expect(told('fault-reverted')).toMatchObject({ complete: true, detail: expect.stringContaining('runs erp-') });

    const { uid } = await kubernetes.rollouts.fetchRollout('erp');
    const [before] = await kubernetes.rollouts.fetchReplicaSets('erp');
    const data = { deployment: 'erp', deploymentUid: uid, replicaSet: before?.name, replicaSetUid: before?.uid, rolledTo: null };
    const revisionBefore = before?.revision;
    await undo.open({
      fault: 'roll',
      kind: UPDATE.kind,
      action: 'back',
      data: { ...data, revision: revisionBefore, mark: 'run-1/roll' },
    });
    await kubernetes.rollouts.changeTemplate('erp', {
      kind: 'image',
      container: 'erp',
      image: 'peakproof.invalid/no-such-image:1',
      annotations: { 'peakproof/changed-by': 'run-1/roll' },
    });
    const undoFile = join(folder, 'undo.ndjson');
    const result = await rollbackRun({ undoFile, doors, journal, limitMs: 20_000 });
    expect(result, story()).toMatchObject({ complete: true, undone: [{ fault: 'roll' }] });
    expect((await kubernetes.rollouts.fetchReplicaSets('erp'))[0]?.uid).toBe(before?.uid);
    expect(await rollbackRun({ undoFile, doors, journal })).toEqual({ complete: true, undone: [] });
  });
});

describe('kubernetes/rollback on the lab API', () => {
  test('goes back a revision and forward again', async () => {
    await aCluster();
    await run(UPDATE);
    const [made] = await kubernetes.rollouts.fetchReplicaSets('erp');
    events = [];
    expect(await run(BACK), story()).toEqual({ undoComplete: true });
    expect(told('fault-proven'), story()).toMatchObject({ proven: true });
    expect(told('fault-reverted')?.detail).toContain(`erp runs ${made?.name} again, 4 of 4 pods`);
  });

  test('of a deployment with one revision is refused and nothing is touched', async () => {
    await aCluster();
    const before = await uids();
    await run(BACK);
    expect(told('fault-failed')).toMatchObject({ code: 'ERR_FAULT_UNSUPPORTED', detail: expect.stringContaining('no earlier') });
    expect(await uids()).toEqual(before);
  });
});

describe('kubernetes/drain-node on the lab API', () => {
  test('moves the pods to the other node one by one under the budget, and uncordons', async () => {
    await aCluster({ nodes: 2, disruptionBudgets: [{ name: 'erp', maxUnavailable: 1 }] });
    expect(await run(DRAIN), story()).toEqual({ undoComplete: true });
    expect(told('fault-proven'), story()).toMatchObject({ proven: true });
    expect(told('fault-ended')?.detail).toMatch(
      /2 of 2 pods evicted; .*refused \d+ times by disruption budget erp, then accepted/,
    );
    expect(told('fault-reverted')?.detail).toMatch(/uncordoned/);
    const nodes = await kubernetes.nodes.fetchNodes();
    expect(nodes.map(({ unschedulable, annotations }) => [unschedulable, annotations])).toEqual([
      [false, {}],
      [false, {}],
    ]);
    expect(await kubernetes.nodes.fetchDisruptionBudgets()).toMatchObject([
      { name: 'erp', selector: 'app=erp', desiredHealthy: 3 },
    ]);
  });

  test('that a budget blocks for good is not proven and says by which', async () => {
    await aCluster({ nodes: 2, disruptionBudgets: [{ name: 'erp', minAvailable: 4 }] });
    const before = await uids();
    await run({ ...DRAIN, evictWithinMs: 2_500, proveWithinMs: 4_000, holdMs: 0 });
    expect(told('fault-planned')?.prediction).toContain('erp allows none now (4 healthy, 4 wanted)');
    expect(told('fault-proven')).toMatchObject({ proven: false });
    expect(told('fault-proven')?.evidence.join()).toMatch(/refused \d times by disruption budget erp, never accepted/);
    expect(await uids()).toEqual(before);
    expect((await kubernetes.nodes.fetchNodes()).some(({ unschedulable }) => unschedulable)).toBe(false);
  });

  test('on one node is refused with the reason', async () => {
    await aCluster();
    await run(DRAIN);
    expect(told('fault-failed')).toMatchObject({
      code: 'ERR_FAULT_UNSUPPORTED',
      detail: expect.stringContaining('only node of the cluster'),
    });
    expect((await kubernetes.nodes.fetchNodes())[0]?.unschedulable).toBe(false);
  });

  test('left cordoned by a killed harness, the undo file uncordons it', async () => {
    await aCluster({ nodes: 2 });
    const [node] = await kubernetes.nodes.fetchNodes();
    const data = { node: node?.name, mark: 'run-1/drain', owners: [] };
    await undo.open({ fault: 'drain', kind: DRAIN.kind, action: 'uncordon', data });
    await kubernetes.nodes.setUnschedulable(node?.name ?? '', true, { name: 'peakproof/cordoned-by', value: 'run-1/drain' });
    const result = await rollbackRun({ undoFile: join(folder, 'undo.ndjson'), doors, journal });
    expect(result, story()).toMatchObject({ complete: true });
    expect((await kubernetes.nodes.fetchNodes())[0]).toMatchObject({ unschedulable: false, annotations: {} });
  });
});
