import { describe, expect, test } from 'vitest';
import { drainNode } from '../../../../chaos/kubernetes/drain-node.ts';
import type { DrainNodeSpec } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { aPod, createFakeKubernetes, type FakeKubernetesOptions } from '../../../fakes/fake-kubernetes.ts';
import { aNode } from '../../../fakes/fake-nodes.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';

const drain = (fields: Partial<DrainNodeSpec> = {}): DrainNodeSpec => ({
  kind: 'kubernetes/drain-node',
  id: 'drain',
  atMs: 0,
  proveWithinMs: 30_000,
  revertWithinMs: 30_000,
  otherPods: 'refuse',
  deleteEmptyDirData: false,
  evictWithinMs: 20_000,
  holdMs: 5_000,
  maxAffectedRatio: 0.5,
  ...fields,
});

function aCluster(options: Omit<FakeKubernetesOptions, 'clock'> = {}) {
  const clock = createFakeClock();
  const kubernetes = createFakeKubernetes({ clock, nodes: ['node-1', 'node-2'], ...options });
  return { clock, kubernetes, doors: { clock, kubernetes, allowedNamespaces: ['erp', 'shared'] } };
}
const foreign = (namespace: string) => ({
  ...aPod({ name: `in-${namespace}`, uid: `uid-${namespace}`, node: 'node-1' }),
  namespace,
  mirror: false,
  emptyDirs: [],
});

