import { describe, expect, test } from 'vitest';
import type { ControlPlane } from '../../../../lab/processes/kubernetes/control-plane.ts';
import { rollingBounds } from '../../../../lab/processes/kubernetes/controllers/rolling.ts';
import { type Deployment, isPodReady, type Pod, type ReplicaSet } from '../../../../lab/processes/kubernetes/objects.ts';
import { aControlPlane, settle } from './a-control-plane.ts';

const workloads = [{ kind: 'Deployment', name: 'erp', replicas: 4, containerPort: 8069, readinessPath: '/web/health' }] as const;
const pods = (plane: ControlPlane): readonly Pod[] => plane.store.list('pods', 'erp');
const serving = (plane: ControlPlane): number =>
  pods(plane).filter((pod) => isPodReady(pod) && pod.metadata.deletionTimestamp === undefined).length;
const sets = (plane: ControlPlane): readonly ReplicaSet[] =>
  plane.store.list('replicasets', 'erp').toSorted((left, right) => revisionOf(left) - revisionOf(right));
const revisionOf = ({ metadata }: { readonly metadata: Deployment['metadata'] }): number =>
  Number(metadata.annotations?.['deployment.kubernetes.io/revision']);

function deployment(plane: ControlPlane): Deployment {
  const found = plane.store.get('deployments', 'erp', 'erp');
  if (found === undefined) throw new Error('no deployment');
  return found;
}

/** A client's write: the generation grows. */
async function change(plane: ControlPlane, edit: (spec: Deployment['spec']) => Deployment['spec']): Promise<void> {
  plane.store.mutate('deployments', deployment(plane), (it) => ({
    ...it,
    metadata: { ...it.metadata, generation: (it.metadata.generation ?? 1) + 1 },
    spec: edit(it.spec),
  }));
  for (let round = 0; round < 8; round += 1) await settle();
}

const withContainer = (plane: ControlPlane, fields: object) =>
  change(plane, (spec) => {
    const containers = spec.template.spec.containers.map((container) => ({ ...container, ...fields }));
    return { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } };
  });
const restart = (plane: ControlPlane, at: string) =>
  change(plane, (spec) => ({
    ...spec,
    template: { ...spec.template, metadata: { ...spec.template.metadata, annotations: { restartedAt: at } } },
  }));
const progressing = (plane: ControlPlane) => deployment(plane).status.conditions?.find(({ type }) => type === 'Progressing');

