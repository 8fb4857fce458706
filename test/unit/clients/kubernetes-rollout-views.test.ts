import { describe, expect, test } from 'vitest';
import { evictionAnswer, toDisruptionBudgetView, toNodePodView, toNodeView } from '../../../src/clients/kubernetes-nodes.ts';
import {
  type RawDeployment,
  type RawReplicaSet,
  rollbackPatch,
  templatePatch,
  toReplicaSetView,
  toRolloutView,
} from '../../../src/clients/kubernetes-rollout-views.ts';

const container = { name: 'erp', image: 'erp:1', ports: [{ containerPort: 8069 }], futureField: { kept: true } };
const deployment = (spec: Partial<RawDeployment['spec']> = {}): RawDeployment => ({
  metadata: {
    name: 'erp',
    uid: 'd-1',
    generation: 3,
    annotations: { 'deployment.kubernetes.io/revision': '2', 'kubernetes.io/change-cause': 'new', team: 'shop' },
  },
  spec: { replicas: 4, selector: { matchLabels: { app: 'erp' } }, template: { spec: { containers: [container] } }, ...spec },
  status: { observedGeneration: 3, replicas: 5, updatedReplicas: 2, readyReplicas: 4, availableReplicas: 4 },
});

describe('toRolloutView', () => {
  test('tells revision, counts, and whether the controller has seen the newest spec', () => {
    expect(toRolloutView(deployment())).toMatchObject({ revision: 2, observed: true, existing: 5, updated: 2, available: 4 });
    const stale = { ...deployment(), status: { observedGeneration: 2 } };
    expect(toRolloutView(stale)).toMatchObject({ observed: false, existing: 0, progressing: null });
  });

  test.each([
    [undefined, 10, 2],
    [{ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } }, 2, 0],
    [{ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } }, 3, 1],
    [{ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%', maxSurge: 0 } }, 3, 1],
    [{ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 9, maxSurge: 1 } }, 3, 3],
    [{ type: 'Recreate' }, 3, 3],
  ])('of strategy %o with %i replicas lets %i go', (strategy, replicas, most) => {
    const view = toRolloutView(deployment({ replicas, ...(strategy === undefined ? {} : { strategy }) }));
    expect(view.maxUnavailable).toBe(most);
  });

  test('takes the port of the HTTP readiness check before that of the container', () => {
    const checked = { ...container, readinessProbe: { httpGet: { port: 'web' } } };
    const ports = (containers: RawDeployment['spec']['template']['spec']['containers']) =>
      toRolloutView(deployment({ template: { spec: { containers } } })).containers.map(({ port }) => port);
    expect(ports([container, checked, { name: 'bare' }])).toEqual([8069, 'web', null]);
  });
});

describe('patches of a pod template', () => {
  test('a restart touches annotations alone, the others one container', () => {
    const annotations = { a: 'b' };
    expect(templatePatch({ kind: 'restart', annotations })).toEqual({ spec: { template: { metadata: { annotations } } } });
    expect(templatePatch({ kind: 'image', annotations, container: 'erp', image: 'erp:2' })).toMatchObject({
      spec: { template: { spec: { containers: [{ name: 'erp', image: 'erp:2' }] } } },
    });
    expect(templatePatch({ kind: 'readiness-path', annotations, container: 'erp', path: '/no', port: 8069 })).toMatchObject({
      spec: { template: { spec: { containers: [{ readinessProbe: { httpGet: { path: '/no', port: 8069 }, exec: null } }] } } },
    });
  });

  test('a rollback sends the template whole, without its hash, and the annotations of that revision as kubectl does', () => {
    const set: RawReplicaSet = {
      metadata: {
        name: 'erp-abc',
        uid: 'rs-1',
        annotations: { 'deployment.kubernetes.io/revision': '1', 'deployment.kubernetes.io/max-replicas': '5', old: 'cause' },
      },
      spec: {
        replicas: 0,
        template: {
          metadata: { labels: { app: 'erp', 'pod-template-hash': 'abc' }, annotations: { x: 'y' } },
          spec: { containers: [container] },
        },
      },
    };
    expect(toReplicaSetView(set)).toEqual({
      name: 'erp-abc',
      uid: 'rs-1',
      revision: 1,
      replicas: 0,
      images: ['erp:1'],
      annotations: { x: 'y' },
    });
    expect(rollbackPatch(deployment(), set)).toEqual([
      {
        op: 'replace',
        path: '/spec/template',
        value: { metadata: { labels: { app: 'erp' }, annotations: { x: 'y' } }, spec: { containers: [container] } },
      },
      { op: 'replace', path: '/metadata/annotations', value: { 'deployment.kubernetes.io/revision': '2', old: 'cause' } },
    ]);
  });
});

