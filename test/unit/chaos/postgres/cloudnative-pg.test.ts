import { describe, expect, test } from 'vitest';
import { failover } from '../../../../chaos/postgres/failover.ts';
import type { ApiObject, CustomObjectsPort } from '../../../../src/clients/ports.ts';
import { HarnessError } from '../../../../src/errors.ts';
import type { PostgresFailoverSpec, PostgresTarget } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { aPod, createFakeKubernetes } from '../../../fakes/fake-kubernetes.ts';
import { createFakePostgres } from '../../../fakes/fake-postgres.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';
import { createOperator, type OperatorOptions } from '../../../support/cloudnative-pg-operator.ts';

const spec = (mode: PostgresFailoverSpec['mode']): PostgresFailoverSpec => ({
  kind: 'postgres/failover',
  id: 'move',
  atMs: 0,
  proveWithinMs: 30_000,
  revertWithinMs: 30_000,
  mode,
  ...(mode === 'fence' && { durationMs: 5_000 }),
});
const target: PostgresTarget = { driver: 'cloudnative-pg', cluster: 'erp-db' };

function aCluster(options: Omit<OperatorOptions, 'clock'> = {}) {
  const clock = createFakeClock();
  const operator = createOperator({ clock, ...options });
  const patches: { readonly change: Readonly<Record<string, unknown>>; readonly subresource?: string }[] = [];
  const customObjects = {
    namespace: 'erp',
    fetch: async (_resource: unknown, name: string) => (name === operator.name ? operator.read() : null),
    async patch(
      _resource: unknown,
      _name: string,
      change: Readonly<Record<string, unknown>>,
      { subresource }: { subresource?: string } = {},
    ) {
      patches.push({ change, ...(subresource !== undefined && { subresource }) });
      return operator.patch(change, subresource);
    },
  } as unknown as CustomObjectsPort;
  const kubernetes = createFakeKubernetes({ clock });
  kubernetes.fetchPods = async () => operator.pods().map(({ name, uid, ready }) => aPod({ name, uid, ready }));
  kubernetes.deletePod = async (name, { uid, graceSeconds }) => {
    kubernetes.deletions.push({ name, uid, graceSeconds });
    if (!operator.deletePod(name, uid)) throw new HarnessError('ERR_KUBERNETES', 'not found');
  };
  const postgres = createFakePostgres();
  postgres.isWritable = async () => operator.writable();
  return {
    clock,
    operator,
    patches,
    kubernetes,
    postgres,
    doors: { clock, customObjects, kubernetes, postgres, postgresTarget: target },
  };
}

