/**
 * postgres/failover on pods with real Patroni: every mode with its proof and undo, a split brain, exactly the orders that a
 * frozen walsender loses, none with synchronous replication, a paused cluster, and a harness that is killed meanwhile. To be
 * called from a test file that has such a lab.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failover } from '../../chaos/postgres/failover.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { Evaluation } from '../../src/model/evaluation.ts';
import type { Plan, PostgresFailoverSpec } from '../../src/model/plan.ts';
import type { LedgerRow, LedgerWrite } from '../../src/model/run-records.ts';
import { connectionsOf, type Doors, openDoors } from '../../src/run/connections.ts';
import { createBench, disturb } from '../fakes/fault-bench.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { shortPlan } from './short-plan.ts';

const spec = (mode: PostgresFailoverSpec['mode'], durationMs?: number): PostgresFailoverSpec => ({
  kind: 'postgres/failover',
  id: mode,
  mode,
  atMs: 0,
  proveWithinMs: 90_000,
  revertWithinMs: 180_000,
  ...(durationMs !== undefined && { durationMs }),
});

export function postgresOnKubernetes(lab: () => LabConnection): void {
  describe('postgres/failover on a real Kubernetes', () => {
    let cwd: string;
    let doors: Doors;

    beforeEach(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'peakproof-postgres-'));
      doors = await openDoors(connectionsOf({ target: { kind: 'lab' } } as unknown as Plan, lab()), process.env);
      await writeFile(join(cwd, 'lab.json'), JSON.stringify(lab()));
    });
    afterEach(async () => {
      await doors.close();
      await rm(cwd, { recursive: true, force: true });
    });
    afterAll(() => setPatroni({ pause: null, synchronous_mode: false }));

    /** Changes the dynamic configuration, and waits until the members live by it. */
    async function setPatroni(change: { readonly pause?: boolean | null; readonly synchronous_mode?: boolean }): Promise<void> {
      const [url = ''] = lab().patroniUrls;
      const answer = await fetch(`${url}/config`, { method: 'PATCH', body: JSON.stringify(change) });
      expect(answer.status, await answer.text()).toBe(200);
      const wanted = { paused: change.pause === true, synchronous: change.synchronous_mode === true };
      await awaitCondition('Patroni lives by it', async () => (await (await fetch(`${url}/cluster`)).json()) as ClusterAnswer, {
        until: ({ pause = false, members }) =>
          pause === wanted.paused && members.some(({ role }) => role === 'sync_standby') === wanted.synchronous,
        timeoutMs: 60_000,
        clock: systemClock,
      });
    }

    async function done(wanted: PostgresFailoverSpec) {
      const { plan, proof, injection, undo } = await disturb(failover, wanted, createBench(doors.faults));
      expect(proof, proof.evidence.join('; ')).toMatchObject({ proven: true });
      const revert = await failover.revert(JSON.parse(JSON.stringify(undo)), doors.faults, { timeoutMs: 180_000 });
      expect(revert, revert.detail).toMatchObject({ complete: true });
      return { plan, proof, injection, revert };
    }

    async function judged(
      plan: string,
    ): Promise<{ readonly runDir: string; readonly evaluation: Evaluation; readonly exitCode: number }> {
      await writeFile(join(cwd, 'plan.yaml'), plan);
      const run = await runCli(['run', 'plan.yaml', '--lab', 'lab.json', '--json'], { cwd, timeoutMs: 500_000 });
      if (run.stdout === '') throw new Error(`no run: exit ${run.exitCode}\n${run.stderr}`);
      const { runDir } = JSON.parse(run.stdout) as { readonly runDir: string };
      const evaluation = JSON.parse(await readFile(join(runDir, 'evaluation.json'), 'utf8')) as Evaluation;
      return { runDir, evaluation, exitCode: run.exitCode };
    }

    test.each(['switchover', 'failover'] as const)('%s: another member takes writes, all standbys stream again', async (mode) => {
      const { proof, revert } = await done(spec(mode));
      expect(proof.evidence).toEqual([
        expect.stringMatching(/^primary was postgres-\d, is postgres-\d$/),
        expect.stringMatching(/^timeline was \d+, is \d+$/),
        expect.stringMatching(/takes writes$/),
      ]);
      expect(revert.detail).toMatch(/postgres-\d: replica/);
    });

    test('crash: the server is killed inside its pod, so that nobody hands over in good order', async () => {
      const { injection } = await done(spec('crash'));
      expect(injection.detail).toMatch(/^Patroni stopped and the server killed in pod (postgres-\d), pod \1 deleted/);
    });

    test('kill-patroni: the orphan acknowledges writes that the new primary does not have', async () => {
      const { proof, revert } = await done(spec('kill-patroni', 4_000));
      const { splitBrain } = proof;
      expect(splitBrain?.acknowledged).toBeGreaterThan(3);
      expect(splitBrain?.lostKeys).toHaveLength(splitBrain?.acknowledged ?? -1);
      expect(splitBrain?.orphan).not.toBe(splitBrain?.primary);
      expect(revert.detail).toMatch(/its server were ended, to start afresh.*0 rows of the orphan are on/);
    });

    test('frozen-walsender: the run reports exactly the orders that SQL does not find, and fails', async () => {
      const { runDir, evaluation, exitCode } = await judged(
        shortPlan({
          name: 'frozen-walsender',
          disturbance: '60s',
          faults: [
            {
              id: 'frozen',
              kind: 'postgres/failover',
              mode: 'frozen-walsender',
              for: '3s',
              at: '5s',
              proveWithin: '90s',
              revertWithin: '120s',
            },
          ],
          objectives: [{ id: 'no-order-lost', kind: 'data-loss', service: 'order-capture' }],
          extra: { target: { kind: 'lab', workers: { min: 2, max: 3 } } },
        }),
      );
      expect(evaluation.faults, JSON.stringify(evaluation.faults)).toMatchObject([
        { fault: 'frozen', proven: true, reverted: true },
      ]);
      const missing = await missingOrders(runDir, lab());
      const lost = evaluation.dataLoss.find(({ service }) => service === 'order-capture')?.lostKeys ?? [];
      expect(missing.size, 'the frozen walsender lost something').toBeGreaterThan(0);
      expect([...new Set(lost.map(({ key }) => key))].sort()).toEqual([...missing].sort());
      expect(evaluation.objectives[0]).toMatchObject({ verdict: 'fail' });
      expect(exitCode).toBe(1);
    });

    test('with synchronous replication a frozen walsender loses nothing that was acknowledged', async () => {
      await setPatroni({ synchronous_mode: true });
      const { postgres } = doors.faults;
      if (postgres === undefined) throw new Error('the lab has no database address');
      await postgres.marks.create();
      const acknowledged: string[] = [];
      let on = true;
      const writing = (async () => {
        for (let index = 0; on; index += 1) {
          const key = `sync/${String(index).padStart(6, '0')}`;
          if ((await postgres.marks.write(key)).outcome === 'accepted') acknowledged.push(key);
          await systemClock.sleep(20);
        }
      })();
      try {
        const { plan } = await done(spec('frozen-walsender', 2_000));
        expect(plan.prediction).toContain('no acknowledged write may be lost');
      } finally {
        on = false;
        await writing;
      }
      const there = new Set(await postgres.marks.readKeys('sync/'));
      await postgres.marks.drop();
      expect(acknowledged.length).toBeGreaterThan(20);
      expect(acknowledged.filter((key) => !there.has(key))).toEqual([]);
      await setPatroni({ synchronous_mode: false });
    });

    test('a paused cluster is refused before anything is touched', async () => {
      await setPatroni({ pause: true });
      try {
        await expect(failover.plan(spec('crash'), doors.faults)).rejects.toThrow('is paused and would not fail over');
      } finally {
        await setPatroni({ pause: null });
      }
    });

    test('killed while Patroni is stopped: a rollback from the run folder puts the cluster together again', async () => {
      await writeFile(
        join(cwd, 'plan.yaml'),
        shortPlan({
          name: 'killed',
          disturbance: '90s',
          faults: [{ id: 'orphan', kind: 'postgres/failover', mode: 'kill-patroni', at: '2s', proveWithin: '90s' }],
          objectives: [{ id: 'no-order-lost', kind: 'data-loss', service: 'order-capture' }],
          extra: { target: { kind: 'lab', workers: { min: 2, max: 3 } } },
        }),
      );
      const run = spawnCli(['run', 'plan.yaml', '--lab', 'lab.json'], { cwd, timeoutMs: 300_000 });
      await awaitCondition('Patroni stopped', () => readIfThere(join(cwd, 'runs/latest/journal.ndjson')), {
        until: (text) => text.includes('"fault-injected"'),
        timeoutMs: 200_000,
        clock: systemClock,
      });
      run.kill('SIGKILL');
      await run;
      const rollback = await runCli(['rollback', 'runs/latest'], { cwd, timeoutMs: 240_000 });
      expect(rollback.exitCode, `${rollback.stdout}\n${rollback.stderr}`).toBe(0);
      const cluster = await doors.faults.patroni?.fetchCluster();
      expect(cluster?.members.filter(({ role }) => role === 'primary')).toHaveLength(1);
      expect((await doors.faults.postgres?.fetchStatus())?.replicas.filter(({ state }) => state === 'streaming')).toHaveLength(2);
      expect((await runCli(['rollback', 'runs/latest'], { cwd })).exitCode).toBe(0);
    });
  });
}