describe('evictionAnswer', () => {
  const status = (message: string, causes?: object[]) => JSON.stringify({ kind: 'Status', message, details: { causes } });
  test('a 429 is a refusal with the budget that the API names', () => {
    const words = "Cannot evict pod as it would violate the pod's disruption budget.";
    const cause = { reason: 'DisruptionBudget', message: 'The disruption budget erp needs 2 healthy pods and has 2 currently' };
    expect(evictionAnswer(429, status(words, [cause]))).toEqual({
      outcome: 'refused',
      budget: 'erp',
      message: `${words} ${cause.message}`,
    });
    expect(evictionAnswer(429, 'slow down')).toEqual({ outcome: 'refused', budget: null, message: 'slow down' });
  });

  test('a pod that is no longer there, or another one by that name, is gone; anything else is an error', () => {
    expect(evictionAnswer(404, status('pods "x" not found'))).toEqual({ outcome: 'gone' });
    expect(evictionAnswer(409, status('the UID in the precondition (a) does not match'))).toEqual({ outcome: 'gone' });
    expect(evictionAnswer(409, status('the object has been modified'))).toMatchObject({ outcome: 'refused', budget: null });
    expect(evictionAnswer(500, status('This pod has more than one PodDisruptionBudget'))).toBeNull();
    expect(evictionAnswer(403, status('forbidden'))).toBeNull();
  });
});

describe('nodes, their pods and budgets', () => {
  test('a cordon is no taint of its own, a soft taint keeps nobody away', () => {
    const view = toNodeView({
      metadata: { name: 'n', uid: 'u' },
      spec: {
        unschedulable: true,
        taints: [
          { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
          { key: 'soft', effect: 'PreferNoSchedule' },
          { key: 'dedicated', value: 'db', effect: 'NoSchedule' },
          { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
        ],
      },
      status: { allocatable: { cpu: '1500m', memory: '1Gi', pods: '110' }, conditions: [{ type: 'Ready', status: 'True' }] },
    });
    expect(view).toMatchObject({
      ready: true,
      unschedulable: true,
      allocatable: { cpuCores: 1.5, memoryBytes: 2 ** 30, pods: 110 },
    });
    expect(view.taints).toEqual(['dedicated=db:NoSchedule', 'node-role.kubernetes.io/control-plane:NoSchedule']);
    expect(toNodeView({ status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }).ready).toBe(false);
  });

  test('a mirror pod and emptyDir volumes are told', () => {
    const pod = toNodePodView({
      metadata: { name: 'p', namespace: 'kube-system', annotations: { 'kubernetes.io/config.mirror': 'x' } },
      spec: {
        containers: [],
        volumes: [
          { name: 'tmp', emptyDir: {} },
          { name: 'conf', configMap: {} },
        ],
      },
    });
    expect(pod).toMatchObject({ namespace: 'kube-system', mirror: true, emptyDirs: ['tmp'] });
  });

  test('a budget without status allows nothing', () => {
    const budget = toDisruptionBudgetView({ metadata: { name: 'b' }, spec: { selector: { matchLabels: { app: 'erp' } } } });
    expect(budget).toMatchObject({ name: 'b', selector: 'app=erp', disruptionsAllowed: 0, expectedPods: 0 });
  });
});
