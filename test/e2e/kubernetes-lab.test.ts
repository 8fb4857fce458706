/** The whole of it on a real Kubernetes that is built and started here: one bring-up for all tests of this file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { erpReference } from '../../lab/kubernetes/images/erp-image.ts';
import { hostObstacles, nodeUp, stopService } from '../../lab/kubernetes/node/index.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { Evaluation } from '../../src/model/evaluation.ts';
import { readPlan } from '../../src/plan/read-plan.ts';
import { connectionsOf, openDoors } from '../../src/run/connections.ts';
import { type CliResult, runCli, spawnCli } from '../support/cli.ts';
import { missingOrders } from '../support/missing-orders.ts';
import { lookAtHost } from '../support/node-host.ts';
import { litmusOnKubernetes } from './litmus-on-kubernetes.ts';
import { postgresOnKubernetes } from './postgres-on-kubernetes.ts';
import { rbacOnKubernetes } from './rbac-on-kubernetes.ts';
import { rolloutsOnKubernetes } from './rollouts-on-kubernetes.ts';
import { sentinelOnKubernetes } from './sentinel-on-kubernetes.ts';
import { KILL_ONE_WORKER, shortPlan } from './short-plan.ts';

const obstacles = hostObstacles();
const reason = obstacles.length > 0 ? ` (skipped: ${obstacles.join('; ')})` : '';
/** A host without the programs and images in its cache builds them first. */
const COLD_MS = 3_000_000;
const NAME = 'k8s';

const NO_ORDER_LOST = { id: 'no-order-lost', kind: 'data-loss', service: 'order-capture' };
const BAD_IMAGE = {
  id: 'bad-image',
  kind: 'kubernetes/rolling-update',
  at: '2s',
  deployment: 'erp',
  change: 'bad-image',
  readyWithin: '10s',
  within: '60s',
};
const LOST_MASTER = {
  id: 'lost-master',
  kind: 'redis/sentinel-failover',
  at: '25s',
  mode: 'crash',
  proveWithin: '30s',
  revertWithin: '60s',
};

/** Faults that do not disturb each other's proof, in one run. */
const HARDER = stringify({
  schemaVersion: 1,
  name: 'harder',
  seed: 7,
  target: { kind: 'lab', on: 'kubernetes' },
  dataset: { products: 40, categories: 4, customers: 20, stores: 1, tillsPerStore: 2, openingStock: 5000, hotProducts: 4 },
  phases: { warmUp: '5s', baseline: '15s', disturbance: '60s', recovery: '30s', settle: '4s' },
  load: {
    scenarios: [
      {
        id: 'flash-sale',
        kind: 'flash-sale',
        stages: [
          { ratePerSecond: 2, for: '1s' },
          { ratePerSecond: 2, for: '108s' },
        ],
      },
    ],
  },
  probes: [
    { service: 'order-capture', interval: '500ms', timeout: '40s', slow: '2s' },
    { service: 'session-store', interval: '200ms', timeout: '40s', slow: '500ms' },
  ],
  faults: [
    BAD_IMAGE,
    LOST_MASTER,
    {
      id: 'frozen',
      kind: 'postgres/failover',
      at: '45s',
      mode: 'frozen-walsender',
      for: '3s',
      proveWithin: '60s',
      revertWithin: '90s',
    },
  ],
  objectives: [
    { id: 'orders-through-bad-image', kind: 'recovery', service: 'order-capture', fault: 'bad-image', max: '20s', hold: '3s' },
    { id: 'sessions-back', kind: 'recovery', service: 'session-store', fault: 'lost-master', max: '35s', hold: '3s' },
    { id: 'sessions-kept', kind: 'data-loss', service: 'session-store', maxLostWrites: 100_000 },
    NO_ORDER_LOST,
  ],
});

/** A load step that needs more than one replica. */
const STEP = shortPlan({
  name: 'step',
  disturbance: '30s',
  scenarios: [
    {
      id: 'flash-sale',
      kind: 'flash-sale',
      stages: [
        { ratePerSecond: 1, for: '15s' },
        { ratePerSecond: 3, for: '1s' },
        { ratePerSecond: 3, for: '34s' },
      ],
    },
  ],
  objectives: [
    {
      ...{ id: 'scales', kind: 'autoscaling', scenario: 'flash-sale', minReplicasReached: 2 },
      ...{ maxDesired: '30s', maxReady: '35s', maxServiceLevelBack: '38s' },
    },
  ],
});