describe('kubernetes/drain-node', () => {
  test('cordons, evicts by uid, and proves that the pods are Ready elsewhere', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors);
    const { plan, proof, injection, undo } = await disturb(drainNode, drain(), bench);
    expect(plan.target).toBe('node node-1 of lab-1: pods odoo-6d-1, odoo-6d-3');
    expect(plan.blastRadius).toBe('2 of 4 pods of ReplicaSet/odoo-6d');
    expect(plan.prediction).toContain('no disruption budget');
    expect(proof).toMatchObject({ proven: true });
    expect(proof.evidence).toEqual([
      'node node-1 was seen unschedulable',
      'gone from it: odoo-6d-1 (uid-1), odoo-6d-3 (uid-3)',
      '2 of 2 replacements Ready elsewhere: odoo-6d-5 on node-2, odoo-6d-6 on node-2',
    ]);
    expect(injection.detail).toBe('node node-1 cordoned, 2 of 2 pods evicted');
    expect(bench.story).toEqual(['undo on disk', 'started']);
    expect(kubernetes.nodes.list[0]).toMatchObject({ unschedulable: true });
    const record = JSON.parse(JSON.stringify(undo));
    expect(await drainNode.revert(record, doors, { timeoutMs: 10_000 })).toEqual({
      complete: true,
      detail: 'node node-1 uncordoned; 4 pods Ready',
    });
    expect(kubernetes.nodes.list[0]).toMatchObject({ unschedulable: false, annotations: {} });
    expect(await drainNode.revert(record, doors, { timeoutMs: 10_000 })).toMatchObject({ complete: true });
  });

  test('takes the named node, the selected pods and the given grace', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.pods.push(aPod({ name: 'other', uid: 'uid-other', node: 'node-2', labels: { app: 'other' } }));
    await disturb(drainNode, drain({ node: 'node-2', selector: 'app=odoo', graceSeconds: 3 }), createBench(doors));
    expect(kubernetes.nodes.evicted).toEqual([
      { name: 'odoo-6d-2', graceSeconds: 3 },
      { name: 'odoo-6d-4', graceSeconds: 3 },
    ]);
  });

  test('leaves DaemonSet, mirror and finished pods where they are', async () => {
    const { kubernetes, doors } = aCluster();
    const on = (name: string, fields: object) => aPod({ name, uid: `uid-${name}`, node: 'node-1', labels: {}, ...fields });
    kubernetes.pods.push(
      on('logs', { owner: { kind: 'DaemonSet', name: 'logs' } }),
      on('static', {}),
      on('done', { phase: 'Succeeded' }),
    );
    kubernetes.nodes.details.set('static', { mirror: true });
    const { state } = await drainNode.plan(drain(), doors);
    expect(state.victims.map(({ name }) => name)).toEqual(['odoo-6d-1', 'odoo-6d-3']);
  });

  test('waits for the disruption budget, and counts its refusals as evidence', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.nodes.minAvailable = 3;
    const { plan, proof, injection } = await disturb(drainNode, drain(), createBench(doors));
    expect(plan.prediction).toBe('disruption budget odoo allows 1 at a time');
    expect(proof.proven).toBe(true);
    expect(injection.detail).toMatch(
      /2 of 2 pods evicted; eviction of odoo-6d-3 refused \d+ times by disruption budget odoo, then accepted: needs 3 healthy/,
    );
  });

  test('a budget that blocks for good is not proven, with budget and count, and the undo uncordons', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.nodes.minAvailable = 4;
    const spec = drain({ evictWithinMs: 5_000, proveWithinMs: 10_000 });
    const { plan, proof, undo } = await disturb(drainNode, spec, createBench(doors));
    expect(plan.prediction).toBe('disruption budget odoo allows none now (4 healthy, 4 wanted): evictions wait for it');
    expect(proof.proven).toBe(false);
    expect(proof.evidence.join('\n')).toMatch(
      /still on it: odoo-6d-1, odoo-6d-3\n.*\n.*odoo-6d-1 refused 5 times.*never accepted/,
    );
    expect(kubernetes.nodes.evicted).toEqual([]);
    expect(await drainNode.revert(undo, doors, { timeoutMs: 10_000 })).toMatchObject({ complete: true });
    expect(kubernetes.nodes.list[0]?.unschedulable).toBe(false);
  });

  test('is not proven when no replacement gets Ready, and the undo says how many are missing', async () => {
    const { kubernetes, doors } = aCluster({ replaceMs: 600_000 });
    const { proof, undo } = await disturb(drainNode, drain(), createBench(doors));
    expect(proof).toMatchObject({
      proven: false,
      evidence: expect.arrayContaining([expect.stringMatching(/^0 of 2 replacements/)]),
    });
    const revert = await drainNode.revert(undo, doors, { timeoutMs: 5_000 });
    expect(revert).toMatchObject({ complete: false, detail: expect.stringContaining('2 of 4 pods of ReplicaSet/odoo-6d Ready') });
    expect(kubernetes.nodes.list[0]?.unschedulable).toBe(false);
  });

  test('is not proven when the cordon was never seen', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.nodes.setUnschedulable = async () => undefined;
    const { proof } = await disturb(drainNode, drain(), createBench(doors));
    expect(proof).toMatchObject({
      proven: false,
      evidence: expect.arrayContaining(['node node-1 was never seen unschedulable']),
    });
  });

  test('an autoscaler that wants fewer pods by then owes no replacement', async () => {
    const { kubernetes, doors } = aCluster({ neverReplace: true });
    kubernetes.replicas = 2;
    expect((await disturb(drainNode, drain(), createBench(doors))).proof.proven).toBe(true);
  });

  test('a node that was cordoned before stays cordoned', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.nodes.list[0] = aNode({ name: 'node-1', unschedulable: true });
    const { proof, undo } = await disturb(drainNode, drain(), createBench(doors));
    expect(proof.proven).toBe(true);
    expect(undo.data).toMatchObject({ mark: null });
    const revert = await drainNode.revert(undo, doors, { timeoutMs: 10_000 });
    expect(revert).toMatchObject({ complete: true, detail: expect.stringContaining('stays cordoned, as it was before') });
    expect(kubernetes.nodes.list[0]?.unschedulable).toBe(true);
  });

  test('a cordon that somebody else set after ours is left', async () => {
    const { kubernetes, doors } = aCluster();
    const { undo } = await disturb(drainNode, drain(), createBench(doors));
    kubernetes.nodes.list[0] = aNode({ name: 'node-1', unschedulable: true });
    const revert = await drainNode.revert(undo, doors, { timeoutMs: 10_000 });
    expect(revert.detail).toContain('cordoned by somebody else');
    expect(kubernetes.nodes.list[0]?.unschedulable).toBe(true);
  });

  test('cancelled while a budget blocks: ends at once, and the undo uncordons', async () => {
    const { clock, kubernetes, doors } = aCluster();
    kubernetes.nodes.minAvailable = 4;
    const stop = new AbortController();
    const bench = createBench(doors, stop.signal);
    const plan = await drainNode.plan(drain(), bench);
    const running = drainNode.inject(drain({ evictWithinMs: 600_000 }), plan, bench, () => {});
    await clock.sleep(3_500);
    stop.abort();
    expect((await running).detail).toContain('0 of 2 pods evicted');
    const [undo] = bench.undone;
    if (undo === undefined) throw new Error('no undo');
    expect(await drainNode.revert(undo, doors, { timeoutMs: 10_000 })).toMatchObject({ complete: true });
    expect(kubernetes.nodes.list[0]?.unschedulable).toBe(false);
  });

  test('touches nothing when cancelled before it', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors, AbortSignal.abort());
    const plan = await drainNode.plan(drain(), bench);
    await expect(drainNode.inject(drain(), plan, bench, () => {})).rejects.toBeDefined();
    expect(kubernetes.nodes.list[0]?.unschedulable).toBe(false);
  });

  test('an eviction that the API forbids is told, and the others go on', async () => {
    const { kubernetes, doors } = aCluster();
    const { evict } = kubernetes.nodes;
    kubernetes.nodes.evict = async (pod, options) => {
      if (options.uid === 'uid-1') throw new Error('evicting pod erp/odoo-6d-1: forbidden (403)');
      return evict(pod, options);
    };
    const { injection, proof } = await disturb(drainNode, drain(), createBench(doors));
    expect(injection.detail).toContain('1 of 2 pods evicted; evicting pod erp/odoo-6d-1: forbidden (403)');
    expect(proof.proven).toBe(false);
  });
});