interface ClusterAnswer {
  readonly pause?: boolean;
  readonly members: readonly { readonly role: string }[];
}

/** States in which an order still shows what was acknowledged. */
const FITS: Readonly<Record<string, readonly string[]>> = {
  create: ['draft', 'sent', 'sale', 'done', 'cancel'],
  confirm: ['sale', 'done', 'cancel'],
  cancel: ['cancel'],
};

/** Keys of acknowledged orders that the database does not show as they were acknowledged. */
async function missingOrders(runDir: string, lab: LabConnection): Promise<ReadonlySet<string>> {
  const rows = (await readFile(join(runDir, 'ledger.ndjson'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LedgerRow);
  const acknowledged = rows.filter(
    (row): row is LedgerWrite => row.row === 'write' && row.model === 'sale.order' && row.outcome === 'ok',
  );
  const url = new URL(lab.postgresUrl);
  url.username = lab.postgresUser;
  url.password = (await readFile(lab.postgresPasswordFile, 'utf8')).trim();
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows: stored } = await client.query<{ client_order_ref: string; state: string }>(
      'select client_order_ref, state from sale_order where client_order_ref is not null',
    );
    const states = new Map<string, string[]>();
    for (const { client_order_ref: key, state } of stored) states.set(key, [...(states.get(key) ?? []), state]);
    const lost = acknowledged.filter(
      ({ key, effect }) => !(states.get(key) ?? []).some((state) => FITS[effect]?.includes(state)),
    );
    return new Set(lost.map(({ key }) => key));
  } finally {
    await client.end();
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