describe.skipIf(obstacles.length > 0)(`a lab on real Kubernetes${reason}`, () => {
  const state = mkdtempSync(join(tmpdir(), 'pp-k-'));
  const cwd = mkdtempSync(join(tmpdir(), 'peakproof-kubernetes-'));
  const env = { PEAKPROOF_STATE: state };
  const before = obstacles.length > 0 ? undefined : lookAtHost();
  let lab: LabConnection;
  let nodeImage: string;

  const cli = (args: readonly string[], timeoutMs = 480_000): Promise<CliResult> => runCli(args, { cwd, env, timeoutMs });
  const up = ['lab', 'up', '--on', 'kubernetes', '--node', '--detach', '--json', '--name', NAME];

  beforeAll(async () => {
    const result = await cli(up, COLD_MS);
    expect(result.exitCode, result.stderr).toBe(0);
    lab = JSON.parse(result.stdout) as LabConnection;
    await writeFile(join(cwd, 'lab.json'), result.stdout);
    nodeImage = await erpReference();
  }, COLD_MS);

  afterAll(async () => {
    await cli(['lab', 'down', '--name', NAME]);
    for (const folder of [state, cwd]) rmSync(folder, { recursive: true, force: true });
  }, 180_000);

  async function run(
    plan: string,
  ): Promise<{ readonly exitCode: number; readonly evaluation: Evaluation; readonly runDir: string }> {
    const result = await cli(['run', plan, '--lab', 'lab.json', '--json']);
    if (result.stdout === '') throw new Error(`no run: exit ${result.exitCode}\n${result.stderr}`);
    const { runDir } = JSON.parse(result.stdout) as { readonly runDir: string };
    const evaluation = JSON.parse(await readFile(join(runDir, 'evaluation.json'), 'utf8')) as Evaluation;
    return { exitCode: result.exitCode, evaluation, runDir };
  }

  async function write(plan: string): Promise<string> {
    await writeFile(join(cwd, 'plan.yaml'), plan);
    return 'plan.yaml';
  }

  const object = (kind: string, apiVersion: string, name: string) => ({
    apiVersion,
    kind,
    metadata: { name, namespace: lab.namespace },
  });

  async function patch(target: ReturnType<typeof object>, fields: object): Promise<void> {
    const config = new KubeConfig();
    config.loadFromFile(lab.kubeconfig);
    config.setCurrentContext(lab.context);
    await KubernetesObjectApi.makeApiClient(config).patch(
      { ...target, ...fields },
      ...[undefined, undefined, undefined, undefined],
      'application/merge-patch+json',
    );
  }

  test('the plan of the demo passes: every objective measured and met, every fault proven and reverted', async () => {
    // As the plan itself would have its lab: asynchronous, a crash may lose the last acknowledged orders.
    await setSynchronous(true);
    const { exitCode, evaluation } = await run('demo-kubernetes');
    await setSynchronous(false);
    expect(
      evaluation.objectives
        .filter(({ verdict }) => verdict !== 'pass')
        .map(({ id, verdict, reason: why }) => `${id}: ${verdict}: ${why}`),
    ).toEqual([]);
    expect(evaluation.guards.filter(({ held }) => !held).map(({ reason: why }) => why)).toEqual([]);
    expect(evaluation.faults.map(({ fault, proven, reverted }) => ({ fault, proven, reverted }))).toEqual(
      ['kill-a-worker', 'primary-crash', 'cache-flood'].map((fault) => ({ fault, proven: true, reverted: true })),
    );
    expect(exitCode).toBe(0);
  });

  /** Changes Patroni's configuration, and waits until a standby is, or is no longer, synchronous. */
  async function setSynchronous(wanted: boolean): Promise<void> {
    const [url = ''] = lab.patroniUrls;
    const answer = await fetch(`${url}/config`, { method: 'PATCH', body: JSON.stringify({ synchronous_mode: wanted }) });
    expect(answer.status, await answer.text()).toBe(200);
    const look = async () =>
      (await (await fetch(`${url}/cluster`)).json()) as { readonly members: readonly { readonly role: string }[] };
    await awaitCondition('Patroni to live by it', look, {
      until: ({ members }) => members.some(({ role }) => role === 'sync_standby') === wanted,
      describe: (seen) => JSON.stringify(seen),
      timeoutMs: 60_000,
      clock: systemClock,
    });
  }

  test('a bad image, a lost Redis master and WAL that never arrived: proven, undone, and the lost orders are those that SQL misses', async () => {
    const { evaluation, runDir } = await run(await write(HARDER));
    expect(evaluation.faults.map(({ fault, proven, reverted }) => ({ fault, proven, reverted }))).toEqual(
      ['bad-image', 'lost-master', 'frozen'].map((fault) => ({ fault, proven: true, reverted: true })),
    );
    const missing = await missingOrders(runDir, lab);
    const lost = evaluation.dataLoss.find(({ service }) => service === 'order-capture')?.lostKeys ?? [];
    expect(missing.size, 'WAL stood still for seconds under load').toBeGreaterThan(0);
    expect([...new Set(lost.map(({ key }) => key))].sort()).toEqual([...missing].sort());
    expect(evaluation.objectives.find(({ id }) => id === 'no-order-lost')).toMatchObject({ verdict: 'fail' });
    expect(evaluation.objectives.find(({ id }) => id === 'orders-through-bad-image')).toMatchObject({ verdict: 'pass' });
  });

  test('an autoscaler that may have one replica only fails its objective', async () => {
    const autoscaler = object('HorizontalPodAutoscaler', 'autoscaling/v2', lab.hpa);
    await patch(autoscaler, { spec: { minReplicas: 1, maxReplicas: 1 } });
    try {
      const { exitCode, evaluation } = await run(await write(STEP));
      expect(evaluation.objectives.find(({ id }) => id === 'scales')).toMatchObject({ verdict: 'fail' });
      expect(exitCode).toBe(1);
    } finally {
      await patch(autoscaler, { spec: { minReplicas: 2, maxReplicas: 5 } });
    }
  });

  test('a Patroni that is paused is refused before anything is touched', async () => {
    const pause = (value: boolean | null) =>
      fetch(`${lab.patroniUrls[0]}/config`, { method: 'PATCH', body: JSON.stringify({ pause: value }) });
    expect((await pause(true)).status).toBe(200);
    try {
      const crash = { id: 'crash', kind: 'postgres/failover', at: '3s', mode: 'crash' };
      const plan = await write(shortPlan({ name: 'paused', faults: [crash], objectives: [NO_ORDER_LOST] }));
      const refused = await awaitCondition('the pause to be seen', () => cli(['preflight', plan, '--lab', 'lab.json']), {
        until: ({ stderr, stdout }) => `${stdout}${stderr}`.includes('paused'),
        timeoutMs: 30_000,
        clock: systemClock,
      });
      expect(refused.exitCode).not.toBe(0);
    } finally {
      expect((await pause(null)).status).toBe(200);
    }
  });

  test('without metrics an autoscaler cannot be judged, and that is said before the load', async () => {
    const node = await nodeUp({ stateDir: join(state, 'kubernetes-node') });
    await stopService(node, 'metrics-server');
    try {
      const plan = await write(STEP);
      const refused = await awaitCondition('the metrics to be missed', () => cli(['preflight', plan, '--lab', 'lab.json']), {
        until: ({ exitCode }) => exitCode !== 0,
        timeoutMs: 90_000,
        clock: systemClock,
      });
      expect(`${refused.stdout}${refused.stderr}`).toMatch(/metric/i);
    } finally {
      await nodeUp({ stateDir: join(state, 'kubernetes-node') });
    }
  });

  test.each([
    ['kill-pods', { ...KILL_ONE_WORKER, repeat: { every: '4s', for: '20s' } }],
    ['a bad image', { ...BAD_IMAGE, at: '1s' }],
    [
      'a killed Patroni',
      {
        id: 'orphan',
        kind: 'postgres/failover',
        at: '1s',
        mode: 'kill-patroni',
        for: '5s',
        proveWithin: '60s',
        revertWithin: '120s',
      },
    ],
    ['a lost Redis master', { ...LOST_MASTER, at: '1s' }],
  ])('kill -9 of the harness in %s: rollback puts everything back', async (_, fault) => {
    const previous = await latestRun();
    const plan = await write(
      shortPlan({ name: 'kill', baseline: '2s', disturbance: '8s', faults: [fault], objectives: [NO_ORDER_LOST] }),
    );
    const harness = spawnCli(['run', plan, '--lab', 'lab.json'], { cwd, env });
    const runDir = await awaitCondition('the fault to be injected', () => injectedRun(previous), {
      until: (dir) => dir !== undefined,
      timeoutMs: 150_000,
      clock: systemClock,
    });
    harness.kill('SIGKILL');
    await harness;
    const rollback = await cli(['rollback', runDir ?? '', '--json']);
    expect(rollback.exitCode, `${rollback.stdout} ${rollback.stderr}`).toBe(0);
    await expectHealthy();
  });

  async function latestRun(): Promise<string | undefined> {
    return (await readdir(cwd)).includes('runs') ? await realpath(join(cwd, 'runs/latest')) : undefined;
  }

  async function injectedRun(previous: string | undefined): Promise<string | undefined> {
    const dir = await latestRun();
    if (dir === undefined || dir === previous || !(await readdir(dir)).includes('journal.ndjson')) return undefined;
    return (await readFile(join(dir, 'journal.ndjson'), 'utf8')).includes('"fault-injected"') ? dir : undefined;
  }

  async function expectHealthy(): Promise<void> {
    const plan = readPlan(shortPlan({ name: 'look', objectives: [NO_ORDER_LOST] }), 'plan');
    const doors = await openDoors(connectionsOf(plan, lab), process.env);
    try {
      const { kubernetes, patroni } = doors.faults;
      await awaitCondition(
        'workers and members to be well',
        async () => ({
          erp: await kubernetes?.fetchDeployment('erp'),
          cluster: await patroni?.fetchCluster(),
        }),
        {
          until: ({ erp, cluster }) =>
            erp !== undefined &&
            erp.readyReplicas === erp.replicas &&
            cluster?.members.length === 3 &&
            cluster.members.filter(({ role }) => role === 'primary').length === 1 &&
            cluster.members.every(({ state: how }) => how === 'running' || how === 'streaming'),
          describe: ({ erp, cluster }) => JSON.stringify({ erp, cluster }),
          timeoutMs: 90_000,
          clock: systemClock,
        },
      );
    } finally {
      await doors.close();
    }
  }

  const cluster = () => ({ kubeconfig: lab.kubeconfig, context: lab.context, nodeImage });
  litmusOnKubernetes(cluster);
  rbacOnKubernetes(cluster);
  rolloutsOnKubernetes(() => lab);
  sentinelOnKubernetes(() => lab);
  postgresOnKubernetes(() => lab);

  test('status tells what runs, and down leaves the host as it was', async () => {
    const [told] = JSON.parse((await cli(['lab', 'status', '--json'])).stdout) as readonly {
      readonly state: string;
      readonly kubernetes: { readonly pods: readonly unknown[] };
    }[];
    expect(told).toMatchObject({ state: 'running', kubernetes: { place: 'node' } });
    expect(told?.kubernetes.pods.length).toBeGreaterThanOrEqual(15);
    const down = await cli(['lab', 'down', '--name', NAME]);
    expect(down.exitCode, down.stderr).toBe(0);
    expect(lookAtHost()).toEqual(before);
    expect(JSON.parse((await cli(['lab', 'status', '--json'])).stdout)).toEqual([]);
  });

  test('kill -9 of a lab that is coming up: down leaves the host as it was', async () => {
    const child = spawnCli(up, { cwd, env });
    for await (const line of child.iterable({ from: 'stderr' })) {
      if (!String(line).includes('PostgreSQL has a primary')) continue;
      child.kill('SIGKILL');
      const processes = await readFile(join(state, 'labs', NAME, 'processes.ndjson'), 'utf8');
      process.kill((JSON.parse(processes.split('\n')[0] ?? '') as { readonly pid: number }).pid, 'SIGKILL');
    }
    await child;
    const down = await cli(['lab', 'down', '--name', NAME]);
    expect(down.exitCode, down.stderr).toBe(0);
    expect(lookAtHost()).toEqual(before);
  });
});
