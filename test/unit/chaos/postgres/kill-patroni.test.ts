import { describe, expect, test } from 'vitest';
import { failover } from '../../../../chaos/postgres/failover.ts';
import type { PostgresFailoverSpec, PostgresTarget } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeCommands } from '../../../fakes/fake-commands.ts';
import { aPod, createFakeKubernetes } from '../../../fakes/fake-kubernetes.ts';
import { createFakePatroni, type FakePatroniOptions } from '../../../fakes/fake-patroni.ts';
import { aProcess, createFakePodExec } from '../../../fakes/fake-pod-exec.ts';
import { createFakePostgres, type FakePostgres } from '../../../fakes/fake-postgres.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';

const spec: PostgresFailoverSpec = {
  kind: 'postgres/failover',
  id: 'orphan',
  mode: 'kill-patroni',
  durationMs: 2_000,
  atMs: 0,
  proveWithinMs: 60_000,
  revertWithinMs: 60_000,
};
const target: PostgresTarget = { driver: 'patroni', patroniUrls: ['http://127.0.0.1:8008'] };

function aMemberPort(port: number, standby: boolean): FakePostgres {
  const fake = createFakePostgres({ inRecovery: standby });
  return Object.assign(fake, { label: `127.0.0.1:${port}/erp`, writable: !standby });
}

/** `pg-0` leads; once its Patroni is stopped, `pg-1` takes over after `moveMs`, and `pg-0` goes on taking writes. */
function aCluster(options: Omit<FakePatroniOptions, 'clock'> = {}) {
  const clock = createFakeClock();
  const patroni = createFakePatroni({ clock, moveMs: 20_000, rejoinMs: 40_000, ...options });
  const orphan = aMemberPort(5433, false);
  const next = aMemberPort(5434, true);
  const kubernetes = createFakeKubernetes({ clock });
  kubernetes.pods.push(aPod({ name: 'pg-0', uid: 'uid-pg-0', labels: { app: 'postgres' } }));
  const podExec = createFakePodExec();
  const crash = patroni.crash;
  const killed = (): void => {
    crash();
    void clock.sleep(20_000).then(() => {
      next.writable = true;
      next.rows = [];
      next.status = { ...next.status, inRecovery: false, timeline: 2 };
    });
  };
  podExec.onDeed = (deed) => {
    if (deed.startsWith('STOP 7')) killed();
    if (deed.startsWith('KILL 7')) {
      orphan.writable = false;
      orphan.status = { ...orphan.status, inRecovery: true };
    }
  };
  const doors = { clock, patroni, kubernetes, podExec, postgresTarget: target, postgresStandbys: [orphan, next] };
  return { clock, patroni, orphan, next, kubernetes, podExec, killed, doors };
}

