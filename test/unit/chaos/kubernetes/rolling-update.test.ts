import { describe, expect, test } from 'vitest';
import { rollback } from '../../../../chaos/kubernetes/rollback.ts';
import { rollingUpdate } from '../../../../chaos/kubernetes/rolling-update.ts';
import type { RollbackSpec, RollingUpdateSpec } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetesOptions } from '../../../fakes/fake-kubernetes.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';

const base = {
  atMs: 0,
  proveWithinMs: 60_000,
  revertWithinMs: 60_000,
  deployment: 'odoo',
  withinMs: 60_000,
  readyWithinMs: 20_000,
  holdMs: 0,
  maxAffectedRatio: 0.5,
} as const;
const update = (fields: Partial<RollingUpdateSpec> = {}): RollingUpdateSpec => ({
  ...base,
  kind: 'kubernetes/rolling-update',
  id: 'roll',
  change: 'restart',
  readinessPath: '/fails',
  rollBack: 'on-failure',
  ...fields,
});
const back = (fields: Partial<RollbackSpec> = {}): RollbackSpec => ({
  ...base,
  kind: 'kubernetes/rollback',
  id: 'back',
  ...fields,
});

function aCluster(options: Omit<FakeKubernetesOptions, 'clock'> = {}) {
  const clock = createFakeClock();
  const kubernetes = createFakeKubernetes({ clock, ...options });
  return { clock, kubernetes, doors: { clock, kubernetes } };
}
const ownersOf = (pods: readonly { readonly owner?: { readonly name: string } }[]) => [
  ...new Set(pods.map(({ owner }) => owner?.name)),
];

