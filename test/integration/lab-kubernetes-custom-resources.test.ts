/** CustomResourceDefinitions, service accounts, jobs and written events in the lab's API, through the door that faults use. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCustomObjectsPort } from '../../src/clients/custom-objects.ts';
import type { ApiObject, CustomObjectsPort } from '../../src/clients/ports.ts';
import { installLitmus, postDefinition } from '../support/litmus-operator/install.ts';
import { ACCOUNTS, ENGINES, EVENTS, EXPERIMENTS, JOBS, RESULTS } from '../support/litmus-operator/operator.ts';
import { aLabCluster, type LabCluster } from './lab-kubernetes-support.ts';

let cluster: LabCluster;
let objects: CustomObjectsPort;

beforeAll(async () => {
  cluster = await aLabCluster();
  objects = createCustomObjectsPort({ kubeconfig: cluster.kubeconfigPath, namespace: 'erp' });
}, 20_000);
afterAll(async () => {
  await cluster?.dispose();
});

const read = async (path: string): Promise<unknown> => (await fetch(`${cluster.api.url}${path}`)).json();
const engine = (name: string, metadata: object = {}): ApiObject => ({
  apiVersion: 'litmuschaos.io/v1alpha1',
  kind: 'ChaosEngine',
  metadata: { name, ...metadata },
  spec: { engineState: 'active', appinfo: { applabel: 'app=erp' } },
});

describe('the lab API without the definitions', () => {
  test('says that it does not serve the kind, and what to do', async () => {
    await expect(objects.list(ENGINES)).rejects.toMatchObject({
      code: 'ERR_KUBERNETES',
      message: expect.stringContaining('listing chaosengines.litmuschaos.io in namespace erp'),
      hint: expect.stringContaining('is its CustomResourceDefinition installed?'),
    });
    await expect(objects.fetch(ENGINES, 'x')).rejects.toMatchObject({
      hint: expect.stringContaining('CustomResourceDefinition'),
    });
  });

  test('refuses a definition that is not one', async () => {
    const wrong = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.example.org' },
      spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions: [{ name: 'v1' }] },
    };
    const response = await postDefinition(cluster.api.url, wrong);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ message: expect.stringContaining('metadata.name: Invalid value') });
  });
});

describe('the lab API with the definitions of Litmus', () => {
  beforeAll(async () => {
    await installLitmus(objects, async (definition) => {
      const response = await postDefinition(cluster.api.url, definition);
      expect(response.status).toBe(201);
    });
  });

  test('serves them in discovery, established', async () => {
    expect(await read('/apis')).toMatchObject({
      groups: expect.arrayContaining([expect.objectContaining({ name: 'litmuschaos.io' })]),
    });
    expect(await read('/apis/litmuschaos.io/v1alpha1')).toMatchObject({
      groupVersion: 'litmuschaos.io/v1alpha1',
      resources: expect.arrayContaining([
        expect.objectContaining({ name: 'chaosengines', kind: 'ChaosEngine', namespaced: true }),
      ]),
    });
    expect(await read('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/chaosengines.litmuschaos.io')).toMatchObject({
      status: { conditions: expect.arrayContaining([expect.objectContaining({ type: 'Established', status: 'True' })]) },
    });
    expect(await objects.fetch(EXPERIMENTS, 'pod-delete')).toMatchObject({
      kind: 'ChaosExperiment',
      metadata: { namespace: 'erp' },
    });
    expect(await objects.fetch(ACCOUNTS, 'pod-delete')).toMatchObject({ kind: 'ServiceAccount' });
  });

  test('creates, reads, lists by label, merges, and refuses a second one of that name', async () => {
    const created = await objects.create(ENGINES, engine('one', { labels: { who: 'me' } }));
    expect(created.metadata).toMatchObject({ name: 'one', namespace: 'erp', uid: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    // No status subresource: an ordinary patch writes it.
    await objects.patch(ENGINES, 'one', {
      status: { engineStatus: 'initialized' },
      metadata: { labels: { more: 'yes', who: null } },
    });
    const seen = await objects.fetch(ENGINES, 'one');
    expect(seen).toMatchObject({ spec: { engineState: 'active' }, status: { engineStatus: 'initialized' } });
    expect(seen?.metadata?.labels).toEqual({ more: 'yes' });
    expect(await objects.list(ENGINES, { labelSelector: 'more=yes' })).toHaveLength(1);
    expect(await objects.list(ENGINES, { labelSelector: 'more=no' })).toHaveLength(0);
    await expect(objects.create(ENGINES, engine('one'))).rejects.toThrow(/already exists \(409\)/);
    expect(await objects.remove(ENGINES, 'one')).toBe(true);
    expect(await objects.fetch(ENGINES, 'one')).toBeNull();
    expect(await objects.remove(ENGINES, 'one')).toBe(false);
  });

  test('an object with a finalizer stays until it is taken off', async () => {
    const { metadata } = await objects.create(ENGINES, engine('held', { finalizers: ['x.io/hold'] }));
    await expect(objects.remove(ENGINES, 'held', { uid: 'another' })).rejects.toThrow(
      /does not match the UID in record.*\(409\)/,
    );
    await objects.remove(ENGINES, 'held', { uid: metadata?.uid ?? '' });
    expect((await objects.fetch(ENGINES, 'held'))?.metadata?.deletionTimestamp).toBeDefined();
    await objects.patch(ENGINES, 'held', { metadata: { finalizers: null } });
    expect(await objects.fetch(ENGINES, 'held')).toBeNull();
  });

  test('a write from an old copy is refused', async () => {
    const old = await objects.create(RESULTS, {
      metadata: { name: 'r' },
      spec: { experiment: 'pod-delete' },
      status: { experimentStatus: { phase: 'Running', verdict: 'Awaited' } },
    });
    await objects.patch(RESULTS, 'r', { status: { experimentStatus: { phase: 'Completed' } } });
    const stale = { metadata: { resourceVersion: old.metadata?.resourceVersion } };
    await expect(objects.patch(RESULTS, 'r', stale)).rejects.toThrow(/the object has been modified.*\(409\)/);
    await objects.remove(RESULTS, 'r');
  });

  test('jobs are kept and not run; events are written and counted up', async () => {
    await objects.create(JOBS, { metadata: { generateName: 'pod-delete-', labels: { chaosUID: 'u' } }, spec: {} });
    const [job] = await objects.list(JOBS, { labelSelector: 'chaosUID=u' });
    expect(job?.metadata?.name).toMatch(/^pod-delete-\w{5}$/);
    await objects.remove(JOBS, job?.metadata?.name ?? '');
    const involvedObject = { kind: 'ChaosEngine', name: 'one' };
    await objects.create(EVENTS, { metadata: { name: 'inject' }, involvedObject, reason: 'ChaosInject' });
    await objects.patch(EVENTS, 'inject', { count: 2 });
    expect(await objects.list(EVENTS, { fieldSelector: 'involvedObject.name=one' })).toMatchObject([
      { reason: 'ChaosInject', count: 2 },
    ]);
    await expect(objects.create(EVENTS, { metadata: { name: 'y' } })).rejects.toThrow(/involvedObject: Required value.*\(422\)/);
  });

  test('kubectl get prints the columns of the definition', async () => {
    await objects.create(ENGINES, { ...engine('shown'), status: { engineStatus: 'initialized' } });
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
    const response = await fetch(`${cluster.api.url}/apis/litmuschaos.io/v1alpha1/namespaces/erp/chaosengines`, { headers });
    expect(await response.json()).toMatchObject({
      columnDefinitions: [{ name: 'Name' }, { name: 'State' }, { name: 'Status' }, { name: 'Age' }],
      rows: [{ cells: ['shown', 'active', 'initialized', expect.stringMatching(/^\d+s$/)] }],
    });
  });

  test('the pod log of the lab is told as what it is', async () => {
    await expect(objects.fetchPodLog('erp-1')).rejects.toThrow(/reading the log of pod erp-1 .*\(400\)/);
  });

  test('a definition with a status subresource keeps status apart', async () => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.example.org' },
      spec: {
        group: 'example.org',
        scope: 'Namespaced',
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} } }],
      },
    };
    expect((await postDefinition(cluster.api.url, definition)).status).toBe(201);
    const things = { group: 'example.org', version: 'v1', plural: 'things' };
    expect(
      (await objects.create(things, { metadata: { name: 'a' }, spec: { size: 1 }, status: { ready: true } })).status,
    ).toBeUndefined();
    await objects.patch(things, 'a', { spec: { size: 3 }, status: { ready: true } }, { subresource: 'status' });
    expect(await objects.fetch(things, 'a')).toMatchObject({ spec: { size: 1 }, status: { ready: true } });
    await objects.patch(things, 'a', { spec: { size: 2 }, status: null });
    expect(await objects.fetch(things, 'a')).toMatchObject({ spec: { size: 2 }, status: { ready: true } });
  });
});
