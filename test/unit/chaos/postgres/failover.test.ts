import { describe, expect, test } from 'vitest';
import { failover } from '../../../../chaos/postgres/failover.ts';
import type { PostgresFailoverSpec, PostgresTarget } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeCommands } from '../../../fakes/fake-commands.ts';
import { aPod, createFakeKubernetes } from '../../../fakes/fake-kubernetes.ts';
import { aMember, aStandby, createFakePatroni, type FakePatroniOptions } from '../../../fakes/fake-patroni.ts';
import { createFakePostgres } from '../../../fakes/fake-postgres.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';

const spec = (mode: PostgresFailoverSpec['mode']): PostgresFailoverSpec => ({
  kind: 'postgres/failover',
  id: 'move',
  atMs: 0,
  proveWithinMs: 30_000,
  revertWithinMs: 30_000,
  mode,
});

const patroniTarget: PostgresTarget = { driver: 'patroni', patroniUrls: ['http://127.0.0.1:8008'] };

function aCluster(options: Omit<FakePatroniOptions, 'clock'> = {}) {
  const clock = createFakeClock();
  const patroni = createFakePatroni({ clock, ...options });
  const postgres = createFakePostgres();
  return { clock, patroni, postgres, doors: { clock, patroni, postgres, postgresTarget: patroniTarget } };
}