describe('kubernetes/rolling-update', () => {
  test('a restart replaces every pod by one of another uid, and stays', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors);
    const { plan, proof, injection, undo } = await disturb(rollingUpdate, update(), bench);
    expect(plan.target).toBe('deployment odoo (revision 1) in lab-1/erp');
    expect(plan.blastRadius).toContain('at most 1 of 4 pods down at once');
    expect(proof).toMatchObject({ proven: true });
    expect(proof.evidence.join('\n')).toMatch(/new pods: odoo-6d-5 \(uid-5\).*\n.*gone: all 4 pods/);
    expect(injection.detail).toMatch(/restart; complete after .*; the new revision stays/);
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-rs-2']);
    expect(await rollingUpdate.revert(undo, doors, { timeoutMs: 5_000 })).toEqual({
      complete: true,
      detail: 'revision 2 of odoo is complete and stays, as the plan says',
    });
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-rs-2']);
    expect(bench.story).toEqual(['undo on disk', 'started']);
  });

  test('a good revision stays although an autoscaler has just added a pod that is not Ready', async () => {
    const { kubernetes, doors } = aCluster();
    const { undo } = await disturb(rollingUpdate, update(), createBench(doors));
    const progressing = { status: 'True', reason: 'NewReplicaSetAvailable', message: 'ReplicaSet "odoo-rs-2" has progressed.' };
    kubernetes.rollouts.view = { replicas: 5, updated: 5, existing: 5, available: 4, progressing };
    const revert = await rollingUpdate.revert(undo, doors, { timeoutMs: 5_000 });
    expect(revert).toMatchObject({ complete: true, detail: expect.stringContaining('stays') });
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-rs-2']);
  });

  test('the undo record names revision and replica set and holds nothing of the template', async () => {
    const { doors } = aCluster();
    const { undo } = await disturb(rollingUpdate, update(), createBench(doors));
    expect(undo.data).toEqual({
      deployment: 'odoo',
      deploymentUid: 'deployment-1',
      replicaSet: 'odoo-6d',
      replicaSetUid: 'rs-1',
      revision: 1,
      mark: 'run-1/roll',
      rolledTo: null,
      keepsComplete: true,
    });
  });

  test('an image that does not exist is seen to be stuck, the old pods serve on, and it is rolled back', async () => {
    const { kubernetes, doors } = aCluster();
    const { proof, injection } = await disturb(rollingUpdate, update({ change: 'bad-image' }), createBench(doors));
    expect(kubernetes.rollouts.changes).toMatchObject([{ kind: 'image', image: 'peakproof.invalid/no-such-image:roll' }]);
    expect(proof).toMatchObject({ proven: true });
    expect(proof.evidence).toEqual([
      'new pods: odoo-6d-5 (uid-5)',
      '0 of 1 got Ready',
      'old pods Ready at least: 4 of 4',
      expect.stringContaining('ErrImageNeverPull: no such image here'),
    ]);
    expect(injection.detail).toMatch(/stuck after .* ErrImageNeverPull.*; rolled back in /);
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-6d']);
  });

  test('a readiness check that fails is stuck once its time is over, and is rolled back', async () => {
    const { kubernetes, doors } = aCluster();
    const { proof } = await disturb(rollingUpdate, update({ change: 'failing-readiness' }), createBench(doors));
    expect(kubernetes.rollouts.changes).toMatchObject([
      { kind: 'readiness-path', path: '/fails', port: 8069, container: 'odoo' },
    ]);
    expect(proof.proven).toBe(true);
    expect(proof.evidence.at(-1)).toContain('is not Ready 20 s after it came');
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-6d']);
  });

  test('is not proven when the new pods get Ready although none should', async () => {
    const { kubernetes, doors } = aCluster();
    const { changeTemplate } = kubernetes.rollouts;
    kubernetes.rollouts.changeTemplate = (name, { annotations }) => changeTemplate(name, { kind: 'restart', annotations });
    const { proof } = await disturb(rollingUpdate, update({ change: 'failing-readiness' }), createBench(doors));
    expect(proof).toMatchObject({
      proven: false,
      evidence: expect.arrayContaining([expect.stringContaining('although none should')]),
    });
  });

  test('is not proven when no new pod ever comes', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.rollouts.changeTemplate = async () => undefined;
    const spec = update({ change: 'bad-image', rollBack: 'never', withinMs: 5_000 });
    const { proof } = await disturb(rollingUpdate, spec, createBench(doors));
    expect(proof.proven).toBe(false);
    expect(proof.evidence[0]).toBe('no pod of a new revision came');
  });

  test('a progress deadline that the controller reports counts as stuck', async () => {
    const { clock, kubernetes, doors } = aCluster();
    const bench = createBench(doors);
    const spec = update({ change: 'failing-readiness', readyWithinMs: 50_000 });
    const plan = await rollingUpdate.plan(spec, bench);
    const running = rollingUpdate.inject(spec, plan, bench, () => {});
    await clock.sleep(3_000);
    const progressing = { status: 'False', reason: 'ProgressDeadlineExceeded', message: 'has timed out progressing' };
    kubernetes.rollouts.view = { progressing };
    await clock.sleep(1_000);
    kubernetes.rollouts.view = {};
    expect((await running).detail).toContain('ProgressDeadlineExceeded: has timed out progressing');
  });

  test('rollBack always goes back from a good revision too, after the hold', async () => {
    const { kubernetes, doors } = aCluster();
    const spec = update({ rollBack: 'always', holdMs: 10_000 });
    const { proof, injection, undo } = await disturb(rollingUpdate, spec, createBench(doors));
    expect(proof.proven).toBe(true);
    expect(injection.detail).toContain('rolled back in');
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-6d']);
    expect(await rollingUpdate.revert(undo, doors, { timeoutMs: 10_000 })).toMatchObject({ complete: true });
  });

  test('rollBack never leaves a stuck revision to the undo, which returns to the one before from the record alone', async () => {
    const { kubernetes, doors } = aCluster();
    const spec = update({ change: 'bad-image', rollBack: 'never' });
    const { injection, undo } = await disturb(rollingUpdate, spec, createBench(doors));
    expect(injection.detail).toContain('its undo does');
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-6d', 'odoo-rs-2']);
    const record = JSON.parse(JSON.stringify(undo));
    const first = await rollingUpdate.revert(record, doors, { timeoutMs: 30_000 });
    expect(first).toMatchObject({ complete: true, detail: expect.stringContaining('odoo runs odoo-6d again, 4 of 4 pods') });
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-6d']);
    expect(await rollingUpdate.revert(record, doors, { timeoutMs: 30_000 })).toMatchObject({ complete: true });
    expect(kubernetes.rollouts.sets).toHaveLength(2);
  });

  test('the undo leaves a revision that somebody else rolled out since', async () => {
    const { kubernetes, doors } = aCluster();
    const spec = update({ change: 'bad-image', rollBack: 'never' });
    const { undo } = await disturb(rollingUpdate, spec, createBench(doors));
    await kubernetes.rollouts.changeTemplate('odoo', { kind: 'restart', annotations: {} });
    expect(await rollingUpdate.revert(undo, doors, { timeoutMs: 10_000 })).toEqual({
      complete: true,
      detail: 'revision 3 of odoo was rolled out by somebody else since; it is left as it is',
    });
    expect(ownersOf(kubernetes.pods)).toContain('odoo-rs-3');
  });

  test('the undo is incomplete, in words, when the revision before is gone from the cluster', async () => {
    const { kubernetes, doors } = aCluster();
    const spec = update({ change: 'bad-image', rollBack: 'never' });
    const { undo } = await disturb(rollingUpdate, spec, createBench(doors));
    kubernetes.rollouts.sets.splice(0, 1);
    expect(await rollingUpdate.revert(undo, doors, { timeoutMs: 5_000 })).toMatchObject({
      complete: false,
      detail: expect.stringContaining('has dropped its revision 1 (odoo-6d)'),
    });
  });

  test('cancelled midway, the undo takes the half-rolled revision back', async () => {
    const { clock, kubernetes, doors } = aCluster();
    const stop = new AbortController();
    const bench = createBench(doors, stop.signal);
    const plan = await rollingUpdate.plan(update(), bench);
    const running = rollingUpdate.inject(update(), plan, bench, () => {});
    await clock.sleep(3_000);
    stop.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
    const [undo] = bench.undone;
    if (undo === undefined) throw new Error('no undo');
    expect(ownersOf(kubernetes.pods)).toHaveLength(2);
    expect(await rollingUpdate.revert(undo, doors, { timeoutMs: 30_000 })).toMatchObject({ complete: true });
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-6d']);
  });

  test('touches nothing when cancelled before it', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors, AbortSignal.abort());
    const plan = await rollingUpdate.plan(update(), bench);
    await expect(rollingUpdate.inject(update(), plan, bench, () => {})).rejects.toBeDefined();
    expect(kubernetes.rollouts.changes).toEqual([]);
  });

  test.each([
    [{ paused: true }, 'ERR_FAULT_UNSUPPORTED', 'is paused'],
    [{ revisionHistoryLimit: 0 }, 'ERR_FAULT_UNSUPPORTED', 'keeps no earlier revision'],
    [{ existing: 5, updated: 2 }, 'ERR_FAULT_UNSUPPORTED', 'in the middle of a rollout'],
    [{ observed: false }, 'ERR_FAULT_UNSUPPORTED', 'in the middle of a rollout'],
    [{ replicas: 0 }, 'ERR_SELECTOR_EMPTY', 'wants no pods'],
    [{ maxUnavailable: 3 }, 'ERR_BLAST_RADIUS', 'maxUnavailable of .* lets 3 of 4 pods go'],
    [{ strategy: 'Recreate', maxUnavailable: 4 }, 'ERR_BLAST_RADIUS', 'strategy Recreate of .* lets 4 of 4 pods go'],
  ])('refuses %o', async (view, code, words) => {
    const { kubernetes, doors } = aCluster();
    kubernetes.rollouts.view = view;
    const refusal = { code, message: expect.stringMatching(words) };
    await expect(rollingUpdate.plan(update(), doors)).rejects.toMatchObject(refusal);
    await expect(rollback.plan(back(), doors)).rejects.toMatchObject(refusal);
  });

  test.each([
    [{ container: 'sidecar' }, 'has no container "sidecar"'],
    [{ change: 'image', image: 'odoo:1' }, 'runs odoo:1 already'],
  ] as const)('refuses %o', async (fields, words) => {
    const { doors } = aCluster();
    await expect(rollingUpdate.plan(update(fields), doors)).rejects.toThrow(words);
  });

  test('refuses a failing readiness check on a container without a port', async () => {
    const { kubernetes, doors } = aCluster();
    kubernetes.rollouts.view = { containers: [{ name: 'odoo', image: 'odoo:1', port: null }] };
    await expect(rollingUpdate.plan(update({ change: 'failing-readiness' }), doors)).rejects.toThrow('names no port');
  });
});

