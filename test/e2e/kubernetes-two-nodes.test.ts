/** drain-node, rolling-update and rollback on real Kubernetes: two self-built nodes, pods that only wait. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BRIDGE } from '../../lab/kubernetes/node/addresses.ts';
import { ensurePackages, ensurePrograms, hostObstacles } from '../../lab/kubernetes/node/index.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import type { KubernetesPort } from '../../src/clients/ports.ts';
import type { DrainNodeSpec, FaultSpec, RollbackSpec, RollingUpdateSpec } from '../../src/model/plan.ts';
import type { JournalEvent } from '../../src/model/run-records.ts';
import { runFaultSchedule } from '../../src/run/fault-schedule.ts';
import { openUndoLog, type UndoLog } from '../../src/run/undo.ts';
import { cleanEnv } from '../support/cli.ts';

const obstacles = hostObstacles();
const reason = obstacles.length > 0 ? ` (skipped: ${obstacles.join('; ')})` : '';
const NAMESPACE = 'peakproof-rollouts';
const common = { atMs: 0, proveWithinMs: 60_000, revertWithinMs: 60_000 } as const;
const rollout = {
  ...common,
  deployment: 'web',
  withinMs: 60_000,
  readyWithinMs: 8_000,
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
  selector: 'app=web',
  otherPods: 'leave',
  deleteEmptyDirData: false,
  evictWithinMs: 30_000,
  holdMs: 1_000,
  maxAffectedRatio: 0.5,
};

const web = (maxUnavailable: number) => ({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        replicas: 4,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                name: 'web',
                image: 'localhost/peakproof/pause:1',
                imagePullPolicy: 'Never',
                ports: [{ containerPort: 8080 }],
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: { maxUnavailable, selector: { matchLabels: { app: 'web' } } },
    },
  ],
});

describe.skipIf(obstacles.length > 0)(`nodes and rollouts of a real Kubernetes${reason}`, () => {
  let root: string;
  let node: { readonly kubeconfig: string; readonly context: string; readonly kubectl: string };
  let kubernetes: KubernetesPort;
  let undo: UndoLog;
  let events: JournalEvent[];

  const nodeCommand = async (...action: readonly string[]): Promise<string> => {
    const result = await execa(process.execPath, [join(packageRoot(), 'lab/kubernetes/node/main.ts'), ...action], {
      env: cleanEnv({ PEAKPROOF_STATE: root }),
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
    });
    expect(result.exitCode, String(result.stderr)).toBe(0);
    return String(result.stdout);
  };
  const apply = (objects: object): void => {
    const kubectl = (...args: string[]): string =>
      execFileSync(node.kubectl, ['--kubeconfig', node.kubeconfig, ...args], {
        input: JSON.stringify(objects),
        encoding: 'utf8',
      });
    kubectl('apply', '-f', '-');
    kubectl('rollout', 'status', 'deployment/web', '-n', NAMESPACE, '--timeout=90s');
  };
  const run = (fault: FaultSpec) =>
    runFaultSchedule({
      faults: [fault],
      doors: { clock: systemClock, kubernetes, allowedNamespaces: [NAMESPACE] },
      runId: 'run-1',
      disturbanceAt: systemClock.now(),
      undo,
      journal: async (event) => void events.push(event),
      signal: new AbortController().signal,
      clock: systemClock,
    });
  const told = <Type extends JournalEvent['type']>(type: Type) =>
    events.findLast((event): event is Extract<JournalEvent, { type: Type }> => event.type === type);
  const story = (): string => JSON.stringify(events, null, 1);
  const uids = async (): Promise<string[]> =>
    (await kubernetes.fetchPods('app=web')).filter(({ deleting }) => !deleting).map(({ uid }) => uid);
  const cordoned = async (): Promise<boolean[]> => (await kubernetes.nodes.fetchNodes()).map((it) => it.unschedulable);

  beforeAll(async () => {
    expect(existsSync(`/sys/class/net/${BRIDGE}`), 'a node runs on this host already').toBe(false);
    root = mkdtempSync(join(tmpdir(), 'pp-two-nodes-'));
    await ensurePackages((line) => console.info(line));
    await ensurePrograms({ onProgress: (line) => console.info(line) });
    node = JSON.parse(await nodeCommand('up', '--two')) as typeof node;
    kubernetes = createKubernetesPort({ kubeconfig: node.kubeconfig, context: node.context, namespace: NAMESPACE });
    apply(web(1));
    undo = await openUndoLog(join(root, 'undo.ndjson'), { schemaVersion: 1, file: 'undo', runId: 'run-1' }, systemClock);
  }, 3_000_000);
  afterAll(async () => {
    await undo?.close();
    await nodeCommand('down');
    rmSync(root, { recursive: true, force: true });
  });
  beforeEach(() => {
    events = [];
  });

  test('a restart replaces every pod; undone, the revision before runs again', async () => {
    const before = await uids();
    expect(await run(UPDATE), story()).toEqual({ undoComplete: true });
    expect(told('fault-proven'), story()).toMatchObject({ proven: true });
    expect((await uids()).filter((uid) => before.includes(uid))).toEqual([]);
    const [made] = await kubernetes.rollouts.fetchReplicaSets('web');
    expect(await run(BACK), story()).toEqual({ undoComplete: true });
    expect(told('fault-proven'), story()).toMatchObject({ proven: true, fault: 'back' });
    expect(told('fault-reverted')?.detail).toContain(`web runs ${made?.name} again, 4 of 4 pods`);
  });

  test.each([
    ['bad-image', /ErrImageNeverPull/],
    ['failing-readiness', /is not Ready 8 s after it came/],
  ] as const)('%s is found out and rolled back while the old pods serve on', async (change, why) => {
    const before = await uids();
    expect(await run({ ...UPDATE, change }), story()).toEqual({ undoComplete: true });
    expect(told('fault-proven'), story()).toMatchObject({ proven: true });
    expect(told('fault-ended')?.detail).toMatch(why);
    expect(told('fault-ended')?.detail).toMatch(/rolled back in/);
    // maxUnavailable 25 % lets one of four go.
    expect((await uids()).filter((uid) => before.includes(uid)).length).toBeGreaterThanOrEqual(3);
  });

  test('a drain moves the pods to the other node under the disruption budget, and uncordons', async () => {
    expect(await run(DRAIN), story()).toEqual({ undoComplete: true });
    expect(told('fault-proven'), story()).toMatchObject({ proven: true });
    expect(told('fault-proven')?.evidence.join('\n')).toMatch(
      /was seen unschedulable\ngone from it: web-.*\n\d of \d replacements Ready/,
    );
    expect(told('fault-reverted')).toMatchObject({ complete: true, detail: expect.stringContaining('uncordoned') });
    expect(await cordoned()).toEqual([false, false]);
  });

  test('a drain that the budget blocks is not proven, names the budget, and uncordons', async () => {
    apply(web(0));
    const before = await uids();
    // After the drain before, one node may run them all.
    await run({ ...DRAIN, evictWithinMs: 4_000, proveWithinMs: 6_000, holdMs: 0, maxAffectedRatio: 1 });
    expect(told('fault-proven'), story()).toMatchObject({ proven: false });
    expect(told('fault-proven')?.evidence.join()).toMatch(/refused \d times by disruption budget web, never accepted/);
    expect(await uids()).toEqual(before);
    expect(await cordoned()).toEqual([false, false]);
  });

  test('a drain of the last node that takes pods is refused', async () => {
    const node = (await kubernetes.fetchPods('app=web'))[0]?.node ?? '';
    const other = (await kubernetes.nodes.fetchNodes()).find(({ name }) => name !== node)?.name ?? '';
    const annotation = { name: 'peakproof/cordoned-by', value: null };
    await kubernetes.nodes.setUnschedulable(other, true, annotation);
    try {
      await run({ ...DRAIN, node, maxAffectedRatio: 1 });
      expect(told('fault-failed')?.detail).toContain(`would leave no schedulable Ready node: ${other} is cordoned`);
    } finally {
      await kubernetes.nodes.setUnschedulable(other, false, annotation);
    }
  });
});
