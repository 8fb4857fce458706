/** The lab's API through the client library that the harness uses. */
import { stat } from 'node:fs/promises';
import {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  AutoscalingV2Api,
  CoreV1Api,
  EventsV1Api,
  KubeConfig,
  Metrics,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1Pod,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aLabCluster, isAlive, type LabCluster, pidOf, readyPods, until } from './lab-kubernetes-support.ts';

let cluster: LabCluster;
let config: KubeConfig;
let core: CoreV1Api;
let apps: AppsV1Api;
let scaling: AutoscalingV2Api;
const namespace = 'erp';

beforeAll(async () => {
  cluster = await aLabCluster({
    denied: [{ verb: 'create', group: '', resource: 'pods', subresource: 'eviction' }],
    historyLimit: 200,
  });
  config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfigPath);
  core = config.makeApiClient(CoreV1Api);
  apps = config.makeApiClient(AppsV1Api);
  scaling = config.makeApiClient(AutoscalingV2Api);
});

afterAll(async () => {
  expect(await cluster.dispose()).toEqual([]);
  expect(cluster.errors).toEqual([]);
});

async function refusal(
  request: Promise<unknown>,
): Promise<{ readonly code: number; readonly reason: string; readonly message: string }> {
  try {
    await request;
  } catch (error) {
    if (error instanceof ApiException) {
      const body = (typeof error.body === 'string' ? JSON.parse(error.body) : error.body) as { reason: string; message: string };
      return { code: error.code, reason: body.reason, message: body.message };
    }
    throw error;
  }
  throw new Error('the request was not refused');
}

async function anErpPod(): Promise<V1Pod & { readonly metadata: { readonly name: string; readonly uid: string } }> {
  const { items } = await core.listNamespacedPod({ namespace, labelSelector: 'app=erp' });
  const pod = items.find((item) => item.metadata?.deletionTimestamp === undefined);
  if (pod?.metadata?.name === undefined || pod.metadata.uid === undefined) throw new Error('no ERP pod');
  return { ...pod, metadata: { ...pod.metadata, name: pod.metadata.name, uid: pod.metadata.uid } };
}

describe('the kubeconfig', () => {
  test('is private and names context and namespace', async () => {
    expect((await stat(cluster.kubeconfigPath)).mode & 0o777).toBe(0o600);
    expect(config.getCurrentContext()).toBe('peakproof-lab-test');
    expect(config.getContextObject('peakproof-lab-test')?.namespace).toBe('erp');
  });
});