describe('kubernetes/rollback', () => {
  async function rolledOut() {
    const cluster = aCluster();
    await disturb(rollingUpdate, update(), createBench(cluster.doors));
    return cluster;
  }

  test('goes to the revision before, replaces every pod, and the undo rolls forward again', async () => {
    const { kubernetes, doors } = await rolledOut();
    const { plan, proof, undo } = await disturb(rollback, back(), createBench(doors));
    expect(plan.target).toContain('from revision 2 to revision 1 (odoo-6d)');
    expect(proof).toMatchObject({ proven: true });
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-6d']);
    const record = JSON.parse(JSON.stringify(undo));
    expect(await rollback.revert(record, doors, { timeoutMs: 30_000 })).toMatchObject({ complete: true });
    expect(ownersOf(kubernetes.pods)).toEqual(['odoo-rs-2']);
    expect(await rollback.revert(record, doors, { timeoutMs: 30_000 })).toMatchObject({ complete: true });
  });

  test('goes to a named revision', async () => {
    const { doors } = await rolledOut();
    await disturb(rollingUpdate, update({ id: 'again' }), createBench(doors));
    const plan = await rollback.plan(back({ toRevision: 1 }), doors);
    expect(plan.state.to?.uid).toBe('rs-1');
  });

  test.each([
    [{}, 'no earlier revision'],
    [{ toRevision: 7 }, 'no revision 7 (it has 1)'],
    [{ toRevision: 1 }, 'runs revision 1 already'],
  ])('refuses %o of a deployment with one revision', async (fields, words) => {
    const { doors } = aCluster();
    await expect(rollback.plan(back(fields), doors)).rejects.toThrow(words);
  });

  test('after a rolling update of the same plan: may be planned before it, and is refused when that did not run', async () => {
    const { kubernetes, doors } = aCluster();
    const bench = createBench(doors);
    const plan = await rollback.plan(back({ after: 'roll' }), doors);
    expect(plan.target).toContain('to the revision before fault roll');
    await expect(rollback.inject(back({ after: 'roll' }), plan, bench, () => {})).rejects.toThrow('no earlier revision');
    expect(bench.undone).toEqual([]);
    expect(kubernetes.pods).toHaveLength(4);
  });

  test('back to a revision that is broken is not proven', async () => {
    const { kubernetes, doors } = aCluster();
    await disturb(rollingUpdate, update({ change: 'bad-image' }), createBench(doors));
    const broken = kubernetes.rollouts.sets.find(({ uid }) => uid === 'rs-2');
    const { proof } = await disturb(rollback, back(), createBench(doors));
    expect(broken).toBeDefined();
    expect(proof.proven).toBe(false);
    expect(proof.evidence.join()).toContain('ErrImageNeverPull');
  });
});
