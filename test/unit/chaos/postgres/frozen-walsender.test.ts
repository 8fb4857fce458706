import { describe, expect, test } from 'vitest';
import { failover } from '../../../../chaos/postgres/failover.ts';
import type { PostgresFailoverSpec, PostgresTarget } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeCommands } from '../../../fakes/fake-commands.ts';
import { aPod, createFakeKubernetes } from '../../../fakes/fake-kubernetes.ts';
import { createFakePatroni, type FakePatroniOptions } from '../../../fakes/fake-patroni.ts';
import { createFakePodExec } from '../../../fakes/fake-pod-exec.ts';
import { createFakePostgres } from '../../../fakes/fake-postgres.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';

const spec: PostgresFailoverSpec = {
  kind: 'postgres/failover',
  id: 'frozen',
  mode: 'frozen-walsender',
  durationMs: 3_000,
  atMs: 0,
  proveWithinMs: 60_000,
  revertWithinMs: 60_000,
};
const target: PostgresTarget = { driver: 'patroni', patroniUrls: ['http://127.0.0.1:8008'] };

function aCluster(options: Omit<FakePatroniOptions, 'clock'> = {}) {
  const clock = createFakeClock();
  const patroni = createFakePatroni({ clock, moveMs: 20_000, ...options });
  const postgres = createFakePostgres({
    replicas: [{ name: 'pg-1', state: 'streaming', syncState: 'async', replayLagBytes: 4_096 }],
  });
  const kubernetes = createFakeKubernetes({ clock });
  kubernetes.pods.push(aPod({ name: 'pg-0', uid: 'uid-pg-0', labels: { app: 'postgres' } }));
  const podExec = createFakePodExec();
  const deedsAt: { readonly deed: string; readonly at: number }[] = [];
  podExec.onDeed = (deed) => {
    deedsAt.push({ deed, at: clock.monotonic() });
    if (deed.startsWith('KILL')) patroni.crash();
  };
  return {
    clock,
    patroni,
    postgres,
    kubernetes,
    podExec,
    deedsAt,
    doors: { clock, patroni, postgres, kubernetes, podExec, postgresTarget: target },
  };
}

describe('postgres/failover frozen-walsender', () => {
  test('freezes the WAL senders, and after the time of the plan stops Patroni and kills the server', async () => {
    const { doors, deedsAt } = aCluster();
    const bench = createBench(doors);
    const { plan, proof, injection, undo } = await disturb(failover, spec, bench);
    expect(plan.target).toContain(
      'freezing the WAL senders in pod pg-0, 3 s later stopping Patroni and killing the server there',
    );
    expect(plan.prediction).toContain('asynchronous: what is acknowledged in the 3 s before the crash is lost');
    const deeds = deedsAt.filter(({ deed }) => deed !== 'list');
    expect(deeds.map(({ deed }) => deed)).toEqual(['STOP 31', 'STOP 7', 'KILL server 21']);
    expect((deeds[1]?.at ?? 0) - (deeds[0]?.at ?? 0)).toBe(3_000);
    expect(injection.detail).toBe(
      'WAL senders of pg-0 stopped (1 process); behind at the crash: pg-1 4096 bytes; Patroni of pg-0 stopped and its server killed',
    );
    expect(proof.proven).toBe(true);
    expect(undo.data.processes).toEqual({ patroni: ['7:70'], postmaster: '21:210', walsenders: ['31:310'] });
    const revert = await failover.revert(JSON.parse(JSON.stringify(undo)), doors, { timeoutMs: 60_000 });
    expect(revert).toMatchObject({
      complete: true,
      detail: expect.stringContaining('were ended, to start afresh'),
    });
  });

  test('in synchronous mode predicts that nothing is lost', async () => {
    const { doors } = aCluster({ synchronous: true, members: syncPair() });
    expect((await failover.plan(spec, doors)).prediction).toContain(
      'synchronous: commits wait during the freeze of 3 s, no acknowledged write may be lost',
    );
  });

  test('stopped between freeze and crash: nothing is killed, and the revert lets the senders go on', async () => {
    const { doors, podExec } = aCluster();
    const stop = new AbortController();
    const bench = createBench(doors, stop.signal);
    podExec.onDeed = (deed) => {
      if (deed.startsWith('STOP')) void doors.clock.sleep(1_000).then(() => stop.abort(new Error('stopped')));
    };
    const plan = await failover.plan(spec, bench);
    await expect(failover.inject(spec, plan, bench, () => bench.story.push('started'))).rejects.toThrow('stopped');
    expect(bench.story).toEqual(['undo on disk', 'started']);
    expect(podExec.deeds.some((deed) => deed.startsWith('KILL'))).toBe(false);
    const [undo] = bench.undone;
    if (undo === undefined) throw new Error('no undo');
    const revert = await failover.revert(undo, doors, { timeoutMs: 60_000 });
    expect(revert).toMatchObject({ complete: true, detail: expect.stringContaining('(it is the primary)') });
    expect(podExec.processes.map(({ state }) => state)).toEqual(['S', 'S', 'S', 'S']);
  });

  test('is refused when nobody replicates from the primary', async () => {
    const { doors, podExec } = aCluster();
    podExec.processes = podExec.processes.filter(({ pid }) => pid !== 31);
    await expect(failover.plan(spec, doors)).rejects.toThrow('no WAL sender runs in pod pg-0');
  });

  test('by programs of the plan: freezes, waits, and crashes as the mode crash does', async () => {
    const { doors, kubernetes, patroni } = aCluster();
    const commands = createFakeCommands();
    const { deletePod } = kubernetes;
    kubernetes.deletePod = async (name, options) => {
      await deletePod(name, options);
      patroni.crash();
    };
    const postgresTarget = { ...target, commands: { freezeWalsenders: ['freeze'], thawWalsenders: ['thaw'] } };
    const { proof, undo } = await disturb(failover, spec, createBench({ ...doors, commands, postgresTarget }));
    expect(proof.proven).toBe(true);
    expect(kubernetes.deletions).toEqual([{ name: 'pg-0', uid: 'uid-pg-0', graceSeconds: 0 }]);
    await failover.revert(undo, { ...doors, commands }, { timeoutMs: 60_000 });
    expect(commands.calls).toEqual([['freeze'], ['thaw']]);
  });
});