describe('kubernetes/drain-node is refused', () => {
  test('on the only node of a cluster, with the reason', async () => {
    const { doors } = aCluster({ nodes: ['node-1'] });
    await expect(drainNode.plan(drain(), doors)).rejects.toMatchObject({
      code: 'ERR_FAULT_UNSUPPORTED',
      message: 'draining node node-1 would leave no schedulable Ready node: it is the only node of the cluster',
    });
  });

  test('when every other node is cordoned, tainted or not Ready', async () => {
    const { kubernetes, doors } = aCluster({ nodes: ['node-1', 'node-2', 'node-3', 'node-4'] });
    kubernetes.nodes.list[1] = aNode({ name: 'node-2', unschedulable: true });
    kubernetes.nodes.list[2] = aNode({ name: 'node-3', taints: ['dedicated=batch:NoSchedule'] });
    kubernetes.nodes.list[3] = aNode({ name: 'node-4', ready: false });
    await expect(drainNode.plan(drain(), doors)).rejects.toThrow(
      'node-2 is cordoned, node-3 is taint dedicated=batch:NoSchedule, node-4 is not Ready',
    );
  });

  test.each([
    [{ node: 'node-9' }, 'ERR_SELECTOR_EMPTY', 'has no node "node-9"'],
    [{ selector: 'app=nothing' }, 'ERR_SELECTOR_EMPTY', 'no running pod of app=nothing'],
    [{ maxAffectedRatio: 0.4 }, 'ERR_BLAST_RADIUS', '2 of 4 pods of ReplicaSet/odoo-6d down; maxAffected 40 % allows 1'],
  ])('for %o', async (fields, code, words) => {
    const { doors } = aCluster();
    await expect(drainNode.plan(drain(fields), doors)).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test('for a node that runs none of the pods', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.nodes.list.push(aNode({ name: 'node-3' }));
    await expect(drainNode.plan(drain({ node: 'node-3' }), doors)).rejects.toThrow('runs none of the 4 pods');
  });

  test('counting pods that are not Ready already into the blast radius', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.pods[1] = aPod({ name: 'odoo-6d-2', uid: 'uid-2', ready: false, node: 'node-2' });
    await expect(drainNode.plan(drain({ node: 'node-1' }), doors)).rejects.toThrow('3 of 4 pods');
  });

  test('for a pod without a controller', async () => {
    const { kubernetes, doors } = aCluster();
    const { owner: _, ...bare } = aPod({ name: 'bare', uid: 'uid-bare', node: 'node-1' });
    kubernetes.pods.push(bare);
    await expect(drainNode.plan(drain(), doors)).rejects.toThrow('erp/bare on node node-1 has no controller');
  });

  test('for a pod that would lose its emptyDir, unless that is allowed', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.nodes.details.set('odoo-6d-1', { emptyDirs: ['cache'] });
    await expect(drainNode.plan(drain(), doors)).rejects.toThrow('erp/odoo-6d-1 would lose the data of its emptyDir cache');
    await expect(drainNode.plan(drain({ deleteEmptyDirData: true }), doors)).resolves.toBeDefined();
  });
});

describe('pods of other namespaces on the node', () => {
  test('are refused unless the plan says otherwise', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.nodes.foreign.push(foreign('shared'));
    await expect(drainNode.plan(drain(), doors)).rejects.toMatchObject({
      code: 'ERR_BLAST_RADIUS',
      message: expect.stringContaining('1 pods of other namespaces: shared/in-shared'),
    });
  });

  test('are left with otherPods leave, which does not even ask for them', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.nodes.foreign.push(foreign('kube-system'));
    const { state } = await drainNode.plan(drain({ otherPods: 'leave' }), doors);
    expect(state.victims.map(({ namespace }) => namespace)).toEqual(['erp', 'erp']);
    expect(drainNode.accessFor?.(drain({ otherPods: 'leave' }), {}).some(({ everyNamespace }) => everyNamespace)).toBe(false);
  });

  test('are evicted with otherPods evict when the guard allows their namespace, and only then', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.nodes.foreign.push(foreign('shared'));
    const { state } = await drainNode.plan(drain({ otherPods: 'evict' }), doors);
    expect(state.victims.map(({ name }) => name)).toEqual(['odoo-6d-1', 'odoo-6d-3', 'in-shared']);
    kubernetes.nodes.foreign.push(foreign('kube-system'));
    await expect(drainNode.plan(drain({ otherPods: 'evict' }), doors)).rejects.toMatchObject({
      code: 'ERR_GUARD',
      message: expect.stringContaining('kube-system/in-kube-system'),
    });
  });
});
