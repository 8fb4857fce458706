/**
 * postgres/failover on pods with real Patroni: a split brain, and what synchronous replication keeps. To be called from a
 * test file that has such a lab.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failover } from '../../chaos/postgres/failover.ts';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { Plan, PostgresFailoverSpec } from '../../src/model/plan.ts';
import { connectionsOf, type Doors, openDoors } from '../../src/run/connections.ts';
import { createBench, disturb } from '../fakes/fault-bench.ts';

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

    test('kill-patroni: the orphan acknowledges writes that the new primary does not have', async () => {
      const { proof, revert } = await done(spec('kill-patroni', 4_000));
      const { splitBrain } = proof;
      expect(splitBrain?.acknowledged).toBeGreaterThan(3);
      expect(splitBrain?.lostKeys).toHaveLength(splitBrain?.acknowledged ?? -1);
      expect(splitBrain?.orphan).not.toBe(splitBrain?.primary);
      expect(revert.detail).toMatch(/its server were ended, to start afresh.*0 rows of the orphan are on/);
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
  });
}

interface ClusterAnswer {
  readonly pause?: boolean;
  readonly members: readonly { readonly role: string }[];
}
