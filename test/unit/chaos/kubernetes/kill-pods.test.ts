import { describe, expect, test } from 'vitest';
import { killPods } from '../../../../chaos/kubernetes/kill-pods.ts';
import type { KillPodsSpec } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { aPod, createFakeKubernetes, type FakeKubernetesOptions } from '../../../fakes/fake-kubernetes.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';

const kill = (fields: Partial<KillPodsSpec> = {}): KillPodsSpec => ({
  kind: 'kubernetes/kill-pods',
  id: 'kill',
  atMs: 0,
  proveWithinMs: 10_000,
  revertWithinMs: 10_000,
  selector: 'app=odoo',
  amount: { count: 1 },
  force: true,
  graceSeconds: 30,
  maxAffectedRatio: 0.5,
  ...fields,
});

function aCluster(options: Omit<FakeKubernetesOptions, 'clock'> = {}) {
  const clock = createFakeClock();
  const kubernetes = createFakeKubernetes({ clock, ...options });
  return { clock, kubernetes, doors: { clock, kubernetes } };
}

describe('kubernetes/kill-pods', () => {
  test('kills the oldest pods by uid and proves that new ones are ready in their place', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors);
    const { plan, proof, injection } = await disturb(killPods, kill({ amount: { count: 2 } }), bench);
    expect(plan.target).toBe('pods odoo-6d-1, odoo-6d-2 in lab-1/erp');
    expect(plan.blastRadius).toContain('2 of 4 pods');
    expect(kubernetes.deletions.map(({ uid, graceSeconds }) => [uid, graceSeconds])).toEqual([
      ['uid-1', 0],
      ['uid-2', 0],
    ]);
    expect(proof.proven).toBe(true);
    expect(proof.evidence.join()).toContain('2 of 2 replacements ready: odoo-6d-5, odoo-6d-6');
    expect(injection.detail).toContain('by force');
    expect(bench.story).toEqual(['undo on disk', 'started']);
  });

  test('gives pods their grace period unless forced', async () => {
    const { kubernetes, doors } = aCluster();
    await disturb(killPods, kill({ force: false, graceSeconds: 7 }), createBench(doors));
    expect(kubernetes.deletions[0]?.graceSeconds).toBe(7);
  });

  test.each([
    [0.01, 1],
    [0.26, 2],
    [0.5, 2],
  ])('a share of %f of 4 pods is %i', async (shareRatio, count) => {
    const { doors } = aCluster();
    const { state } = await killPods.plan(kill({ amount: { shareRatio } }), doors);
    expect(state.victims).toHaveLength(count);
  });

  test('refuses a selector that matches nothing', async () => {
    const { doors } = aCluster();
    await expect(killPods.plan(kill({ selector: 'app=odo' }), doors)).rejects.toMatchObject({ code: 'ERR_SELECTOR_EMPTY' });
  });

  test('refuses more pods than the blast radius allows', async () => {
    const { doors } = aCluster();
    await expect(killPods.plan(kill({ amount: { count: 3 } }), doors)).rejects.toMatchObject({
      code: 'ERR_BLAST_RADIUS',
      message: expect.stringContaining('would leave 3 down'),
    });
  });

  test('counts pods that are not ready already into the blast radius', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.pods[3] = aPod({ name: 'odoo-6d-4', uid: 'uid-4', ready: false });
    await expect(killPods.plan(kill({ amount: { count: 2 } }), doors)).rejects.toMatchObject({
      code: 'ERR_BLAST_RADIUS',
      message: expect.stringContaining('1 not ready already'),
    });
    await expect(killPods.plan(kill({ amount: { count: 1 } }), doors)).resolves.toBeDefined();
  });

  test('refuses to kill the only pod', async () => {
    const { doors } = aCluster({ replicas: 1 });
    await expect(killPods.plan(kill(), doors)).rejects.toMatchObject({ code: 'ERR_BLAST_RADIUS' });
  });

  test('is not proven when the kill did nothing', async () => {
    const { doors } = aCluster({ killDoesNothing: true });
    const { proof } = await disturb(killPods, kill(), createBench(doors));
    expect(proof.proven).toBe(false);
    expect(proof.evidence[0]).toContain('still there: odoo-6d-1');
  });

  test('is not proven when no replacement comes', async () => {
    const { doors } = aCluster({ neverReplace: true });
    const { proof } = await disturb(killPods, kill(), createBench(doors));
    expect(proof.proven).toBe(false);
    expect(proof.evidence[0]).toContain('0 of 1 replacements ready');
  });

  test('is proven without replacements when the autoscaler wants fewer pods by then', async () => {
    const { kubernetes, doors } = aCluster({ neverReplace: true });
    kubernetes.replicas = 3;
    expect((await disturb(killPods, kill(), createBench(doors))).proof.proven).toBe(true);
  });

  test('kills again every n seconds and leaves out a round that would exceed the blast radius', async () => {
    const { kubernetes, doors } = aCluster({ replaceMs: 12_000 });
    const spec = kill({ amount: { count: 2 }, repeat: { everyMs: 5_000, durationMs: 15_000 }, proveWithinMs: 60_000 });
    const { injection } = await disturb(killPods, spec, createBench(doors));
    // At 5 s and 10 s two of four pods are still down; at 15 s they are back.
    expect(injection.detail).toMatch(/round 2 left out: .*round 3 left out: /);
    expect(kubernetes.deletions).toHaveLength(4);
    expect(injection.state.killed).toHaveLength(4);
  });

  test('stops repeating when cancelled midway, and reverts', async () => {
    const { clock, kubernetes, doors } = aCluster();
    const stop = new AbortController();
    const bench = createBench(doors, stop.signal);
    const spec = kill({ repeat: { everyMs: 10_000, durationMs: 100_000 } });
    const plan = await killPods.plan(spec, bench);
    const cancelled = clock.sleep(25_000).then(() => stop.abort());
    await killPods.inject(spec, plan, bench, () => {});
    await cancelled;
    expect(kubernetes.deletions).toHaveLength(3);
    const [undo] = bench.undone;
    if (undo === undefined) throw new Error('no undo');
    expect(await killPods.revert(undo, doors, { timeoutMs: 10_000 })).toMatchObject({ complete: true });
  });

  test('touches nothing when cancelled before the kill', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors, AbortSignal.abort());
    const plan = await killPods.plan(kill(), bench);
    await expect(killPods.inject(kill(), plan, bench, () => {})).rejects.toBeDefined();
    expect(kubernetes.deletions).toEqual([]);
  });

  test('reverts from the record alone: waits for the wanted replicas, or says how many are missing', async () => {
    const healthy = aCluster();
    const broken = aCluster({ neverReplace: true });
    const { undo } = await disturb(killPods, kill(), createBench(broken.doors));
    const record = JSON.parse(JSON.stringify(undo));
    expect(await killPods.revert(record, healthy.doors, { timeoutMs: 5_000 })).toEqual({
      complete: true,
      detail: '4 of 4 pods app=odoo ready',
    });
    const missing = await killPods.revert(record, broken.doors, { timeoutMs: 5_000 });
    expect(missing.complete).toBe(false);
    expect(missing.detail).toContain('3 of 4 pods app=odoo ready');
  });

  test('a victim that somebody else took away first is no failure when another one was killed', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors);
    const spec = kill({ amount: { count: 2 } });
    const plan = await killPods.plan(spec, bench);
    kubernetes.pods.splice(0, 1);
    const injection = await killPods.inject(spec, plan, bench, () => {});
    expect(injection.state.killed.map(({ uid }) => uid)).toEqual(['uid-2']);
  });

  test('when the API refuses the second kill, the first one still counts as started', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors);
    const spec = kill({ amount: { count: 2 } });
    const plan = await killPods.plan(spec, bench);
    const deletePod = kubernetes.deletePod;
    kubernetes.deletePod = async (name, options) => {
      if (options.uid === 'uid-2') throw new Error('quota exceeded');
      await deletePod(name, options);
    };
    const started: string[] = [];
    await expect(killPods.inject(spec, plan, bench, ({ detail }) => started.push(detail))).rejects.toThrow('quota exceeded');
    expect(started).toEqual(['deleted 1 pods by force: odoo-6d-1']);
  });

  test('a kill that the API refuses is an error with its words', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors);
    const plan = await killPods.plan(kill(), bench);
    kubernetes.deletePod = async () => Promise.reject(new Error('pods is forbidden'));
    await expect(killPods.inject(kill(), plan, bench, () => {})).rejects.toThrow('pods is forbidden');
  });
});