describe('postgres/failover through Patroni', () => {
  test('switches over, proves a new writable primary on a higher timeline, and waits for the old one to follow', async () => {
    const { patroni, doors } = aCluster();
    const bench = createBench(doors);
    const { plan, proof, injection, undo } = await disturb(failover, spec('switchover'), bench);
    expect(patroni.requests).toEqual(['switchover pg-0 -']);
    expect(plan.prediction).toContain('loop_wait 1 s');
    expect(injection.detail).toBe('Successfully moved');
    expect(proof).toEqual({
      proven: true,
      evidence: ['primary was pg-0, is pg-1', 'timeline was 1, is 2', '127.0.0.1:5432/erp takes writes'],
    });
    expect(bench.story).toEqual(['undo on disk', 'started']);
    const revert = await failover.revert(JSON.parse(JSON.stringify(undo)), doors, { timeoutMs: 30_000 });
    expect(revert).toEqual({ complete: true, detail: 'pg-0: replica, streaming, timeline 2, lag 0 bytes' });
  });

  test('a forced failover names the synchronous standby before a nearer one', async () => {
    const members = [aMember(), aStandby({ lagBytes: 0 }), aStandby({ name: 'pg-2', role: 'sync_standby', lagBytes: 100 })];
    const { patroni, doors } = aCluster({ members });
    await disturb(failover, spec('failover'), createBench(doors));
    expect(patroni.requests).toEqual(['failover pg-2']);
  });

  test('a crash force-deletes the pod named like the leader and predicts the wait from ttl', async () => {
    const { clock, patroni, doors } = aCluster();
    const kubernetes = createFakeKubernetes({ clock });
    kubernetes.pods.push(aPod({ name: 'pg-0', uid: 'uid-pg-0', labels: { app: 'postgres' } }));
    const deletePod = kubernetes.deletePod;
    kubernetes.deletePod = async (name, options) => {
      await deletePod(name, options);
      patroni.crash();
    };
    const { plan, proof } = await disturb(failover, spec('crash'), createBench({ ...doors, kubernetes }));
    expect(kubernetes.deletions).toEqual([{ name: 'pg-0', uid: 'uid-pg-0', graceSeconds: 0 }]);
    expect(plan.prediction).toContain('19 to 22 s');
    expect(proof.proven).toBe(true);
  });

  test('a crash falls back to the command of the plan, and is refused by name without one', async () => {
    const { patroni, doors } = aCluster();
    const commands = createFakeCommands({ onRun: () => patroni.crash() });
    const withCommand = { ...doors, commands, postgresTarget: { ...patroniTarget, commands: { crash: ['kill-primary', '-9'] } } };
    const { proof } = await disturb(failover, spec('crash'), createBench(withCommand));
    expect(commands.calls).toEqual([['kill-primary', '-9']]);
    expect(proof.proven).toBe(true);
    await expect(failover.plan(spec('crash'), aCluster().doors)).rejects.toMatchObject({
      code: 'ERR_FAULT_UNSUPPORTED',
      message: expect.stringContaining('postgres.commands.crash is not set'),
    });
  });

  test.each([
    ['is paused', { paused: true }],
    ['no primary', { members: [aStandby()] }],
    ['no healthy standby', { members: [aMember()] }],
    ['no healthy standby', { members: [aMember(), aStandby({ state: 'starting' })] }],
    ['no healthy standby', { members: [aMember({ timeline: 2 }), aStandby({ timeline: 1 })] }],
    ['no healthy standby', { members: [aMember(), aStandby({ lagBytes: 1e9 })] }],
    ['is synchronous, but no standby is', { synchronous: true }],
  ] satisfies [string, Omit<FakePatroniOptions, 'clock'>][])('refuses a cluster that %s', async (words, options) => {
    const { doors } = aCluster(options);
    await expect(failover.plan(spec('switchover'), doors)).rejects.toMatchObject({
      code: 'ERR_FAULT_UNSUPPORTED',
      message: expect.stringContaining(words),
    });
  });

  test('a refusal of Patroni keeps its words and never counts as started', async () => {
    const { doors } = aCluster({ refusal: 'candidate name does not match with sync_standby' });
    const bench = createBench(doors);
    const plan = await failover.plan(spec('switchover'), bench);
    await expect(failover.inject(spec('switchover'), plan, bench, () => bench.story.push('started'))).rejects.toThrow(
      'sync_standby (412)',
    );
    expect(bench.story).toEqual(['undo on disk']);
  });

  test('is not proven when the timeline stays', async () => {
    const { doors } = aCluster({ moveDoesNothing: true });
    const { proof } = await disturb(failover, spec('switchover'), createBench(doors));
    expect(proof.proven).toBe(false);
    expect(proof.evidence[0]).toContain('pg-0: primary, running, timeline 1');
  });

  test('is not proven when no member takes writes', async () => {
    const { postgres, doors } = aCluster();
    postgres.writable = false;
    const { proof } = await disturb(failover, spec('switchover'), createBench(doors));
    expect(proof.proven).toBe(false);
    expect(proof.evidence[0]).toContain('takes writes: no member');
  });

  test('a revert waits for Patroni to answer again instead of giving up at once', async () => {
    const { patroni, doors } = aCluster();
    const { undo } = await disturb(failover, spec('switchover'), createBench(doors));
    const { fetchConfig } = patroni;
    let refused = 3;
    patroni.fetchConfig = async () => {
      refused -= 1;
      if (refused >= 0) throw new Error('read ECONNRESET');
      return fetchConfig();
    };
    expect(await failover.revert(undo, doors, { timeoutMs: 20_000 })).toMatchObject({ complete: true });
    expect(refused).toBeLessThan(0);
  });

  test('says that the old primary is no healthy standby when it does not come back', async () => {
    const { patroni, doors } = aCluster({ rejoinMs: null });
    patroni.reinitialize = async () => 'reinitialize started';
    const { undo } = await disturb(failover, spec('switchover'), createBench(doors));
    const revert = await failover.revert(undo, doors, { timeoutMs: 20_000 });
    expect(revert.complete).toBe(false);
    expect(revert.detail).toContain('pg-0 is not a healthy standby again');
  });

  test('a standby that Patroni calls running, but that does not stream, is no standby yet', async () => {
    const { patroni, postgres, doors, clock } = aCluster();
    const { undo } = await disturb(failover, spec('switchover'), createBench(doors));
    const { fetchCluster } = patroni;
    patroni.fetchCluster = async (options) => {
      const cluster = await fetchCluster(options);
      return { ...cluster, members: cluster.members.map((member) => ({ ...member, state: 'running' })) };
    };
    const [standby] = postgres.status.replicas;
    postgres.status = { ...postgres.status, replicas: [] };
    expect(await failover.revert(undo, doors, { timeoutMs: 10_000 })).toMatchObject({
      complete: false,
      detail: expect.stringContaining('0 of 1 standbys stream'),
    });
    void clock.sleep(2_000).then(() => {
      postgres.status = { ...postgres.status, replicas: standby === undefined ? [] : [standby] };
    });
    expect(await failover.revert(undo, doors, { timeoutMs: 20_000 })).toMatchObject({ complete: true });
  });

  test('a synchronous cluster is not back before a standby is synchronous again', async () => {
    const { patroni, doors } = aCluster({ synchronous: true, members: [aMember(), aStandby({ role: 'sync_standby' })] });
    const { undo } = await disturb(failover, spec('switchover'), createBench(doors));
    expect(await failover.revert(undo, doors, { timeoutMs: 10_000 })).toMatchObject({ complete: false });
    const { fetchCluster } = patroni;
    patroni.fetchCluster = async (options) => {
      const cluster = await fetchCluster(options);
      return {
        ...cluster,
        members: cluster.members.map((member) => ({ ...member, role: member.role === 'replica' ? 'sync_standby' : member.role })),
      };
    };
    expect(await failover.revert(undo, doors, { timeoutMs: 20_000 })).toMatchObject({ complete: true });
  });

  test('a user who may not see who streams does not hold up the revert', async () => {
    const { postgres, doors } = aCluster();
    const { undo } = await disturb(failover, spec('switchover'), createBench(doors));
    postgres.status = { ...postgres.status, replicas: [{ name: '', state: '', syncState: '', replayLagBytes: 0 }] };
    expect(await failover.revert(undo, doors, { timeoutMs: 20_000 })).toMatchObject({ complete: true });
  });

  test('clones an old primary anew that cannot start, once', async () => {
    const { patroni, doors } = aCluster({ rejoinMs: null });
    const { undo } = await disturb(failover, spec('switchover'), createBench(doors));
    const revert = await failover.revert(undo, doors, { timeoutMs: 20_000 });
    expect(revert).toMatchObject({ complete: true, detail: expect.stringContaining('re-cloned') });
    expect(patroni.requests.filter((request) => request.startsWith('reinitialize'))).toEqual(['reinitialize pg-0']);
  });

  test('reverts when cancelled midway through the move, and does not believe too early that nothing moved', async () => {
    const { clock, doors } = aCluster({ moveMs: 5_000 });
    const stop = new AbortController();
    const bench = createBench(doors, stop.signal);
    const plan = await failover.plan(spec('crash'), {
      ...bench,
      commands: createFakeCommands(),
      postgresTarget: { ...patroniTarget, commands: { crash: ['x'] } },
    });
    const { patroni } = doors;
    const crashed = createBench({ ...bench, commands: createFakeCommands({ onRun: () => patroni.crash() }) }, stop.signal);
    await failover.inject(spec('crash'), plan, crashed, () => {});
    stop.abort();
    const before = clock.monotonic();
    const [undo] = crashed.undone;
    if (undo === undefined) throw new Error('no undo');
    const revert = await failover.revert(undo, doors, { timeoutMs: 30_000 });
    expect(revert).toMatchObject({ complete: true, detail: expect.stringContaining('timeline 2') });
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(5_000);
  });

  test('a move that never happened needs nothing but a healthy cluster', async () => {
    const { doors } = aCluster({ refusal: 'no' });
    const bench = createBench(doors);
    const plan = await failover.plan(spec('switchover'), bench);
    await expect(failover.inject(spec('switchover'), plan, bench, () => {})).rejects.toThrow();
    const [undo] = bench.undone;
    if (undo === undefined) throw new Error('no undo');
    const revert = await failover.revert(undo, doors, { timeoutMs: 30_000 });
    expect(revert).toMatchObject({ complete: true, detail: expect.stringContaining('(it is the primary)') });
  });
});

