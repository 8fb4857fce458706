/**
 * rolling-update, rollback and drain-node on the ERP in real pods: each with its proof and undo while somebody asks all the time.
 * To be called from a test file that has such a lab. Drains that go through are tested on two nodes, in `kubernetes-two-nodes.test.ts`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { drainNode } from '../../chaos/kubernetes/drain-node.ts';
import { rollback } from '../../chaos/kubernetes/rollback.ts';
import { rollingUpdate } from '../../chaos/kubernetes/rolling-update.ts';
import { systemClock } from '../../src/clients/clock.ts';
import type { KubernetesPort } from '../../src/clients/ports.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { Plan, RollbackSpec, RollingUpdateSpec } from '../../src/model/plan.ts';
import { connectionsOf, type Doors, openDoors } from '../../src/run/connections.ts';
import { createBench, disturb } from '../fakes/fault-bench.ts';

const rollout = {
  atMs: 0,
  proveWithinMs: 180_000,
  revertWithinMs: 180_000,
  withinMs: 180_000,
  readyWithinMs: 60_000,
  holdMs: 0,
  maxAffectedRatio: 0.5,
} as const;

export function rolloutsOnKubernetes(lab: () => LabConnection): void {
  describe('rollouts of the ERP on a real Kubernetes', () => {
    let cwd: string;
    let doors: Doors;
    let kubernetes: KubernetesPort;

    beforeEach(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'peakproof-rollouts-'));
      doors = await openDoors(connectionsOf({ target: { kind: 'lab' } } as unknown as Plan, lab()), process.env);
      if (doors.faults.kubernetes === undefined) throw new Error('the lab has no Kubernetes');
      kubernetes = doors.faults.kubernetes;
      await writeFile(join(cwd, 'lab.json'), JSON.stringify(lab()));
    });
    afterEach(async () => {
      await doors.close();
      await rm(cwd, { recursive: true, force: true });
    });

    const update = (fields: Partial<RollingUpdateSpec>): RollingUpdateSpec => ({
      ...rollout,
      deployment: lab().deployment,
      kind: 'kubernetes/rolling-update',
      id: 'roll',
      change: 'restart',
      readinessPath: '/peakproof/fails-on-purpose',
      rollBack: 'on-failure',
      ...fields,
    });
    const current = async () => (await kubernetes.rollouts.fetchReplicaSets(lab().deployment))[0];

    /** Share 0-1 of questions that nobody answered while the work lasted. */
    async function unanswered(work: () => Promise<void>): Promise<number> {
      const stop = new AbortController();
      const answers: boolean[] = [];
      const asking = (async () => {
        while (!stop.signal.aborted) {
          answers.push(
            await doors.odoo.version().then(
              () => true,
              () => false,
            ),
          );
          await systemClock.sleep(100);
        }
      })();
      try {
        await work();
      } finally {
        stop.abort();
        await asking;
      }
      expect(answers.length).toBeGreaterThan(0);
      return answers.filter((answered) => !answered).length / answers.length;
    }

    test('a restart replaces every worker, a rollback goes back and forward again', async () => {
      const { undo, proof } = await disturb(rollingUpdate, update({}), createBench(doors.faults));
      expect(proof, proof.evidence.join('; ')).toMatchObject({ proven: true });
      expect(await rollingUpdate.revert(undo, doors.faults, { timeoutMs: 180_000 })).toMatchObject({
        complete: true,
        detail: expect.stringContaining('stays'),
      });
      const made = await current();
      const back: RollbackSpec = { ...rollout, deployment: lab().deployment, kind: 'kubernetes/rollback', id: 'back' };
      const second = await disturb(rollback, back, createBench(doors.faults));
      expect(second.proof, second.proof.evidence.join('; ')).toMatchObject({ proven: true });
      expect((await current())?.uid).not.toBe(made?.uid);
      const revert = await rollback.revert(second.undo, doors.faults, { timeoutMs: 180_000 });
      expect(revert, revert.detail).toMatchObject({ complete: true });
      expect((await current())?.uid).toBe(made?.uid);
    });

    test.each([['failing-readiness', /is not Ready 15 s after it came/]] as const)(
      '%s is found out and rolled back, and everybody is answered',
      async (change, why) => {
        const before = await current();
        const failed = await unanswered(async () => {
          const spec = update({ change, ...(change === 'failing-readiness' && { readyWithinMs: 15_000 }) });
          const { proof, injection, undo } = await disturb(rollingUpdate, spec, createBench(doors.faults));
          expect(proof, proof.evidence.join('; ')).toMatchObject({ proven: true });
          expect(injection.detail).toMatch(why);
          expect(injection.detail).toMatch(/rolled back in/);
          expect(await rollingUpdate.revert(undo, doors.faults, { timeoutMs: 180_000 })).toMatchObject({ complete: true });
        });
        expect(failed).toBe(0);
        expect((await current())?.uid).toBe(before?.uid);
      },
    );

    test('a drain of its only node is refused with the reason', async () => {
      const nodes = await kubernetes.nodes.fetchNodes();
      const planned = drainNode.plan(
        {
          ...rollout,
          kind: 'kubernetes/drain-node',
          id: 'drain',
          selector: 'app=erp',
          otherPods: 'leave',
          deleteEmptyDirData: true,
          evictWithinMs: 10_000,
          maxAffectedRatio: 1,
        },
        doors.faults,
      );
      if (nodes.length === 1) await expect(planned).rejects.toThrow('it is the only node of the cluster');
      else await expect(planned).resolves.toBeDefined();
    });
  });
}
