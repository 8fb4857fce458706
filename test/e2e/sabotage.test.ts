/** Each switch of the lab turns the verdict, with the right objective named. A judge that cannot fail proves nothing. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Evaluation, Verdict } from '../../src/model/evaluation.ts';
import { runCli, withFolder, writePlan } from '../support/cli.ts';
import { CRASH_PRIMARY, FLOOD_REDIS, KILL_ONE_WORKER, type ShortPlan, shortPlan } from './short-plan.ts';

interface Judged {
  readonly exitCode: number;
  readonly evaluation: Evaluation;
  readonly stderr: string;
}

async function judge(plan: ShortPlan): Promise<Judged> {
  return withFolder(async (dir) => {
    const result = await runCli(['run', await writePlan(dir, shortPlan(plan)), '--json'], { cwd: dir });
    if (result.stdout === '') throw new Error(`no run: exit ${result.exitCode}\n${result.stderr}`);
    const { runDir } = JSON.parse(result.stdout) as { readonly runDir: string };
    return {
      exitCode: result.exitCode,
      evaluation: JSON.parse(await readFile(join(runDir, 'evaluation.json'), 'utf8')) as Evaluation,
      stderr: result.stderr,
    };
  });
}

function verdictOf(evaluation: Evaluation, id: string): Verdict | undefined {
  return evaluation.objectives.find((objective) => objective.id === id)?.verdict;
}

const NO_ORDER_LOST = { id: 'no-order-lost', kind: 'data-loss', service: 'order-capture' };
const RECOVERS = (fault: string, max = '15s') => ({
  id: 'orders-recover',
  kind: 'recovery',
  service: 'order-capture',
  fault,
  max,
  hold: '3s',
});

// Two runs at a time: a run is mostly waiting, and each has a lab of its own.
describe.concurrent('sabotage', () => {
  test('without any, the short plan passes', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'no-sabotage',
      faults: [KILL_ONE_WORKER],
      objectives: [NO_ORDER_LOST, RECOVERS('kill-a-worker')],
    });
    expect(evaluation.objectives.map(({ id, verdict, reason }) => ({ id, verdict, reason }))).toEqual([
      expect.objectContaining({ id: 'no-order-lost', verdict: 'pass' }),
      expect.objectContaining({ id: 'orders-recover', verdict: 'pass' }),
    ]);
    expect(exitCode).toBe(0);
  });

  test('lose-acknowledged-writes: exactly the lost orders are named, and the run fails', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'lose-writes',
      disturbance: '8s',
      sabotage: { 'lose-acknowledged-writes': 4 },
      objectives: [NO_ORDER_LOST],
    });
    expect(verdictOf(evaluation, 'no-order-lost')).toBe('fail');
    const lost = new Set(evaluation.dataLoss.find(({ service }) => service === 'order-capture')?.lostKeys.map(({ key }) => key));
    expect(lost.size).toBe(4);
    expect(exitCode).toBe(1);
  });

  test('duplicate-orders: the doubled orders are named, and the run fails', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'duplicates',
      disturbance: '8s',
      sabotage: { 'duplicate-orders': 3 },
      objectives: [NO_ORDER_LOST],
    });
    expect(verdictOf(evaluation, 'no-order-lost')).toBe('fail');
    expect(evaluation.dataLoss.find(({ service }) => service === 'order-capture')?.duplicatedKeys).toHaveLength(3);
    expect(exitCode).toBe(1);
  });

  test('never-recover: the recovery is censored and fails', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'never-recover',
      sabotage: { 'never-recover': true },
      faults: [CRASH_PRIMARY],
      objectives: [RECOVERS('primary-crash', '25s')],
    });
    expect(evaluation.objectives[0]).toMatchObject({ id: 'orders-recover', verdict: 'fail', censored: true });
    expect([1, 4]).toContain(exitCode);
  });

  test('ignore-scale-up: the autoscaling objective fails', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'ignore-scale-up',
      sabotage: { 'ignore-scale-up': true },
      workers: { min: 1, max: 3 },
      scenarios: [
        {
          id: 'flash-sale',
          kind: 'flash-sale',
          stages: [
            { ratePerSecond: 1, for: '15s' },
            { ratePerSecond: 5, for: '1s' },
            { ratePerSecond: 5, for: '29s' },
          ],
        },
      ],
      objectives: [
        {
          id: 'scales',
          kind: 'autoscaling',
          scenario: 'flash-sale',
          maxDesired: '15s',
          maxReady: '20s',
          maxServiceLevelBack: '25s',
          minReplicasReached: 2,
        },
      ],
    });
    expect(verdictOf(evaluation, 'scales')).toBe('fail');
    expect(exitCode).toBe(1);
  });

  test('redis-not-on-path: a flood that nobody could feel says nothing', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'redis-off-path',
      sabotage: { 'redis-not-on-path': true },
      faults: [FLOOD_REDIS],
      objectives: [RECOVERS('cache-flood')],
    });
    expect(verdictOf(evaluation, 'orders-recover')).toBe('inconclusive');
    expect(exitCode).toBe(2);
  });

  test('duplicate-invoices: the orders that were invoiced twice are named, and the run fails', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'duplicate-invoices',
      sabotage: { 'duplicate-invoices': 2 },
      scenarios: [
        {
          id: 'shop',
          kind: 'flash-sale',
          stages: [
            { ratePerSecond: 2, for: '1s' },
            { ratePerSecond: 2, for: '43s' },
          ],
        },
        {
          id: 'month-end',
          kind: 'month-end-close',
          duration: '44s',
          batchesPerMinute: 6,
          entriesPerBatch: 2,
          reportsPerMinute: 0,
          invoiceRunsPerMinute: 30,
          ordersPerInvoiceRun: 3,
        },
      ],
      objectives: [{ id: 'one-invoice', kind: 'invariant', invariant: 'one-invoice-per-order' }],
    });
    expect(verdictOf(evaluation, 'one-invoice')).toBe('fail');
    const found = evaluation.invariants.find(({ invariant }) => invariant === 'one-invoice-per-order')?.violations;
    expect(found).toEqual([expect.stringMatching(/^order PP-.* has 2 invoices/), expect.stringMatching(/has 2 invoices/)]);
    expect(exitCode).toBe(1);
  });

  test('unbalanced-entries: debit = credit fails', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'unbalanced',
      disturbance: '8s',
      sabotage: { 'unbalanced-entries': 2 },
      probes: ['financial-posting'],
      scenarios: [
        {
          id: 'month-end',
          kind: 'month-end-close',
          duration: '28s',
          batchesPerMinute: 30,
          entriesPerBatch: 4,
          reportsPerMinute: 6,
        },
      ],
      objectives: [{ id: 'books-balance', kind: 'invariant', invariant: 'debit-equals-credit' }],
    });
    expect(verdictOf(evaluation, 'books-balance')).toBe('fail');
    expect(evaluation.invariants.find(({ invariant }) => invariant === 'debit-equals-credit')?.violations).toHaveLength(2);
    expect(exitCode).toBe(1);
  });

  test('slow-baseline: what was already broken before the fault proves nothing about it', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'slow-baseline',
      sabotage: { 'slow-baseline': true },
      faults: [KILL_ONE_WORKER],
      objectives: [RECOVERS('kill-a-worker')],
    });
    expect(verdictOf(evaluation, 'orders-recover')).toBe('inconclusive');
    expect(
      evaluation.guards
        .filter(({ held }) => !held)
        .map(({ id }) => id)
        .join(' '),
    ).toContain('baseline');
    expect(exitCode).toBe(2);
  });

  test('kill-does-nothing: a fault that did not happen must not look like resilience', async () => {
    const { exitCode, evaluation } = await judge({
      name: 'kill-nothing',
      sabotage: { 'kill-does-nothing': true },
      faults: [KILL_ONE_WORKER],
      objectives: [RECOVERS('kill-a-worker')],
    });
    expect(verdictOf(evaluation, 'orders-recover')).toBe('inconclusive');
    expect(evaluation.faults[0]).toMatchObject({ fault: 'kill-a-worker', proven: false });
    expect(exitCode).toBe(2);
  });
});