describe('postgres/failover through commands of the plan', () => {
  const target: PostgresTarget = {
    driver: 'command',
    connection: { url: 'postgres://odoo@127.0.0.1:5432/erp', standbyUrls: [] },
    commands: { switchover: ['move', '--now'], rejoin: ['rejoin'] },
  };

  function aDatabase(options: { exitCode?: number; doesNothing?: boolean } = {}) {
    const clock = createFakeClock();
    const postgres = createFakePostgres();
    const commands = createFakeCommands({
      ...(options.exitCode === undefined ? {} : { exitCode: options.exitCode }),
      onRun: () => {
        if (options.doesNothing !== true) postgres.status = { ...postgres.status, timeline: 2, replicas: [] };
      },
    });
    return { clock, postgres, commands, doors: { clock, postgres, commands, postgresTarget: target } };
  }

  test('runs the program, proves by timeline and a write, and rejoins by the program of the plan', async () => {
    const { postgres, commands, doors } = aDatabase();
    const { plan, proof, undo } = await disturb(failover, spec('switchover'), createBench(doors));
    expect(plan.undo).toContain('"rejoin"');
    expect(proof).toEqual({ proven: true, evidence: ['timeline was 1, is 2', '127.0.0.1:5432/erp takes writes'] });
    const rejoined = { name: 's0', state: 'streaming', syncState: 'async', replayLagBytes: 0 };
    const run = commands.run;
    commands.run = async (...args) => {
      const result = await run(...args);
      postgres.status = { ...postgres.status, replicas: [rejoined] };
      return result;
    };
    const revert = await failover.revert(JSON.parse(JSON.stringify(undo)), doors, { timeoutMs: 10_000 });
    expect(revert).toMatchObject({ complete: true, detail: expect.stringContaining('1 healthy standbys, 1 before') });
    expect(commands.calls).toEqual([['move', '--now'], ['rejoin']]);
  });

  test('is refused by name when the plan has no program for the mode', async () => {
    await expect(failover.plan(spec('crash'), aDatabase().doors)).rejects.toMatchObject({
      code: 'ERR_FAULT_UNSUPPORTED',
      message: expect.stringContaining('postgres.commands.crash'),
    });
  });

  test('is refused when the address leads to a standby', async () => {
    const { postgres, doors } = aDatabase();
    postgres.status = { ...postgres.status, inRecovery: true };
    await expect(failover.plan(spec('switchover'), doors)).rejects.toThrow('is a standby');
  });

  test('a program that fails is an error with its last line', async () => {
    const { doors } = aDatabase({ exitCode: 3 });
    await expect(disturb(failover, spec('switchover'), createBench(doors))).rejects.toThrow('exit code 3: it went wrong');
  });

  test('is not proven when the program did nothing', async () => {
    const { doors } = aDatabase({ doesNothing: true });
    expect((await disturb(failover, spec('switchover'), createBench(doors))).proof.proven).toBe(false);
  });

  test('a server that was started anew counts, timeline or not: some services replicate by storage', async () => {
    const { postgres, commands, doors } = aDatabase({ doesNothing: true });
    postgres.status = { ...postgres.status, startedServerAt: 1_000 };
    const run = commands.run;
    commands.run = async (...args) => {
      postgres.status = { ...postgres.status, startedServerAt: 9_000 };
      return run(...args);
    };
    const { proof } = await disturb(failover, spec('switchover'), createBench(doors));
    expect(proof.proven).toBe(true);
    expect(proof.evidence[0]).toContain('started anew; timeline 1 stays: another instance on the same storage');
  });

  test('says that no standby streams again', async () => {
    const { doors } = aDatabase();
    const { undo } = await disturb(failover, spec('switchover'), createBench(doors));
    const revert = await failover.revert(undo, doors, { timeoutMs: 5_000 });
    expect(revert).toMatchObject({ complete: false, detail: expect.stringContaining('0 of 1 standbys healthy') });
  });
});