describe('postgres/failover through CloudNativePG', () => {
  test('promotes as kubectl cnpg promote does: targetPrimary, its time and the phase, on the status', async () => {
    const { patches, doors } = aCluster();
    const bench = createBench(doors);
    const { plan, proof, undo } = await disturb(failover, spec('switchover'), bench);
    expect(plan.target).toBe(
      'primary erp-db-1 of CloudNativePG cluster erp/erp-db (timeline 4), by status.targetPrimary = erp-db-2',
    );
    expect(patches).toEqual([
      {
        subresource: 'status',
        change: {
          status: {
            targetPrimary: 'erp-db-2',
            targetPrimaryTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
            phase: 'Switchover in progress',
            phaseReason: 'Switching over to erp-db-2',
          },
        },
      },
    ]);
    expect(proof).toEqual({
      proven: true,
      evidence: ['primary was erp-db-1, is erp-db-2', 'timeline was 4, is 5', '127.0.0.1:5432/erp takes writes'],
    });
    expect(bench.story).toEqual(['undo on disk', 'started']);
    const revert = await failover.revert(JSON.parse(JSON.stringify(undo)), doors, { timeoutMs: 30_000 });
    expect(revert).toEqual({ complete: true, detail: 'Cluster in healthy state; primary erp-db-2, timeline 5, 3 of 3 ready' });
  });

  test('crashes the primary by the force-deletion of its pod, by UID', async () => {
    const { kubernetes, doors } = aCluster();
    const { proof, undo } = await disturb(failover, spec('crash'), createBench(doors));
    expect(kubernetes.deletions).toEqual([{ name: 'erp-db-1', uid: 'uid-1', graceSeconds: 0 }]);
    expect(proof.proven).toBe(true);
    expect(await failover.revert(undo, doors, { timeoutMs: 30_000 })).toMatchObject({ complete: true });
  });

  test('fences the primary for the time of the plan and lifts that fence alone', async () => {
    const { operator, doors } = aCluster();
    operator.patch({ metadata: { annotations: { 'cnpg.io/fencedInstances': '["erp-db-3"]' } } });
    await doors.clock.sleep(1_000);
    // A fenced instance is not ready; the cluster is taken as it is.
    for (const pod of operator.pods()) pod.ready = true;
    const bench = createBench(doors);
    const { plan, proof, undo } = await disturb(failover, spec('fence'), bench);
    expect(plan.prediction).toContain('no failover: nobody takes writes for 5 s');
    expect(proof).toEqual({ proven: true, evidence: ['erp-db-1 is fenced and its pod not Ready', 'nobody takes writes'] });
    expect(fences(operator.read())).toBe('["erp-db-3","erp-db-1"]');
    const revert = await failover.revert(JSON.parse(JSON.stringify(undo)), doors, { timeoutMs: 30_000 });
    expect(revert).toMatchObject({
      complete: true,
      detail: expect.stringMatching(/^fence of erp-db-1 lifted; .*primary erp-db-1, timeline 4/),
    });
    expect(fences(operator.read())).toBe('["erp-db-3"]');
    expect(await failover.revert(undo, doors, { timeoutMs: 30_000 })).toMatchObject({ complete: true });
  });

  test('a fence is lifted when the run is stopped midway, and the annotation goes when it was the only one', async () => {
    const { operator, doors } = aCluster();
    const stop = new AbortController();
    const bench = createBench(doors, stop.signal);
    const plan = await failover.plan(spec('fence'), bench);
    void doors.clock.sleep(1_000).then(() => stop.abort(new Error('stopped')));
    await expect(failover.inject(spec('fence'), plan, bench, () => {})).rejects.toThrow('stopped');
    const [undo] = bench.undone;
    if (undo === undefined) throw new Error('no undo');
    expect(await failover.revert(undo, doors, { timeoutMs: 30_000 })).toMatchObject({ complete: true });
    expect(operator.read().metadata?.annotations).toEqual({});
  });

  test.each(['switchover', 'crash', 'fence'] as const)('%s is not proven when no operator acts on it', async (mode) => {
    const { doors, operator } = aCluster({ absent: true });
    const { proof, undo } = await disturb(failover, spec(mode), createBench(doors));
    expect(proof.proven).toBe(false);
    const revert = await failover.revert(undo, doors, { timeoutMs: 5_000 });
    // A fence that nobody acted on is gone with its annotation; a promotion that nobody does stays asked for.
    expect(revert.complete).toBe(mode === 'fence');
    expect(operator.read().metadata?.annotations).toEqual({});
  });

  test.each([
    ['has no healthy standby', (status: object) => ({ ...status, instancesStatus: { healthy: ['erp-db-1'] } })],
    ['2 of 3 instances are ready', (status: object) => ({ ...status, readyInstances: 2 })],
    [
      'its phase is "Failing over" (erp-db-1 is gone)',
      (status: object) => ({ ...status, phase: 'Failing over', phaseReason: 'erp-db-1 is gone' }),
    ],
    ['its primary changes from erp-db-1 to pending', (status: object) => ({ ...status, targetPrimary: 'pending' })],
  ])('refuses a cluster that %s', async (words, change) => {
    const { doors } = aCluster({ change: (object) => ({ ...object, status: change(object.status as object) }) });
    await expect(failover.plan(spec('switchover'), doors)).rejects.toMatchObject({
      code: 'ERR_FAULT_UNSUPPORTED',
      message: expect.stringContaining(words),
    });
  });

  test.each([
    ['leaves', { 'cnpg.io/reconciliationLoop': 'disabled' }],
    ['is fenced already', { 'cnpg.io/fencedInstances': '["*"]' }],
  ])('refuses a cluster that the operator %s', async (words, annotations) => {
    const { doors } = aCluster({ change: (object) => ({ ...object, metadata: { ...object.metadata, annotations } }) });
    await expect(failover.plan(spec('crash'), doors)).rejects.toThrow(words);
  });

  test('refuses when every standby lags, and by name what the account may not do', async () => {
    const { doors, postgres, kubernetes } = aCluster();
    kubernetes.allowed = async ({ verb, subresource }) => !(verb === 'patch' && subresource === 'status');
    await expect(failover.plan(spec('switchover'), doors)).rejects.toThrow('may not "patch clusters/status"');
    postgres.status = {
      ...postgres.status,
      replicas: [{ name: 'erp-db-2', state: 'streaming', syncState: 'async', replayLagBytes: 1e9 }],
    };
    await expect(failover.plan(spec('crash'), doors)).rejects.toThrow(
      'every standby of CloudNativePG cluster erp/erp-db lags (erp-db-2 streaming, 1000000000 bytes behind)',
    );
  });

  test('refuses a cluster that is not there, and modes that its operator has not', async () => {
    const { doors } = aCluster();
    await expect(failover.plan(spec('crash'), { ...doors, postgresTarget: { ...target, cluster: 'other' } })).rejects.toThrow(
      'there is no CloudNativePG cluster "other" in erp',
    );
    await expect(failover.plan(spec('failover'), doors)).rejects.toThrow('its operator has no forced failover');
    await expect(failover.plan(spec('kill-patroni'), doors)).rejects.toThrow('is not for driver cloudnative-pg');
  });

  test('says what is missing when the cluster is not healthy again', async () => {
    const { doors } = aCluster({ rejoinMs: 60_000 });
    const { undo } = await disturb(failover, spec('switchover'), createBench(doors));
    const revert = await failover.revert(undo, doors, { timeoutMs: 10_000 });
    expect(revert).toMatchObject({ complete: false, detail: expect.stringContaining('2 of 3 ready') });
  });

  test('asks for what each mode needs and no more', () => {
    const access = (mode: PostgresFailoverSpec['mode']) =>
      failover
        .accessFor?.(spec(mode), { postgresTarget: target })
        .map(({ verb, resource, subresource }) => `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`);
    expect(access('switchover')).toEqual(['get clusters', 'patch clusters/status']);
    expect(access('crash')).toEqual(['get clusters', 'list pods', 'delete pods']);
    expect(access('fence')).toEqual(['get clusters', 'list pods', 'patch clusters']);
  });
});

function fences(object: ApiObject): string | undefined {
  return object.metadata?.annotations?.['cnpg.io/fencedInstances'];
}