describe('a rolling update of the lab', () => {
  test('never leaves the bounds of maxSurge and maxUnavailable', async () => {
    const { plane } = await aControlPlane({ workloads });
    await change(plane, (spec) => ({
      ...spec,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    }));
    const seen: number[] = [];
    const total: number[] = [];
    plane.store.onChange(() => {
      seen.push(serving(plane));
      total.push(sets(plane).reduce((sum, set) => sum + set.spec.replicas, 0));
    });
    await restart(plane, 'now');
    expect(sets(plane).map((set) => set.spec.replicas)).toEqual([0, 4]);
    expect(Math.min(...seen)).toBe(4);
    expect(Math.max(...total)).toBe(5);
  });

  test('with Recreate starts new pods only when the last old one is gone', async () => {
    const { plane } = await aControlPlane({ workloads });
    await change(plane, (spec) => ({ ...spec, strategy: { type: 'Recreate' } }));
    let mixed = false;
    plane.store.onChange(() => {
      mixed ||= new Set(pods(plane).map((pod) => pod.metadata.labels?.['pod-template-hash'])).size > 1;
    });
    await restart(plane, 'now');
    expect(sets(plane).map((set) => set.spec.replicas)).toEqual([0, 4]);
    expect(mixed).toBe(false);
  });

  test('to an image that the lab does not have stops with ErrImageNeverPull while the old pods serve on', async () => {
    const { plane, runtime } = await aControlPlane({ workloads });
    const started = runtime.calls.length;
    await withContainer(plane, { image: 'erp:nope' });
    const sick = pods(plane).filter((pod) => !isPodReady(pod));
    expect(sick[0]?.status).toMatchObject({
      phase: 'Pending',
      containerStatuses: [
        { state: { waiting: { reason: 'ErrImageNeverPull', message: expect.stringContaining('"erp:nope"') } } },
      ],
    });
    expect(serving(plane)).toBe(3);
    expect(runtime.calls.slice(started).filter((call) => call.startsWith('start'))).toEqual([]);
    expect(progressing(plane)).toMatchObject({ status: 'True', reason: 'ReplicaSetUpdated' });
  });

  test('to another tag of its own image runs; another pull policy only changes the words', async () => {
    const { plane } = await aControlPlane({ workloads });
    await withContainer(plane, { image: 'peakproof-lab/erp:next' });
    expect(serving(plane)).toBe(4);
    await withContainer(plane, { image: 'elsewhere.invalid:5000/erp', imagePullPolicy: 'Always' });
    const reasons = pods(plane).map((pod) => pod.status.containerStatuses?.[0]?.state.waiting?.reason);
    expect(reasons).toContain('ImagePullBackOff');
  });

  test('to a readiness check that fails keeps the old pods; a later check that passes goes through', async () => {
    const { plane } = await aControlPlane({ workloads });
    await withContainer(plane, { readinessProbe: { httpGet: { path: '/nope', port: 8069 } } });
    expect(serving(plane)).toBe(3);
    await withContainer(plane, { readinessProbe: { httpGet: { path: '/web/health', port: 1 } } });
    expect(serving(plane)).toBe(3);
    await withContainer(plane, { readinessProbe: { httpGet: { path: '/web/health', port: 'main' } } });
    expect(sets(plane).map((set) => set.spec.replicas)).toEqual([0, 0, 0, 4]);
    expect(serving(plane)).toBe(4);
  });

  test('exceeds its progress deadline by the clock alone, and succeeds after all', async () => {
    const { plane, clock } = await aControlPlane({ workloads });
    await change(plane, (spec) => ({ ...spec, progressDeadlineSeconds: 30 }));
    const good = deployment(plane).spec.template;
    await withContainer(plane, { image: 'erp:nope' });
    await clock.advance(29_000);
    expect(progressing(plane)).toMatchObject({ status: 'True' });
    await clock.advance(5_000);
    expect(progressing(plane)).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    await change(plane, (spec) => ({ ...spec, template: good }));
    expect(progressing(plane)).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
    expect(serving(plane)).toBe(4);
  });

  test('back to a template there was before takes its replica set with a new revision, whatever the order of keys', async () => {
    const { plane } = await aControlPlane({ workloads });
    const [first] = sets(plane);
    await restart(plane, 'now');
    expect(revisionOf(deployment(plane))).toBe(2);
    await change(plane, (spec) => {
      const { metadata, spec: inner } = first?.spec.template ?? spec.template;
      const { 'pod-template-hash': _hash, ...labels } = metadata.labels;
      const reversed = Object.fromEntries(Object.entries(inner).toReversed()) as typeof inner;
      return { ...spec, template: { spec: reversed, metadata: { labels } } };
    });
    expect(sets(plane)).toHaveLength(2);
    expect(sets(plane).at(-1)?.metadata.uid).toBe(first?.metadata.uid);
    expect(revisionOf(deployment(plane))).toBe(3);
  });

  test('keeps as many old replica sets as revisionHistoryLimit says', async () => {
    const { plane } = await aControlPlane({ workloads });
    await change(plane, (spec) => ({ ...spec, revisionHistoryLimit: 1 }));
    for (const at of ['a', 'b', 'c']) await restart(plane, at);
    expect(sets(plane).map(revisionOf)).toEqual([3, 4]);
  });

  test('scaled while it is stuck gives the good revision its share', async () => {
    const { plane } = await aControlPlane({ workloads });
    await withContainer(plane, { image: 'erp:nope' });
    await change(plane, (spec) => ({ ...spec, replicas: 8 }));
    expect(serving(plane)).toBeGreaterThanOrEqual(6);
    await change(plane, (spec) => ({ ...spec, replicas: 4 }));
    expect(serving(plane)).toBeGreaterThanOrEqual(3);
    expect(sets(plane).reduce((sum, set) => sum + set.spec.replicas, 0)).toBeLessThanOrEqual(5);
  });

  test.each([
    [{ maxSurge: '25%', maxUnavailable: '25%' }, 2, { maxSurge: 1, maxUnavailable: 0 }],
    [{ maxSurge: 0, maxUnavailable: 0 }, 3, { maxSurge: 0, maxUnavailable: 1 }],
    [undefined, 10, { maxSurge: 3, maxUnavailable: 2 }],
  ])('bounds of %o with %i pods', (rollingUpdate, replicas, bounds) => {
    const strategy = { type: 'RollingUpdate', ...(rollingUpdate === undefined ? {} : { rollingUpdate }) };
    expect(rollingBounds({ spec: { replicas, strategy } as unknown as Deployment['spec'] })).toEqual(bounds);
  });
});

describe('nodes of the lab', () => {
  const cordon = (plane: ControlPlane, name: string, unschedulable: boolean) => {
    const node = plane.store.get('nodes', undefined, name);
    if (node === undefined) throw new Error(`no node ${name}`);
    plane.store.mutate('nodes', node, (it) => ({ ...it, spec: { ...it.spec, unschedulable } }));
  };
  const placement = (plane: ControlPlane) => pods(plane).map((pod) => pod.spec.nodeName);

  test('share the pods, and a cordoned one gets no new ones', async () => {
    const { plane } = await aControlPlane({ workloads, nodes: 2 });
    expect(placement(plane).toSorted()).toEqual([
      'peakproof-lab-node',
      'peakproof-lab-node',
      'peakproof-lab-node-2',
      'peakproof-lab-node-2',
    ]);
    cordon(plane, 'peakproof-lab-node', true);
    for (const pod of pods(plane)) plane.terminate(pod, 0);
    for (let round = 0; round < 3; round += 1) await settle();
    expect(new Set(placement(plane))).toEqual(new Set(['peakproof-lab-node-2']));
  });

  test('all cordoned leave pods Pending, Unschedulable; an uncordon starts them', async () => {
    const { plane, runtime } = await aControlPlane({ workloads });
    cordon(plane, 'peakproof-lab-node', true);
    const started = runtime.calls.length;
    for (const pod of pods(plane)) plane.terminate(pod, 0);
    for (let round = 0; round < 3; round += 1) await settle();
    expect(pods(plane)[0]?.status.conditions).toMatchObject([{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }]);
    expect(runtime.calls.slice(started).some((call) => call.startsWith('start'))).toBe(false);
    cordon(plane, 'peakproof-lab-node', false);
    for (let round = 0; round < 3; round += 1) await settle();
    expect(serving(plane)).toBe(4);
  });
});
