/**
 * litmus/engine on a real cluster: the kinds of Litmus in its real API server, the stand-in operator, pods of a Deployment of its
 * own in a namespace of its own. To be called from a test file that has a cluster.
 */
import { randomBytes } from 'node:crypto';
import { KubeConfig, type KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { litmusEngine } from '../../chaos/litmus/engine.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createCustomObjectsPort } from '../../src/clients/custom-objects.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import type { CustomObjectsPort, KubernetesPort } from '../../src/clients/ports.ts';
import type { LitmusEngineSpec } from '../../src/model/plan.ts';
import { createBench, disturb, type FaultBench } from '../fakes/fault-bench.ts';
import { installLitmus, litmusDefinitions } from '../support/litmus-operator/install.ts';
import {
  ACCOUNTS,
  ENGINES,
  JOBS,
  type Operator,
  RESULTS,
  startOperator,
  type Traps,
} from '../support/litmus-operator/operator.ts';

export interface ClusterForLitmus {
  readonly kubeconfig: string;
  readonly context?: string;
  /** An image with `node` that the cluster has. */
  readonly nodeImage: string;
}

const SPEED = 4;
const REPLICAS = 3;
const spec: LitmusEngineSpec = {
  id: 'kill-one',
  kind: 'litmus/engine',
  atMs: 0,
  proveWithinMs: 60_000,
  revertWithinMs: 90_000,
  experiment: 'pod-delete',
  serviceAccount: 'pod-delete',
  app: { label: 'app=prey', kind: 'deployment' },
  durationMs: 20_000,
  intervalMs: 10_000,
  env: { FORCE: 'true' },
  probes: [],
  healthCheck: true,
  proof: 'pods-gone',
  maxAffectedRatio: 0.5,
  startWithinMs: 15_000,
  endWithinMs: 60_000,
  keepResult: false,
};

export function litmusOnKubernetes(cluster: () => ClusterForLitmus): void {
  describe('Litmus on a real Kubernetes', () => {
    const namespace = `peakproof-litmus-${randomBytes(3).toString('hex')}`;
    let api: KubernetesObjectApi;
    let kubernetes: KubernetesPort;
    let objects: CustomObjectsPort;
    let operator: Operator | null = null;
    let abort: AbortController;
    let bench: FaultBench;
    const made: KubernetesObject[] = [];

    const create = async (object: KubernetesObject): Promise<void> => {
      await api.create(object);
      made.push(object);
    };
    const ready = async (): Promise<number> => (await kubernetes.fetchPods('app=prey')).filter((pod) => pod.ready).length;
    const untilReady = () =>
      awaitCondition('prey ready', ready, { until: (count) => count >= REPLICAS, timeoutMs: 120_000, clock: systemClock });
    const start = (traps: Traps = {}): void => {
      operator = startOperator({ objects, kubernetes, clock: systemClock, speed: SPEED, traps, jobImage: cluster().nodeImage });
    };
    const undoIt = async () => {
      const [undo] = bench.undone;
      if (undo === undefined) throw new Error('no undo was opened');
      return litmusEngine.revert(undo, { clock: systemClock, kubernetes, customObjects: objects }, { timeoutMs: 90_000 });
    };
    const nothingLeft = async () =>
      expect(await Promise.all([ENGINES, RESULTS, JOBS].map((resource) => objects.list(resource)))).toEqual([[], [], []]);

    beforeAll(async () => {
      const { kubeconfig, context, nodeImage } = cluster();
      const config = new KubeConfig();
      config.loadFromFile(kubeconfig);
      if (context !== undefined) config.setCurrentContext(context);
      api = KubernetesObjectApi.makeApiClient(config);
      const options = { kubeconfig, namespace, ...(context !== undefined && { context }) };
      kubernetes = createKubernetesPort(options);
      objects = createCustomObjectsPort(options);
      await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
      for (const definition of await litmusDefinitions()) await create(asClientWritesIt(definition) as KubernetesObject);
      await awaitCondition('definitions served', () => Promise.all([objects.list(ENGINES), objects.list(RESULTS)]), {
        until: () => true,
        timeoutMs: 30_000,
        clock: systemClock,
      });
      await installLitmus(objects, async () => undefined);
      await create(preyDeployment(namespace, nodeImage) as KubernetesObject);
      await untilReady();
    }, 240_000);
    afterAll(async () => {
      for (const object of made.reverse()) await api.delete(object);
    }, 120_000);

    beforeEach(() => {
      abort = new AbortController();
      const runId = randomBytes(4).toString('hex');
      bench = { ...createBench({ clock: systemClock, kubernetes, customObjects: objects }, abort.signal), runId };
    });
    afterEach(async () => {
      await operator?.stop();
      operator = null;
      // Whatever a failed test left must not fail the next.
      for (const resource of [ENGINES, RESULTS, JOBS])
        for (const { metadata } of await objects.list(resource)) {
          await objects.patch(resource, metadata?.name ?? '', { metadata: { finalizers: null } });
          await objects.remove(resource, metadata?.name ?? '');
        }
      await untilReady();
    });

    test('real pods go and are replaced; window, proof, log and events are read; nothing is left', async () => {
      start();
      const { plan, injection } = await disturb(litmusEngine, spec, bench);
      const { proven, evidence } = await litmusEngine.prove(spec, plan, injection, bench);
      expect(proven).toBe(true);
      const told = evidence.join('\n');
      expect(told).toContain("Litmus' verdict Pass (Completed)");
      expect(told).toMatch(/Litmus' events .*ChaosInject/);
      expect(told).toContain('level=warning msg="played"');
      const killed = operator?.story.filter((line) => line.includes(' killed ')).map((line) => line.split(' ').at(-1));
      expect(injection.state.taken.map(({ uid }) => uid)).toEqual(killed);
      expect(await undoIt()).toMatchObject({ complete: true });
      await nothingLeft();
    });

    test('an image that is not to be had is named with its pod', async () => {
      operator = startOperator({
        objects,
        kubernetes,
        clock: systemClock,
        speed: SPEED,
        traps: { missingImages: ['litmuschaos/go-runner:3.8.0'] },
        jobImage: 'peakproof.invalid/none:1',
      });
      const plan = await litmusEngine.plan(spec, bench);
      await expect(litmusEngine.inject(spec, plan, bench, () => undefined)).rejects.toThrow(
        /was not started .*Skipped.*pod pod-delete-\w+-\w+ does not start: \w+ \(image peakproof\.invalid\/none:1\)/,
      );
      expect(await undoIt()).toMatchObject({ complete: true });
      await nothingLeft();
    });

    test('stopped midway it is stopped, and the kill after the request is counted', async () => {
      start({ killsAfterStop: true });
      const plan = await litmusEngine.plan(spec, bench);
      const injection = await litmusEngine.inject(spec, plan, bench, () => abort.abort(new Error('the run was stopped')));
      expect(injection.state.taken).toHaveLength(2);
      expect(injection.state.result).toMatchObject({ verdict: 'Stopped' });
      expect(await undoIt()).toMatchObject({ complete: true });
      await nothingLeft();
    });

    test('stuck for want of its service account it is named and taken away', async () => {
      start();
      const plan = await litmusEngine.plan(spec, bench);
      await objects.remove(ACCOUNTS, 'pod-delete');
      await expect(litmusEngine.inject(spec, plan, bench, () => undefined)).rejects.toThrow(
        'the service account "pod-delete" is not in the namespace',
      );
      expect(await undoIt()).toMatchObject({ complete: true });
      await objects.create(ACCOUNTS, { metadata: { name: 'pod-delete' } });
      await nothingLeft();
    });

    test('without an operator the finalizer holds the engine; the command that is told lets it go', async () => {
      start();
      await disturb(litmusEngine, spec, bench);
      await operator?.stop();
      operator = null;
      const held = await undoIt();
      expect(held.complete).toBe(false);
      const [, name = '', patch = '{}'] = /patch chaosengine (\S+) --type=merge -p '(.*?)'/.exec(held.detail) ?? [];
      await objects.patch(ENGINES, name, JSON.parse(patch) as Record<string, unknown>);
      expect(await undoIt()).toMatchObject({ complete: true });
      await nothingLeft();
    });
  });
}

/** The client drops fields that it knows by another spelling. */
function asClientWritesIt(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asClientWritesIt);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key.startsWith('x-kubernetes-') ? key.replaceAll('-', '_') : key,
      asClientWritesIt(part),
    ]),
  );
}

function preyDeployment(namespace: string, image: string): object {
  const container = {
    name: 'prey',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '-e', 'setInterval(() => undefined, 60000)'],
    resources: { requests: { cpu: '1m', memory: '16Mi' } },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'prey', namespace },
    spec: {
      replicas: REPLICAS,
      selector: { matchLabels: { app: 'prey' } },
      template: {
        metadata: { labels: { app: 'prey' } },
        spec: { terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, containers: [container] },
      },
    },
  };
}
