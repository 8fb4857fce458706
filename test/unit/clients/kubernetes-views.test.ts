import type { CoreV1Event, V1Pod, V2HorizontalPodAutoscaler } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { formatSelector, parseQuantity, toEventView, toHpaView, toPodView } from '../../../src/clients/kubernetes-views.ts';

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
test('what is no quantity is NaN', () => expect(parseQuantity('12 apples')).toBeNaN());