function syncPair() {
  const member = {
    name: 'pg-0',
    role: 'primary',
    state: 'running',
    host: '127.0.0.1',
    port: 5432,
    apiUrl: 'http://127.0.0.1:8008/patroni',
    timeline: 1,
    lagBytes: null,
  } as const;
  return [member, { ...member, name: 'pg-1', role: 'sync_standby', state: 'streaming', lagBytes: 0 } as const];
}

describe('postgres/failover crash', () => {
  test('a server that was started anew on the spot is a crash that happened, told as no failover', async () => {
    const { clock, patroni, kubernetes } = aCluster();
    const member = createFakePostgres({ startedServerAt: 1_000 });
    kubernetes.deletePod = async () => {
      member.down = 'connection refused';
      void clock.sleep(4_000).then(() => {
        member.down = null;
        member.status = { ...member.status, startedServerAt: 9_000 };
      });
    };
    const doors = { clock, patroni, kubernetes, postgresTarget: target, postgresStandbys: [member] };
    const { proof } = await disturb(failover, { ...spec, mode: 'crash' }, createBench(doors));
    expect(proof).toEqual({
      proven: true,
      evidence: [
        'the server of pg-0 was started anew and takes writes again at 127.0.0.1:5432/erp',
        'no failover: it is the primary again, on timeline 1, as it was back before the leader key ran out',
      ],
    });
  });

  test('kills Patroni and the server inside the pod before it is deleted, so that nobody hands over', async () => {
    const { doors, podExec, kubernetes, patroni } = aCluster();
    const { deletePod } = kubernetes;
    kubernetes.deletePod = async (name, options) => {
      podExec.deeds.push(`delete ${name}`);
      await deletePod(name, options);
    };
    podExec.onDeed = (deed) => {
      if (deed.startsWith('KILL')) patroni.crash();
    };
    const { plan, injection, proof, undo } = await disturb(failover, { ...spec, mode: 'crash' }, createBench(doors));
    expect(plan.target).toContain('by killing Patroni and the server in it, and force-deleting pod pg-0');
    expect(plan.prediction).not.toContain('hand over');
    expect(podExec.deeds.filter((deed) => deed !== 'list')).toEqual(['STOP 7', 'KILL server 21', 'delete pg-0']);
    expect(injection.detail).toBe('Patroni stopped and the server killed in pod pg-0, pod pg-0 deleted with grace period 0');
    expect(proof.proven).toBe(true);
    const revert = await failover.revert(undo, doors, { timeoutMs: 60_000 });
    expect(revert.detail).toContain('pod pg-0 is another by now');
  });

  test('deletes the pod alone where no program runs in it, and says that this may be no crash', async () => {
    const { doors, podExec, kubernetes, patroni } = aCluster();
    podExec.down = 'running "sh" in pod pg-0: no shell';
    const { deletePod } = kubernetes;
    kubernetes.deletePod = async (name, options) => {
      await deletePod(name, options);
      patroni.crash();
    };
    const { plan, proof } = await disturb(failover, { ...spec, mode: 'crash' }, createBench(doors));
    expect(plan.prediction).toMatch(/hand over instead, which is no crash: .*no shell\)$/);
    expect(proof.proven).toBe(true);
  });

  test('a program of the plan comes before the pod', async () => {
    const { doors, kubernetes, patroni } = aCluster();
    const commands = createFakeCommands({ onRun: () => patroni.crash() });
    const postgresTarget = { ...target, commands: { crash: ['kill-primary'] } };
    const { proof } = await disturb(failover, { ...spec, mode: 'crash' }, createBench({ ...doors, commands, postgresTarget }));
    expect(proof.proven).toBe(true);
    expect(kubernetes.deletions).toEqual([]);
  });

  test('a primary that promoted itself again is back, without waiting for the leader key to run out', async () => {
    const { doors, clock, patroni } = aCluster();
    const { fetchCluster } = patroni;
    patroni.fetchCluster = async (options) => {
      const cluster = await fetchCluster(options);
      return { ...cluster, members: cluster.members.map((member) => ({ ...member, timeline: 2 })) };
    };
    const undo = {
      id: 'u',
      fault: 'f',
      kind: 'postgres/failover',
      action: '',
      data: { driver: 'patroni', mode: 'crash', oldPrimary: 'pg-0', timeline: 1, standbys: 1 },
    } as const;
    const before = clock.monotonic();
    expect(await failover.revert(undo, doors, { timeoutMs: 60_000 })).toMatchObject({ complete: true });
    expect(clock.monotonic() - before).toBeLessThan(2_000);
  });

  test('a kill that did nothing is not proven', async () => {
    const { clock, patroni, kubernetes } = aCluster();
    kubernetes.deletePod = async () => undefined;
    const member = createFakePostgres({ startedServerAt: 1_000 });
    const doors = { clock, patroni, kubernetes, postgresTarget: target, postgresStandbys: [member] };
    expect((await disturb(failover, { ...spec, mode: 'crash' }, createBench(doors))).proof.proven).toBe(false);
  });
});
