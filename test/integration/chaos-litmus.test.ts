/**
 * litmus/engine through a real API: the practice lab's, with the kinds of Litmus and the stand-in operator, twenty-four times as fast as
 * Litmus was seen to be. Pods are real processes that really go.
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig, type KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { UndoEntry } from '../../chaos/fault.ts';
import { litmusEngine } from '../../chaos/litmus/engine.ts';
import { engineName } from '../../chaos/litmus/engine-object.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createCustomObjectsPort } from '../../src/clients/custom-objects.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import { packageRoot } from '../../src/clients/package-root.ts';
import type { CustomObjectsPort, KubernetesPort } from '../../src/clients/ports.ts';
import { TIMEOUTS_VARIABLE } from '../../src/clients/timeouts.ts';
import type { LitmusEngineSpec, Plan } from '../../src/model/plan.ts';
import { type RbacObject, rbacObjects } from '../../src/run/rbac/manifests.ts';
import { requiredAccess } from '../../src/run/rbac/required-access.ts';
import { rollbackRun } from '../../src/run/rollback.ts';
import { createBench, disturb, type FaultBench } from '../fakes/fault-bench.ts';
import { installLitmus, postDefinition } from '../support/litmus-operator/install.ts';
import {
  ACCOUNTS,
  ENGINES,
  JOBS,
  type Operator,
  RESULTS,
  startOperator,
  type Traps,
} from '../support/litmus-operator/operator.ts';
import { aLabCluster, type LabCluster, readyPods, until } from './lab-kubernetes-support.ts';

process.env[TIMEOUTS_VARIABLE] = JSON.stringify({ litmusLook: 50, litmusResult: 1_500, litmusStop: 2_500, litmusRemove: 1_500 });
const SPEED = 24;

const spec: LitmusEngineSpec = {
  id: 'kill-one',
  kind: 'litmus/engine',
  atMs: 0,
  proveWithinMs: 5_000,
  revertWithinMs: 8_000,
  experiment: 'pod-delete',
  serviceAccount: 'pod-delete',
  app: { label: 'app=erp', kind: 'deployment' },
  durationMs: 20_000,
  intervalMs: 10_000,
  env: { FORCE: 'true' },
  probes: [],
  healthCheck: true,
  proof: 'pods-gone',
  maxAffectedRatio: 0.5,
  startWithinMs: 2_500,
  endWithinMs: 10_000,
  keepResult: false,
};

let cluster: LabCluster;
let kubernetes: KubernetesPort;
let objects: CustomObjectsPort;
let operator: Operator | null = null;
let abort: AbortController;
let bench: FaultBench;
let run = 0;

beforeAll(async () => {
  cluster = await aLabCluster();
  const options = { kubeconfig: cluster.kubeconfigPath, namespace: 'erp' };
  kubernetes = createKubernetesPort(options);
  objects = createCustomObjectsPort(options);
  await installLitmus(objects, async (definition) => {
    expect((await postDefinition(cluster.api.url, definition)).status).toBe(201);
  });
}, 20_000);
afterAll(async () => {
  expect(await cluster?.dispose()).toEqual([]);
});

beforeEach(() => {
  run += 1;
  abort = new AbortController();
  bench = { ...createBench({ clock: systemClock, kubernetes, customObjects: objects }, abort.signal), runId: `run-${run}` };
});
afterEach(async () => {
  await operator?.stop();
  operator = null;
  // Whatever a test left, with nobody there to take finalizers off.
  for (const resource of [ENGINES, RESULTS, JOBS])
    for (const { metadata } of await objects.list(resource)) {
      await objects.patch(resource, metadata?.name ?? '', { metadata: { finalizers: null } });
      await objects.remove(resource, metadata?.name ?? '');
    }
  await until('every pod is ready', () => readyPods(cluster) === 4);
});

const start = (traps: Traps = {}, speed = SPEED): void => {
  operator = startOperator({ objects, kubernetes, clock: systemClock, speed, traps });
};
const engine = () => engineName(bench.runId, spec.id);
const uids = async () => (await kubernetes.fetchPods('app=erp')).map(({ uid }) => uid);
const onlyUndo = (): UndoEntry => {
  const [undo] = bench.undone;
  if (undo === undefined) throw new Error('no undo was opened');
  return undo;
};
const undoIt = () =>
  litmusEngine.revert(onlyUndo(), { clock: systemClock, kubernetes, customObjects: objects }, { timeoutMs: 8_000 });
const nothingLeft = async () => {
  expect(await Promise.all([ENGINES, RESULTS, JOBS].map((resource) => objects.list(resource)))).toEqual([[], [], []]);
};
const injectAfter = async (change: () => Promise<unknown>, its: LitmusEngineSpec = spec) => {
  const plan = await litmusEngine.plan(spec, bench);
  await change();
  return litmusEngine.inject(its, plan, bench, () => undefined);
};

describe('an experiment that does its work', () => {
  test('real pods go, one a round; window and proof are ours, Litmus adds its verdict; nothing is left', async () => {
    start();
    const before = await uids();
    const startedAt = Date.now();
    const { plan, injection } = await disturb(litmusEngine, spec, bench);
    const proof = await litmusEngine.prove(spec, plan, injection, bench);
    expect(proof.proven).toBe(true);
    expect(proof.evidence.join('\n')).toContain("Litmus' verdict Pass (Completed)");
    expect(proof.evidence.join('\n')).toMatch(/Litmus' events .*ChaosInject x2/);
    const killed = operator?.story.filter((line) => line.includes(' killed ')).map((line) => line.split(' ').at(-1));
    expect(injection.state.taken.map(({ uid }) => uid)).toEqual(killed);
    expect(before).toContain(killed?.[0]);
    // 12 s and 30 s after the engine, so many times as fast.
    expect(injection.injectedAt - startedAt).toBeGreaterThan(350);
    expect((injection.endedAt ?? 0) - injection.injectedAt).toBeGreaterThan(550);
    expect(Date.now() - (injection.endedAt ?? 0)).toBeGreaterThan(400);
    expect(await undoIt()).toMatchObject({ complete: true });
    await nothingLeft();
  });

  test('a second round that hits a replacement is counted', async () => {
    start({ hitsReplacement: true });
    const { plan, injection } = await disturb(litmusEngine, spec, bench);
    expect(injection.state.taken).toHaveLength(2);
    expect(plan.state.before).not.toContain(injection.state.taken[1]?.uid);
    expect((await litmusEngine.prove(spec, plan, injection, bench)).proven).toBe(true);
  });

  test('a failed probe of Litmus becomes evidence and leaves our proof alone', async () => {
    start({ failingProbes: ['teapot'] });
    const probes = [{ name: 'teapot', type: 'httpProbe', mode: 'Edge' }];
    const { plan, injection } = await disturb(litmusEngine, { ...spec, probes }, bench);
    const proof = await litmusEngine.prove(spec, plan, injection, bench);
    expect(proof.proven).toBe(true);
    expect(proof.evidence.join('\n')).toContain('Completed_With_Probe_Failure');
    expect(proof.evidence.join('\n')).toContain('Litmus probe "teapot" (httpProbe, Edge): Failed: Actual value: 200.');
  });

  test('the Pass of an earlier engine of that name, readable until the experiment runs, is not taken for ours', async () => {
    start();
    await objects.create(RESULTS, {
      metadata: { name: `${engine()}-pod-delete`, labels: { chaosUID: 'another', 'job-name': 'pod-delete-qwwwa1' } },
      spec: { engine: engine(), experiment: 'pod-delete' },
      status: {
        experimentStatus: { phase: 'Completed', verdict: 'Pass', probeSuccessPercentage: '100' },
        history: { failedRuns: 0, passedRuns: 3, stoppedRuns: 0 },
      },
    });
    const { injection } = await disturb(litmusEngine, spec, bench);
    expect(injection.state.taken.length).toBeGreaterThan(0);
    expect(injection.state.result).toMatchObject({ verdict: 'Pass' });
    expect(injection.state.result?.jobName).not.toBe('pod-delete-qwwwa1');
    const kept = await objects.fetch(RESULTS, `${engine()}-pod-delete`);
    expect(kept).toMatchObject({ status: { history: { passedRuns: 4 } } });
  });

  test('when the run is stopped, the experiment is, and a pod that still goes afterwards is counted', async () => {
    start({ killsAfterStop: true });
    const plan = await litmusEngine.plan(spec, bench);
    const injection = await litmusEngine.inject(spec, plan, bench, () => abort.abort(new Error('the run was stopped')));
    expect(operator?.story).toContain(`${engine()} stopped`);
    expect(injection.state.taken).toHaveLength(2);
    expect(injection.state.result).toMatchObject({ phase: 'Stopped' });
    expect(await undoIt()).toMatchObject({ complete: true });
    await nothingLeft();
  });
});

describe('an experiment that does not', () => {
  test('stuck initialized for want of its service account: named after the deadline, and taken away', async () => {
    start();
    const account = await objects.fetch(ACCOUNTS, 'pod-delete');
    const failed = injectAfter(() => objects.remove(ACCOUNTS, 'pod-delete'));
    await expect(failed).rejects.toMatchObject({
      code: 'ERR_LITMUS',
      message: expect.stringMatching(
        /did not get on within 2.5 s \(engine initialized.*the service account "pod-delete" is not in/,
      ),
    });
    await objects.create(ACCOUNTS, { metadata: { name: account?.metadata?.name ?? '' } });
    expect(await undoIt()).toMatchObject({ complete: true });
    await nothingLeft();
  });

  test('no operator there: told, and the engine, which has no finalizer yet, is taken away', async () => {
    await expect(injectAfter(async () => undefined)).rejects.toThrow('no operator has taken it up');
    expect(await undoIt()).toMatchObject({ complete: true });
    await nothingLeft();
  });

  test('an image that is not to be had: Skipped', async () => {
    start({ missingImages: ['litmuschaos/go-runner:3.8.0'] });
    await expect(injectAfter(async () => undefined)).rejects.toThrow(
      /was not started \(engine (initialized|completed), experiment Skipped.*litmuschaos\/go-runner:3\.8\.0 could not be started/,
    );
  });

  test('completed without a result: the service account may do nothing', async () => {
    start({ powerlessAccounts: ['pod-delete'] });
    await expect(injectAfter(async () => undefined)).rejects.toThrow(
      /completed, but none of the pods app=erp was seen going: there is no ChaosResult of this run/,
    );
  });

  test('Pass with all pods still there is no injection', async () => {
    start({ doesNothing: true });
    const before = await uids();
    await expect(injectAfter(async () => undefined)).rejects.toThrow("was seen going: Litmus' verdict Pass (Completed)");
    expect(await uids()).toEqual(before);
  });

  test.each([
    [false, 'TARGET_SELECTION_ERROR', SPEED],
    [true, 'STATUS_CHECKS_ERROR', 60],
  ])('a label that selects nothing ends in Error with its reason (health check %s)', async (healthCheck, code, speed) => {
    start({}, speed);
    const wrong = { ...spec, healthCheck, app: { label: 'app=nothing', kind: 'deployment' } };
    await expect(injectAfter(async () => undefined, wrong)).rejects.toThrow(
      `Litmus' verdict Error (Error): ${code}: no pod found with matching labels ({podLabels: app=nothing, namespace: erp})`,
    );
  });

  test('the operator goes down before the end: the finalizer holds the engine, which is told with the way out, and the way out works', async () => {
    start();
    await disturb(litmusEngine, spec, bench);
    await operator?.stop();
    operator = null;
    const held = await undoIt();
    expect(held.complete).toBe(false);
    const command = /kubectl -n erp patch chaosengine (\S+) --type=merge -p '(.*?)'/.exec(held.detail);
    expect(command?.[1]).toBe(engine());
    await objects.patch(ENGINES, engine(), JSON.parse(command?.[2] ?? '{}') as Record<string, unknown>);
    expect(await undoIt()).toMatchObject({ complete: true });
    await nothingLeft();
  });
});

describe('a harness that is killed while Litmus works', () => {
  test('leaves an undo that a new process carries out: the experiment is stopped and nothing stays', async () => {
    start();
    const undoFile = join(cluster.folder, 'undo.ndjson');
    const program = join(packageRoot(), 'test/integration/litmus-child.ts');
    const child = spawn(process.execPath, [program, undoFile, cluster.kubeconfigPath, JSON.stringify(spec)], {
      stdio: 'inherit',
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      await until('a pod is killed', () => operator?.story.some((line) => line.includes(' killed ')) === true, 20_000);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
    expect(await objects.list(ENGINES)).toHaveLength(1);
    const doors = { clock: systemClock, kubernetes, customObjects: objects };
    const rolledBack = await rollbackRun({ undoFile, doors, journal: async () => undefined, limitMs: 8_000 });
    expect(rolledBack).toMatchObject({ complete: true, undone: [{ fault: 'kill-one', kind: 'litmus/engine', complete: true }] });
    expect(operator?.story.some((line) => line.endsWith(' stopped'))).toBe(true);
    await nothingLeft();
    expect(await rollbackRun({ undoFile, doors, journal: async () => undefined })).toEqual({ complete: true, undone: [] });
  });
});

describe('an account with just what `peakproof rbac` prints', () => {
  test('can plan, inject, prove and undo', async () => {
    const target = { namespace: 'erp', deployment: 'erp', namespaceOnly: true };
    const access = requiredAccess({ faults: [spec] } as unknown as Plan, { kubernetes: target });
    const account = await accountWith(cluster.kubeconfigPath, rbacObjects(access, { name: 'litmus-user', namespace: 'erp' }));
    const options = { kubeconfig: account, namespace: 'erp' };
    const doors = { kubernetes: createKubernetesPort(options), customObjects: createCustomObjectsPort(options) };
    expect(await doors.kubernetes.allowed({ verb: 'delete', group: '', resource: 'pods' })).toBe(false);
    start();
    const { plan, injection } = await disturb(litmusEngine, spec, { ...bench, ...doors });
    const proof = await litmusEngine.prove(spec, plan, injection, { ...bench, ...doors });
    expect(proof.proven).toBe(true);
    expect(proof.evidence.join('\n')).not.toContain('forbidden');
    const revert = await litmusEngine.revert(onlyUndo(), { clock: systemClock, ...doors }, { timeoutMs: 8_000 });
    expect(revert).toMatchObject({ complete: true });
    await nothingLeft();
    await expect(litmusEngine.plan({ ...spec, experiment: 'other' }, { ...bench, ...doors })).rejects.toThrow(
      /reading chaosexperiments\.litmuschaos\.io other.*forbidden/,
    );
  });
});

/** Makes account and roles, and a kubeconfig of the account alone. */
async function accountWith(admin: string, roles: readonly RbacObject[]): Promise<string> {
  const config = new KubeConfig();
  config.loadFromFile(admin);
  const api = KubernetesObjectApi.makeApiClient(config);
  for (const object of roles) await api.create(object as KubernetesObject);
  const body = { spec: { audiences: [], expirationSeconds: 3_600 } };
  const name = 'litmus-user';
  const { status } = await config.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({ name, namespace: 'erp', body });
  const path = join(cluster.folder, 'account.json');
  const account = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'account',
    clusters: [{ name: 'lab', cluster: { server: cluster.api.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'account', user: { token: status?.token } }],
    contexts: [{ name: 'account', context: { cluster: 'lab', user: 'account' } }],
  };
  await writeFile(path, JSON.stringify(account), { mode: 0o600 });
  return path;
}
