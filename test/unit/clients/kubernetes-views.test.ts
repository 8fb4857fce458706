import type { CoreV1Event, V1Pod, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { toHpaView } from '../../../src/clients/kubernetes-hpa.ts';
import { formatSelector, goDurationMs, parseQuantity, toEventView, toPodView } from '../../../src/clients/kubernetes-views.ts';

describe('toPodView', () => {
  const at = new Date('2026-11-22T10:00:00Z');
  const pod: V1Pod = {
    metadata: {
      name: 'odoo-1',
      uid: 'u1',
      creationTimestamp: at,
      labels: { app: 'odoo' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'odoo-6d', uid: 'r', controller: true }],
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at }],
      containerStatuses: [
        { name: 'a', restartCount: 2, image: '', imageID: '', ready: true },
        { name: 'b', restartCount: 1, image: '', imageID: '', ready: true },
      ],
    },
  };

  test('adds up restarts and tells since when it is ready, and whose it is', () => {
    expect(toPodView(pod)).toEqual({
      name: 'odoo-1',
      uid: 'u1',
      phase: 'Running',
      ready: true,
      restarts: 3,
      deleting: false,
      createdServerAt: at.getTime(),
      readyServerAt: at.getTime(),
      scheduledServerAt: null,
      startedServerAt: null,
      labels: { app: 'odoo' },
      owner: { kind: 'ReplicaSet', name: 'odoo-6d' },
    });
  });

  test('a pod that is not ready, or on its way out, says so', () => {
    const status = { ...pod.status, conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: at }] };
    expect(toPodView({ ...pod, status })).toMatchObject({ ready: false, readyServerAt: null });
    expect(toPodView({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: at } })).toMatchObject({ deleting: true });
    expect(toPodView({})).toMatchObject({ phase: 'Unknown', ready: false, restarts: 0 });
  });
});

describe('the life of a pod', () => {
  const second = (s: number) => new Date(Date.UTC(2026, 10, 22, 10, 0, s));
  const running = (s: number) => ({
    name: 'a',
    restartCount: 0,
    image: '',
    imageID: '',
    ready: true,
    state: { running: { startedAt: second(s) } },
  });
  const status = (containerStatuses: object[], scheduled: string) =>
    toPodView({
      spec: {
        nodeName: 'node-1',
        containers: [{ name: 'a', resources: { requests: { cpu: '250m', memory: '1Gi' } } }, { name: 'b' }],
      },
      status: {
        conditions: [{ type: 'PodScheduled', status: scheduled, reason: 'Unschedulable', lastTransitionTime: second(1) }],
        containerStatuses,
      },
    } as V1Pod);

  test('has the moments of scheduling and of the last container that started', () => {
    expect(status([running(4), running(6)], 'True')).toMatchObject({
      node: 'node-1',
      scheduledServerAt: second(1).getTime(),
      startedServerAt: second(6).getTime(),
    });
  });

  test('has not started while one container waits, and says why', () => {
    const waiting = { ...running(4), state: { waiting: { reason: 'ImagePullBackOff' } } };
    expect(status([running(4), waiting], 'True')).toMatchObject({ startedServerAt: null, waiting: 'ImagePullBackOff' });
    expect(status([], 'False')).toMatchObject({ scheduledServerAt: null, waiting: 'Unschedulable' });
  });

  test('has no sum of requests when one container sets none', () => {
    expect(status([], 'True').requests).toEqual({ cpuCores: null, memoryBytes: null });
  });
});

describe('toHpaView', () => {
  const hpa = (status: object): V2HorizontalPodAutoscaler => ({
    metadata: { name: 'odoo' },
    spec: {
      scaleTargetRef: { kind: 'Deployment', name: 'odoo' },
      maxReplicas: 5,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
    },
    status: { currentReplicas: 2, desiredReplicas: 3, ...status },
  });

  test('compares the metric of the spec with its current value', () => {
    const current = [
      { type: 'Resource', resource: { name: 'memory', current: { averageUtilization: 10 } } },
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 90, averageValue: '450m' } } },
    ];
    expect(toHpaView(hpa({ currentMetrics: current }))).toMatchObject({
      metric: 'cpu',
      currentValue: 90,
      targetValue: 60,
      minReplicas: 1,
    });
  });

  test('has no current value without metrics', () => {
    expect(toHpaView(hpa({ currentMetrics: null }))).toMatchObject({ currentValue: null, targetValue: 60 });
  });
});