describe('reading', () => {
  test('lists by label and field, and answers a missing pod and a bad selector with their Status', async () => {
    const byField = await core.listNamespacedPod({ namespace, fieldSelector: 'metadata.name=postgres-0' });
    expect(byField.items.map((pod) => pod.metadata?.name)).toEqual(['postgres-0']);
    expect((await core.listNamespacedPod({ namespace, labelSelector: 'app=nothing' })).items).toEqual([]);
    expect(await refusal(core.readNamespacedPod({ namespace, name: 'nope' }))).toMatchObject({
      code: 404,
      reason: 'NotFound',
      message: 'pods "nope" not found',
    });
    expect(await refusal(core.listNamespacedPod({ namespace, labelSelector: 'app in (' }))).toMatchObject({
      code: 400,
      reason: 'BadRequest',
    });
    expect(await refusal(core.listNamespacedPod({ namespace, fieldSelector: 'spec.color=red' }))).toMatchObject({ code: 400 });
  });

  test('gives the autoscaler with bounds, behavior defaults and conditions', async () => {
    const hpa = await scaling.readNamespacedHorizontalPodAutoscaler({ namespace, name: 'erp' });
    expect(hpa.spec).toMatchObject({ minReplicas: 2, maxReplicas: 6, behavior: { scaleUp: { selectPolicy: 'Max' } } });
  });

  test('measures pods and the node', async () => {
    cluster.runtime.addBusySeconds('erp', 0.05);
    const metrics = new Metrics(config);
    await until('every pod is measured', async () => (await metrics.getPodMetrics(namespace)).items.length === 4);
    const pods = await metrics.getPodMetrics(namespace);
    expect(pods.items.find((item) => item.metadata.name === 'postgres-0')?.containers[0]?.usage.cpu).toMatch(/^\d+n$/);
    expect((await metrics.getNodeMetrics()).items[0]?.usage.memory).toMatch(/^\d+Ki$/);
  });

  test('sends its clock with every answer', async () => {
    const response = await fetch(`${cluster.api.url}/version`);
    expect(Math.abs(Date.parse(response.headers.get('date') ?? '') - Date.now())).toBeLessThan(2_000);
  });

  test('shows its events in both API groups', async () => {
    cluster.api.addEvent({ kind: 'Pod', name: 'postgres-0', reason: 'LeaderChanged', message: 'it leads', component: 'patroni' });
    const { items } = await config.makeApiClient(EventsV1Api).listNamespacedEvent({ namespace });
    const event = items.find((item) => item.reason === 'LeaderChanged');
    expect(event).toMatchObject({
      note: 'it leads',
      regarding: { kind: 'Pod', name: 'postgres-0' },
      reportingController: 'patroni',
    });
    const core1 = await core.listNamespacedEvent({ namespace, fieldSelector: 'reason=LeaderChanged' });
    expect(core1.items).toMatchObject([{ message: 'it leads', count: 1 }]);
  });

  test('serves no web page', async () => {
    const response = await fetch(`${cluster.api.url}/api/v1/pods`, { headers: { origin: 'http://evil.example' } });
    expect(response.status).toBe(403);
  });

  test('serves nobody who asks for another host', async () => {
    const { request } = await import('node:http');
    const code = await new Promise<number | undefined>((resolve, reject) => {
      request(`${cluster.api.url}/api/v1/pods`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
    expect(code).toBe(403);
  });
});

describe('deleting', () => {
  test('kills the process and brings a new pod with a new UID', async () => {
    const victim = await anErpPod();
    const pid = pidOf(cluster, victim.metadata.name);
    expect(isAlive(pid)).toBe(true);
    await core.deleteNamespacedPod({ namespace, name: victim.metadata.name, gracePeriodSeconds: 0 });
    await until('the process is gone', () => !isAlive(pid));
    await until('the replacement is ready', () => readyPods(cluster) === 4);
    expect((await core.listNamespacedPod({ namespace })).items.map((pod) => pod.metadata?.uid)).not.toContain(
      victim.metadata.uid,
    );
    const events = await core.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.name=${victim.metadata.name}` });
    expect(events.items.map((event) => event.reason)).toContain('Killing');
  });

  test('refuses another UID with 409 and leaves the pod alone', async () => {
    const pod = await anErpPod();
    const request = core.deleteNamespacedPod({
      namespace,
      name: pod.metadata.name,
      body: { preconditions: { uid: 'other' }, gracePeriodSeconds: 0 },
    });
    expect(await refusal(request)).toMatchObject({ code: 409, reason: 'Conflict' });
    expect((await core.readNamespacedPod({ namespace, name: pod.metadata.name })).metadata?.deletionTimestamp).toBeUndefined();
  });

  test('as a dry run touches nothing', async () => {
    const pod = await anErpPod();
    const pid = pidOf(cluster, pod.metadata.name);
    await core.deleteNamespacedPod({
      namespace,
      name: pod.metadata.name,
      dryRun: 'All',
      body: { preconditions: { uid: pod.metadata.uid } },
    });
    expect(isAlive(pid)).toBe(true);
    expect((await core.readNamespacedPod({ namespace, name: pod.metadata.name })).metadata?.uid).toBe(pod.metadata.uid);
    expect(await refusal(core.deleteNamespacedPod({ namespace, name: pod.metadata.name, dryRun: 'Some' }))).toMatchObject({
      code: 422,
    });
  });
});

describe('a worker that dies by itself', () => {
  test('is restarted in its pod with a higher restart count', async () => {
    const pod = await anErpPod();
    process.kill(pidOf(cluster, pod.metadata.name), 'SIGKILL');
    const restarts = () =>
      cluster.api.snapshot().pods.find((it) => it.metadata.uid === pod.metadata.uid)?.status.containerStatuses?.[0]?.restartCount;
    await until('it was restarted', () => restarts() === 1 && readyPods(cluster) === 4);
    const after = await core.readNamespacedPod({ namespace, name: pod.metadata.name });
    expect(after.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 137, signal: 9 });
  });
});

describe('writing', () => {
  test('scales through the scale subresource', async () => {
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name: 'erp' });
    expect(scale).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 2, selector: 'app=erp' } });
    const patch = { spec: { replicas: 3 } };
    await apps.patchNamespacedDeploymentScale(
      { namespace, name: 'erp', body: patch },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    await until('a third worker is ready', () => readyPods(cluster) === 5);
    const read = await apps.readNamespacedDeploymentScale({ namespace, name: 'erp' });
    await apps.replaceNamespacedDeploymentScale({ namespace, name: 'erp', body: { ...read, spec: { replicas: 2 } } });
    await until('the third worker is gone', () => cluster.api.snapshot().pods.length === 4);
    const stale = apps.replaceNamespacedDeploymentScale({ namespace, name: 'erp', body: { ...read, spec: { replicas: 5 } } });
    expect(await refusal(stale)).toMatchObject({ code: 409, reason: 'Conflict' });
  });

  test('takes all three patch formats', async () => {
    const name = 'erp';
    const body = (strategy: PatchStrategy) => setHeaderOptions('Content-Type', strategy);
    const merge = { metadata: { annotations: { merge: '1' } } };
    await apps.patchNamespacedDeployment({ namespace, name, body: merge }, body(PatchStrategy.MergePatch));
    const strategic = { metadata: { annotations: { strategic: '1' } } };
    await apps.patchNamespacedDeployment({ namespace, name, body: strategic }, body(PatchStrategy.StrategicMergePatch));
    const json = [{ op: 'add', path: '/metadata/annotations/json', value: '1' }];
    const patched = await apps.patchNamespacedDeployment({ namespace, name, body: json }, body(PatchStrategy.JsonPatch));
    expect(patched.metadata?.annotations).toMatchObject({ merge: '1', strategic: '1', json: '1' });
    const bad = scaling.patchNamespacedHorizontalPodAutoscaler(
      { namespace, name, body: { spec: { maxReplicas: 1 } } },
      body(PatchStrategy.MergePatch),
    );
    expect(await refusal(bad)).toMatchObject({ code: 422, reason: 'Invalid' });
    const apply = apps.patchNamespacedDeployment(
      { namespace, name, body: {}, fieldManager: 'x' },
      body(PatchStrategy.ServerSideApply),
    );
    expect(await refusal(apply)).toMatchObject({ code: 415 });
  });

  test('shows a label that the lab sets from outside', async () => {
    expect(cluster.api.setPodLabel('postgres-0', 'role', 'primary')).toBe(true);
    const { items } = await core.listNamespacedPod({ namespace, labelSelector: 'app=postgres,role=primary' });
    expect(items.map((pod) => pod.metadata?.name)).toEqual(['postgres-0']);
    expect(cluster.api.setPodLabel('postgres-9', 'role', 'primary')).toBe(false);
  });
});

describe('access reviews', () => {
  test('allow everything but the denied rules, which are also enforced', async () => {
    const authorization = config.makeApiClient(AuthorizationV1Api);
    const ask = async (resource: string, subresource?: string) => {
      const resourceAttributes = {
        namespace,
        verb: 'create',
        group: '',
        resource,
        ...(subresource === undefined ? {} : { subresource }),
      };
      const review = await authorization.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
      return review.status?.allowed;
    };
    expect(await ask('pods')).toBe(true);
    expect(await ask('pods', 'eviction')).toBe(false);
    const eviction = core.createNamespacedPodEviction({ namespace, name: 'postgres-0', body: {} });
    expect(await refusal(eviction)).toMatchObject({ code: 403, reason: 'Forbidden' });
  });
});

describe('watching', () => {
  test('streams what happens after a resource version, and ends at its timeout', async () => {
    const { metadata } = await core.listNamespacedPod({ namespace });
    const seen: string[] = [];
    const ended = new Promise<unknown>((resolve) => {
      const query = { resourceVersion: metadata?.resourceVersion, timeoutSeconds: 1, labelSelector: 'mark' };
      new Watch(config)
        .watch(
          `/api/v1/namespaces/${namespace}/pods`,
          query,
          (type, pod: V1Pod) => seen.push(`${type} ${pod.metadata?.name}`),
          resolve,
        )
        .then(() => {
          cluster.api.setPodLabel('postgres-1', 'mark', 'a');
          cluster.api.setPodLabel('postgres-1', 'mark', 'b');
          cluster.api.setPodLabel('postgres-1', 'mark', null);
        }, resolve);
    });
    expect(await ended).toBeNull();
    expect(seen).toEqual(['ADDED postgres-1', 'MODIFIED postgres-1', 'DELETED postgres-1']);
  });

  test('answers a version that is too old with 410', async () => {
    const old = (await core.listNamespacedPod({ namespace })).metadata?.resourceVersion;
    for (let index = 0; index < 500; index += 1) cluster.api.setPodLabel('postgres-1', 'count', String(index));
    const response = await fetch(`${cluster.api.url}/api/v1/pods?watch=1&resourceVersion=${old}`);
    expect(response.status).toBe(410);
    expect(await response.json()).toMatchObject({ kind: 'Status', reason: 'Expired' });
  });

  test('can begin with what there is and say where that ends', async () => {
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1';
    const response = await fetch(`${cluster.api.url}/api/v1/namespaces/erp/pods?${query}`);
    const events = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: V1Pod });
    const end = events.findIndex((event) => event.object.metadata?.annotations?.['k8s.io/initial-events-end'] === 'true');
    expect(events.slice(0, end).every((event) => event.type === 'ADDED')).toBe(true);
    expect(end).toBeGreaterThanOrEqual(4);
  });

  test('feeds an informer', async () => {
    const list = () => core.listNamespacedPod({ namespace, labelSelector: 'app=erp' });
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, list, 'app=erp');
    const seen: string[] = [];
    informer.on('add', (pod) => seen.push(`add ${pod.metadata?.name}`));
    informer.on('delete', (pod) => seen.push(`delete ${pod.metadata?.name}`));
    await informer.start();
    try {
      const victim = await anErpPod();
      await until('the informer knows the pods', () => seen.length === 2);
      await core.deleteNamespacedPod({ namespace, name: victim.metadata.name, gracePeriodSeconds: 1 });
      await until('the informer saw the deletion', () => seen.includes(`delete ${victim.metadata.name}`));
      await until('the informer saw the replacement', () => seen.filter((entry) => entry.startsWith('add')).length === 3);
    } finally {
      await informer.stop();
    }
  });
});

describe('sabotage', () => {
  test('kill-does-nothing answers a deletion and leaves pod and process', async () => {
    const sabotaged = await aLabCluster({ sabotage: { 'kill-does-nothing': true } });
    try {
      const other = new KubeConfig();
      other.loadFromFile(sabotaged.kubeconfigPath);
      const before = sabotaged.api.snapshot().pods.find((pod) => pod.metadata.name === 'postgres-0');
      const pid = pidOf(sabotaged, 'postgres-0');
      await other.makeApiClient(CoreV1Api).deleteNamespacedPod({ namespace, name: 'postgres-0', gracePeriodSeconds: 0 });
      const after = sabotaged.api.snapshot().pods.find((pod) => pod.metadata.name === 'postgres-0');
      expect(after).toEqual(before);
      expect(isAlive(pid)).toBe(true);
    } finally {
      expect(await sabotaged.dispose()).toEqual([]);
    }
  });
});

describe('starting', () => {
  test('on a port that is taken fails by that name', async () => {
    const { port } = new URL(cluster.api.url);
    await expect(aLabCluster({ port: Number(port) })).rejects.toThrow(/EADDRINUSE/);
  });
});
