/**
 * redis/sentinel-failover on pods, with the lab's three servers and three Sentinels: planned and safe moves, and a crash of the
 * master's pod. To be called from a test file that has such a lab.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sentinelFailover } from '../../chaos/redis/sentinel-failover.ts';
import type { LabConnection } from '../../src/model/connections.ts';
import type { SentinelFailoverSpec } from '../../src/model/plan.ts';
import { readPlan } from '../../src/plan/read-plan.ts';
import { connectionsOf, type Doors, openDoors } from '../../src/run/connections.ts';
import { createBench, disturb } from '../fakes/fault-bench.ts';
import { startSessionRun } from '../support/session-run.ts';
import { shortPlan } from './short-plan.ts';

const spec = (mode: SentinelFailoverSpec['mode']): SentinelFailoverSpec => ({
  kind: 'redis/sentinel-failover',
  id: 'move',
  mode,
  atMs: 0,
  proveWithinMs: 60_000,
  revertWithinMs: 90_000,
});

export function sentinelOnKubernetes(lab: () => LabConnection): void {
  describe('redis/sentinel-failover on a real Kubernetes', () => {
    let cwd: string;
    let doors: Doors;

    beforeEach(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'peakproof-sentinel-'));
      const plan = readPlan(shortPlan({ name: 'sentinel', objectives: [KEPT], extra: PROBED }), 'plan');
      doors = await openDoors(connectionsOf(plan, lab()), process.env);
    });
    afterEach(async () => {
      await doors.close();
      await rm(cwd, { recursive: true, force: true });
    });

    /** One move under writes, put back and counted in both ways. */
    async function moved(mode: SentinelFailoverSpec['mode']) {
      const { redis } = doors.faults;
      const { sessions } = doors;
      if (redis === undefined || sessions === undefined) throw new Error('the lab has no Redis');
      const run = await startSessionRun({ redis, sessions }, `e2e-${mode}`, 50);
      const { plan, injection, proof, undo } = await disturb(sentinelFailover, spec(mode), createBench(doors.faults));
      expect(proof, proof.evidence.join('; ')).toMatchObject({ proven: true });
      const reverted = await sentinelFailover.revert(JSON.parse(JSON.stringify(undo)), doors.faults, { timeoutMs: 90_000 });
      expect(reverted).toMatchObject({ complete: true });
      await run.awaitGood(30_000);
      await run.stop();
      const lost = await run.readLost();
      expect(lost).toEqual(run.absentFrom(await run.scan()));
      expect(await run.remove()).toEqual([]);
      expect((await run.scan()).size).toBe(0);
      return { plan, injection, lost, run };
    }

    test('a planned move that nobody notices loses seconds of sessions', async () => {
      const { lost, run } = await moved('planned');
      expect(run.longestGapMs()).toBeLessThan(3_000);
      expect(lost.length).toBeGreaterThan(run.acknowledged().length / 4);
    });

    test('the same with writes paused loses none', async () => {
      expect((await moved('safe-planned')).lost).toEqual([]);
    });

    test('the pod of the master is found, killed by UID, and comes back as a replica', async () => {
      const { plan, injection, run } = await moved('crash');
      expect(plan.state.pod).not.toBeNull();
      expect(injection.detail).toMatch(/SHUTDOWN NOSAVE NOW FORCE; pod redis-\d of the master .* deleted/);
      expect(run.longestGapMs()).toBeGreaterThan(1_000);
    });
  });
}

const KEPT = { id: 'sessions-kept', kind: 'data-loss', service: 'session-store' };
const PROBED = { probes: [{ service: 'session-store', interval: '50ms', timeout: '20s', slow: '500ms' }] };