describe('what an autoscaler scales on', () => {
  const custom = (metrics: unknown[], currentMetrics: unknown[], metadata: object = { name: 'odoo' }) =>
    toHpaView({
      metadata,
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'odoo' }, maxReplicas: 5, metrics },
      status: { desiredReplicas: 2, currentMetrics },
    } as unknown as V2HorizontalPodAutoscaler);
  const external = (name: string, queue: string, values: object) => ({
    type: 'External',
    external: { metric: { name, selector: { matchLabels: { queue } } }, ...values },
  });

  test('is told with its kind, its object and its current value, for every kind of metric', () => {
    const { metrics } = custom(
      [
        external('jobs', 'pos', { target: { type: 'AverageValue', averageValue: '30' } }),
        {
          type: 'Object',
          object: {
            metric: { name: 'requests-per-second' },
            describedObject: { kind: 'Ingress', name: 'shop' },
            target: { type: 'Value', value: '2k' },
          },
        },
        { type: 'Pods', pods: { metric: { name: 'busy' }, target: { type: 'AverageValue', averageValue: '800m' } } },
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'odoo', target: { type: 'Utilization', averageUtilization: 60 } },
        },
      ],
      [
        external('jobs', 'pos', { current: { averageValue: '45', value: '0' } }),
        {
          type: 'Object',
          object: {
            metric: { name: 'requests-per-second' },
            describedObject: { kind: 'Ingress', name: 'shop' },
            current: { value: '2500' },
          },
        },
        { type: '' },
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'odoo', current: { averageUtilization: 75, averageValue: '750m' } },
        },
      ],
    );
    expect(metrics).toEqual([
      { type: 'External', name: 'jobs', of: 'queue=pos', targetKind: 'AverageValue', target: 30, current: 45 },
      { type: 'Object', name: 'requests-per-second', of: 'Ingress/shop', targetKind: 'Value', target: 2_000, current: 2_500 },
      { type: 'Pods', name: 'busy', of: '', targetKind: 'AverageValue', target: 0.8, current: null },
      { type: 'ContainerResource', name: 'cpu', of: 'odoo', targetKind: 'Utilization', target: 60, current: 75 },
    ]);
  });

  test('two metrics of one name are told apart by their selector, also when the first is unknown', () => {
    const target = { target: { type: 'AverageValue', averageValue: '1' } };
    const { metrics } = custom(
      [external('jobs', 'pos', target), external('jobs', 'shop', target)],
      [{ type: '' }, external('jobs', 'shop', { current: { averageValue: '7' } })],
    );
    expect(metrics?.map(({ current }) => current)).toEqual([null, 7]);
  });

  test.each([
    [{ name: 'x', ownerReferences: [{ kind: 'ScaledObject', name: 'shop' }] }],
    [{ name: 'x', labels: { 'scaledobject.keda.sh/name': 'shop' } }],
    [{ name: 'keda-hpa-shop' }],
  ])('an autoscaler of KEDA is known by %j', (metadata) => {
    expect(custom([], [], metadata).scaler).toEqual({ kind: 'ScaledObject', name: 'shop' });
  });

  test('one that a person made has no other maker', () => expect(custom([], [])).not.toHaveProperty('scaler'));
});

test('an event is dated by its last time', () => {
  const event: CoreV1Event = {
    metadata: { creationTimestamp: new Date(1_000) },
    involvedObject: { kind: 'Pod', name: 'odoo-1' },
    firstTimestamp: new Date(2_000),
    lastTimestamp: new Date(9_000),
    count: 4,
  };
  expect(toEventView(event)).toMatchObject({ object: 'Pod/odoo-1', count: 4, serverAt: 9_000 });
  expect(toEventView({ metadata: { creationTimestamp: new Date(1_000) }, involvedObject: {} }).serverAt).toBe(1_000);
});

test('a selector takes the text form of the API', () => {
  const matchExpressions = [
    { key: 'tier', operator: 'In', values: ['web', 'pos'] },
    { key: 'canary', operator: 'DoesNotExist' },
    { key: 'zone', operator: 'Exists' },
    { key: 'env', operator: 'NotIn', values: ['dev'] },
  ];
  expect(formatSelector({ matchLabels: { app: 'odoo' }, matchExpressions })).toBe(
    'app=odoo,tier in (web,pos),!canary,zone,env notin (dev)',
  );
});

test.each([
  ['250m', 0.25],
  ['1743333333n', 1.743333333],
  ['2', 2],
  ['64Mi', 67_108_864],
  ['1G', 1e9],
  ['1e3', 1_000],
  ['1.5Gi', 1_610_612_736],
  ['3E', 3e18],
])('the quantity %s is %f', (text, value) => expect(parseQuantity(text)).toBeCloseTo(value, 6));
test.each([
  ['14.5s', 14_500],
  ['1m0.2s', 60_200],
  ['1h', 3_600_000],
  ['', null],
  ['soon', null],
])('the duration %j of the metrics API is %s', (text, ms) => expect(goDurationMs(text)).toBe(ms));
test('what is no quantity is NaN', () => expect(parseQuantity('12 apples')).toBeNaN());