describe('postgres/failover kill-patroni', () => {
  test('stops Patroni alone, sees the orphan acknowledge writes after the promotion, and finds them lost', async () => {
    const { podExec, doors, orphan, next } = aCluster();
    const bench = createBench(doors);
    const { plan, proof, injection, undo } = await disturb(failover, spec, bench);
    expect(plan.target).toContain('by stopping Patroni in pod pg-0');
    expect(plan.prediction).toMatch(/19 to 22 s; pg-0 goes on as a second primary at its own address/);
    expect(podExec.deeds.filter((deed) => deed !== 'list')).toEqual(['STOP 7']);
    expect(injection.detail).toBe('Patroni of pg-0 stopped (1 process); the server of pg-0 goes on');
    expect(bench.story).toEqual(['undo on disk', 'started']);
    expect(proof).toMatchObject({
      proven: true,
      splitBrain: { orphan: 'pg-0', primary: 'pg-1', acknowledged: 8, censored: true },
    });
    expect(proof.splitBrain?.lostKeys).toEqual(orphan.rows);
    expect(proof.splitBrain?.lostKeys[0]).toBe('run-1/orphan/0001');
    expect(proof.evidence.slice(3)).toEqual([
      'split brain: pg-0 (127.0.0.1:5433/erp) acknowledged 8 of 8 writes of ours for at least 1.8 s while pg-1 was the primary',
      '8 of these 8 acknowledged writes are not on pg-1: lost',
    ]);
    expect(undo.data).toMatchObject({
      reach: { way: 'exec', pod: 'pg-0', uid: 'uid-pg-0' },
      processes: { patroni: ['7:70'], postmaster: '21:210' },
      marks: 'run-1/orphan/',
    });
    const revert = await failover.revert(JSON.parse(JSON.stringify(undo)), doors, { timeoutMs: 60_000 });
    expect(revert).toMatchObject({
      complete: true,
      detail: expect.stringMatching(
        /^the stopped Patroni of pg-0 and its server were ended, to start afresh; pg-0: replica, streaming.*0 rows of the orphan are on 127.0.0.1:5434\/erp; our table is dropped/,
      ),
    });
    expect(next.rows).toBeNull();
  });

  test('says that there was no split brain when the old primary takes no write', async () => {
    const { doors, orphan } = aCluster();
    orphan.answerMark = () => ({ outcome: 'refused', detail: 'cannot execute INSERT in a read-only transaction' });
    const { proof } = await disturb(failover, spec, createBench(doors));
    expect(proof.proven).toBe(true);
    expect(proof.splitBrain).toBeUndefined();
    expect(proof.evidence.at(-1)).toMatch(/^no split brain: pg-0 .* took none of 8 writes .*read-only transaction/);
  });

  test('a write without an answer is no acknowledgement', async () => {
    const { doors, orphan } = aCluster();
    orphan.answerMark = () => ({ outcome: 'unknown', detail: 'no answer within 1500 ms' });
    const { proof } = await disturb(failover, spec, createBench(doors));
    expect(proof.splitBrain).toBeUndefined();
  });

  test('an orphan that is stopped midway counts until its last acknowledgement', async () => {
    const { doors, orphan } = aCluster();
    orphan.answerMark = (key) => ({
      outcome: key.endsWith('0003') ? 'accepted' : key > 'run-1/orphan/0003' ? 'refused' : 'accepted',
      detail: '',
    });
    const { proof } = await disturb(failover, spec, createBench(doors));
    expect(proof.splitBrain).toMatchObject({ acknowledged: 3, censored: false });
    expect((proof.splitBrain?.untilAt ?? 0) - (proof.splitBrain?.fromAt ?? 0)).toBe(500);
  });

  test('rows that the primary has are not lost', async () => {
    const { doors, next, orphan } = aCluster();
    next.marks.readKeys = async () => [...(orphan.rows ?? [])];
    const { proof } = await disturb(failover, spec, createBench(doors));
    expect(proof.splitBrain?.lostKeys).toEqual([]);
  });

  test('is not proven while nobody but the orphan takes writes', async () => {
    const { doors, podExec } = aCluster();
    podExec.onDeed = () => undefined;
    const { proof } = await disturb(failover, spec, createBench(doors));
    expect(proof.proven).toBe(false);
  });

  test('is an error, with the undo on disk, when Patroni goes on all the same', async () => {
    const { doors, podExec } = aCluster();
    podExec.deaf = true;
    const bench = createBench(doors);
    const plan = await failover.plan(spec, bench);
    await expect(failover.inject(spec, plan, bench, () => bench.story.push('started'))).rejects.toThrow('was not stopped (7:70)');
    expect(bench.story).toEqual(['undo on disk']);
  });

  test('prefers programs of the plan, and lets Patroni go on by the other one', async () => {
    const { doors, killed, podExec } = aCluster();
    const commands = createFakeCommands({ onRun: () => undefined });
    const run = commands.run;
    commands.run = async (argv, options) => {
      if (argv[0] === 'kill-patroni') killed();
      expect(options.env).toMatchObject({ PEAKPROOF_PRIMARY: 'pg-0' });
      return run(argv, options);
    };
    const postgresTarget = { ...target, commands: { killPatroni: ['kill-patroni'], restartPatroni: ['start-patroni'] } };
    const { proof, undo } = await disturb(failover, spec, createBench({ ...doors, commands, postgresTarget }));
    expect(proof.proven).toBe(true);
    await failover.revert(undo, { ...doors, commands }, { timeoutMs: 60_000 });
    expect(commands.calls).toEqual([['kill-patroni'], ['start-patroni']]);
    expect(podExec.deeds).toEqual([]);
  });

  test('lets Patroni go on only while its leader key cannot have run out', async () => {
    const { doors, podExec, clock } = aCluster();
    podExec.onDeed = () => undefined;
    const stop = new AbortController();
    const bench = createBench(doors, stop.signal);
    const plan = await failover.plan(spec, bench);
    await failover.inject(spec, plan, bench, () => undefined);
    const [undo] = bench.undone;
    if (undo === undefined) throw new Error('no undo');
    expect(undo.data.resumeUntilAt).toBe(clock.now() + 16_000);
    await failover.revert(undo, doors, { timeoutMs: 60_000 });
    expect(podExec.deeds.filter((deed) => /^(CONT|KILL)/.test(deed))).toEqual(['CONT 7']);
  });

  test('ends the orphan and its Patroni once the leader key may have run out, the server first', async () => {
    const { doors, podExec } = aCluster();
    const { undo } = await disturb(failover, spec, createBench(doors));
    await failover.revert(undo, doors, { timeoutMs: 60_000 });
    expect(podExec.deeds.filter((deed) => /^(CONT|KILL)/.test(deed))).toEqual(['KILL server 21', 'KILL 7']);
  });

  test('leaves the server alone when another Patroni looks after it by now', async () => {
    const { doors, podExec } = aCluster();
    const { undo } = await disturb(failover, spec, createBench(doors));
    podExec.processes = podExec.processes.map((process) => (process.pid === 7 ? aProcess(8, 1, ...process.argv) : process));
    await failover.revert(undo, doors, { timeoutMs: 60_000 });
    expect(podExec.deeds.filter((deed) => deed.startsWith('KILL'))).toEqual([]);
  });

  test('a pod that was replaced meanwhile has nothing that must go on', async () => {
    const { doors, kubernetes, podExec } = aCluster();
    const { undo } = await disturb(failover, spec, createBench(doors));
    const index = kubernetes.pods.findIndex(({ name }) => name === 'pg-0');
    kubernetes.pods[index] = aPod({ name: 'pg-0', uid: 'another' });
    const revert = await failover.revert(undo, doors, { timeoutMs: 60_000 });
    expect(revert.detail).toContain('pod pg-0 is another by now');
    expect(podExec.deeds.filter((deed) => /^(CONT|KILL)/.test(deed))).toEqual([]);
  });

  test('says so when Patroni cannot be let go on, and stays open', async () => {
    const { doors, podExec } = aCluster();
    const { undo } = await disturb(failover, spec, createBench(doors));
    podExec.down = 'container not found';
    const revert = await failover.revert(undo, doors, { timeoutMs: 30_000 });
    expect(revert).toMatchObject({ complete: false, detail: expect.stringContaining('container not found') });
  });

  test('a table that cannot be dropped leaves the undo open', async () => {
    const { doors, next } = aCluster();
    const { undo } = await disturb(failover, spec, createBench(doors));
    next.down = 'connection refused';
    const revert = await failover.revert(undo, doors, { timeoutMs: 60_000 });
    expect(revert).toMatchObject({ complete: false, detail: expect.stringContaining('peakproof_marks could not be dropped') });
  });

  describe('is refused', () => {
    const refusal = async (change: (cluster: ReturnType<typeof aCluster>) => object) => {
      const cluster = aCluster();
      const doors = { ...cluster.doors, ...change(cluster) };
      return failover.plan(spec, doors).then(
        () => 'it was not',
        (error: { message: string; code: string; hint: string }) => `${error.code}: ${error.message} -> ${error.hint}`,
      );
    };

    test('without a kubernetes section or programs', async () => {
      expect(await refusal(() => ({ kubernetes: undefined }))).toMatch(
        /ERR_FAULT_UNSUPPORTED.*the plan has no kubernetes section -> .*postgres.commands.killPatroni/,
      );
    });
    test('when no pod has the name of the member', async () => {
      expect(await refusal(({ kubernetes }) => ({ kubernetes: Object.assign(kubernetes, { pods: [] }) }))).toMatch(
        /erp has no pod of that name/,
      );
    });
    test('without the permission to run programs in pods', async () => {
      expect(
        await refusal(({ kubernetes }) => {
          kubernetes.allowed = async ({ subresource, verb }) => !(subresource === 'exec' && verb === 'create');
          return {};
        }),
      ).toMatch(/"create pods\/exec".* -> grant "get" and "create" on "pods\/exec"/);
    });
    test('when Patroni is process 1', async () => {
      expect(
        await refusal(({ podExec }) => {
          podExec.processes = [aProcess(1, 0, 'python3', '/usr/bin/patroni', 'x.yml'), ...podExec.processes.slice(2)];
          return {};
        }),
      ).toMatch(/Patroni is process 1 of pod pg-0, which no program inside can stop or kill -> .*tini/);
    });
    test('when no Patroni runs in that container', async () => {
      expect(
        await refusal(({ podExec }) => {
          podExec.processes = [aProcess(1, 0, 'nginx')];
          return {};
        }),
      ).toMatch(/no Patroni runs in pod pg-0 -> .*postgres.container/);
    });
    test('without the own address of the primary', async () => {
      expect(await refusal(({ next }) => ({ postgresStandbys: [next] }))).toMatch(
        /none of postgres.connection.standbyUrls leads to pg-0/,
      );
    });
    test('when the user may not make a table', async () => {
      expect(
        await refusal(({ orphan }) => {
          orphan.obstacle = 'user monitor may not create a table in schema public';
          return {};
        }),
      ).toMatch(/user monitor may not create a table/);
    });
    test('when the proof would end before the leader key has run out', async () => {
      const { doors } = aCluster();
      await expect(failover.plan({ ...spec, proveWithinMs: 20_000 }, doors)).rejects.toMatchObject({
        message: expect.stringContaining('ttl 20 s'),
        hint: 'set proveWithin of fault "orphan" to at least 25s',
      });
    });
  });

  test('asks for pods/exec only when it goes through the pod', () => {
    const access = (postgresTarget: PostgresTarget) =>
      failover
        .accessFor?.(spec, { postgresTarget, kubernetes: aCluster().kubernetes })
        .map(({ verb, resource, subresource }) => `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`);
    expect(access(target)).toEqual(['list pods', 'get pods/exec', 'create pods/exec']);
    expect(access({ ...target, commands: { killPatroni: ['x'] } })).toEqual([]);
  });
});
