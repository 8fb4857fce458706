import { describe, expect, test } from 'vitest';
import { sentinelFailover } from '../../../../chaos/redis/sentinel-failover.ts';
import type { ApiObject, CustomObjectsPort } from '../../../../src/clients/ports.ts';
import type { SentinelFailoverSpec } from '../../../../src/model/plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeCommands } from '../../../fakes/fake-commands.ts';
import { aPod, createFakeKubernetes } from '../../../fakes/fake-kubernetes.ts';
import { createFakeSentinel, type FakeSentinelOptions } from '../../../fakes/fake-sentinel.ts';
import { createBench, disturb } from '../../../fakes/fault-bench.ts';

const MASTER = '10.0.0.1:6379';

const spec = (mode: SentinelFailoverSpec['mode']): SentinelFailoverSpec => ({
  kind: 'redis/sentinel-failover',
  id: 'move',
  mode,
  atMs: 0,
  proveWithinMs: 20_000,
  revertWithinMs: 60_000,
});

function aGroup(options: Partial<FakeSentinelOptions> = {}) {
  const clock = createFakeClock();
  const sentinel = createFakeSentinel({ clock, ...options });
  const commands = createFakeCommands({ onRun: () => sentinel.kill(MASTER) });
  const redisTarget = { url: 'redis://10.0.0.1:6379', commands: { crash: ['kill-redis', 'now'] } };
  const bench = createBench({ clock, sentinel, commands, redisTarget });
  const server = (address: string) => {
    const found = sentinel.servers.get(address);
    if (found === undefined) throw new Error(`no server ${address}`);
    return found;
  };
  const revert = (undo: Parameters<typeof sentinelFailover.revert>[0], timeoutMs = 60_000) =>
    sentinelFailover.revert(JSON.parse(JSON.stringify(undo)), bench, { timeoutMs });
  return { clock, sentinel, commands, bench, server, revert };
}

describe('redis/sentinel-failover', () => {
  test('planned: proven by Sentinel, by the new master itself and by the epoch, and tells of two masters', async () => {
    const { bench, sentinel, revert } = aGroup();
    const { plan, proof, undo } = await disturb(sentinelFailover, spec('planned'), bench);
    expect(bench.story).toEqual(['undo on disk', 'started']);
    expect(plan.target).toContain(`master ${MASTER}`);
    expect(plan.prediction).toMatch(/acknowledges writes of clients that stay until it is demoted.*nothing bounds that loss/);
    expect(proof.proven).toBe(true);
    expect(proof.evidence.join('\n')).toMatch(/names 10\.0\.0\.2:6379, which says of itself that it is the master/);
    expect(proof.evidence.join('\n')).toMatch(/config epoch was 7, is 8/);
    expect(proof.evidence.join('\n')).toMatch(/10\.0\.0\.1:6379 says so as well for now/);
    expect(await revert(undo)).toMatchObject({ complete: true, detail: expect.stringContaining('2 replicas follow it') });
    expect(sentinel.servers.get(MASTER)?.role).toBe('replica');
    expect(await revert(undo)).toMatchObject({ complete: true });
  });

  test('is not proven by a Sentinel alone: the server it names must say that it is the master', async () => {
    const { bench } = aGroup({ neverPromoted: true });
    const { proof } = await disturb(sentinelFailover, spec('planned'), bench);
    expect(proof).toMatchObject({ proven: false, evidence: [expect.stringMatching(/newMaster.*10\.0\.0\.2:6379: replica/)] });
  });

  test('is not proven when nothing moves, and then nothing has to be undone', async () => {
    const { bench, sentinel, revert } = aGroup({ failoverDoesNothing: true });
    const { proof, undo } = await disturb(sentinelFailover, spec('planned'), bench);
    expect(proof.proven).toBe(false);
    sentinel.flags = ['master'];
    expect(await revert(undo)).toMatchObject({
      complete: true,
      detail: expect.stringContaining(`${MASTER} is the master, as before`),
    });
  });

  test('safe-planned: pauses writes, waits for the replicas, moves, sends the clients away, and lets them go on', async () => {
    const { bench, sentinel } = aGroup();
    const { injection, proof } = await disturb(sentinelFailover, spec('safe-planned'), bench);
    expect(sentinel.log).toEqual([
      `${MASTER} CLIENT PAUSE 10000 WRITE`,
      'SENTINEL FAILOVER',
      `${MASTER} REPLICAOF 10.0.0.2 6379`,
      `${MASTER} CLIENT KILL TYPE normal SKIPME yes`,
      `${MASTER} CLIENT UNPAUSE`,
    ]);
    expect(injection.detail).toMatch(/writes were paused for 1\d{3} ms/);
    expect(proof.evidence.join()).not.toContain('as well');
    expect(sentinel.paused.size).toBe(0);
  });

  test('safe-planned: the pause outlasts a Sentinel that takes its time', async () => {
    const { bench, sentinel } = aGroup({ promoteMs: 14_000 });
    const { injection } = await disturb(sentinelFailover, spec('safe-planned'), bench);
    expect(sentinel.log.filter((line) => line.endsWith('PAUSE 10000 WRITE')).length).toBeGreaterThan(2);
    expect(sentinel.log.findLastIndex((line) => line.includes(' PAUSE '))).toBeLessThan(
      sentinel.log.findIndex((line) => line.includes('REPLICAOF')),
    );
    expect(injection.detail).toMatch(/writes were paused for 14\d{3} ms/);
    expect(sentinel.paused.size).toBe(0);
  });

  test('safe-planned: a replica that does not catch up ends it, and nobody stays paused', async () => {
    const { bench, sentinel, server } = aGroup();
    server('10.0.0.3:6379').offset = 60;
    await expect(disturb(sentinelFailover, spec('safe-planned'), bench)).rejects.toThrow(/replicasCaughtUp.*60 of 100/);
    expect(sentinel.paused.size).toBe(0);
    expect(sentinel.log).not.toContain('SENTINEL FAILOVER');
  });

  test('safe-planned: the revert alone ends the pause that a killed harness left', async () => {
    const { bench, sentinel, revert } = aGroup();
    const { undo } = await disturb(sentinelFailover, spec('safe-planned'), bench);
    sentinel.paused.add(MASTER);
    expect(await revert(undo)).toMatchObject({ complete: true, detail: expect.stringContaining('is paused') });
    expect(sentinel.paused.size).toBe(0);
  });

  test('crash by command: the program learns the address, and the revert says that the old master is not back', async () => {
    const { bench, commands, sentinel, server, revert } = aGroup();
    const { plan, proof, undo } = await disturb(sentinelFailover, spec('crash'), bench);
    expect(plan.prediction).toContain('down-after-milliseconds 1000');
    expect(commands.calls).toEqual([['kill-redis', 'now']]);
    expect(proof.proven).toBe(true);
    expect(await revert(undo, 5_000)).toMatchObject({
      complete: false,
      detail: expect.stringMatching(/1 of 2 replicas follow 10\.0\.0\.2:6379; the former master 10\.0\.0\.1:6379 is not back/),
    });
    Object.assign(server(MASTER), { down: false, role: 'replica', master: sentinel.master });
    expect(await revert(undo)).toMatchObject({ complete: true });
  });

  test('a revert says which quorum, which master and which replica are missing', async () => {
    const { bench, sentinel, server, revert } = aGroup();
    const { undo } = await disturb(sentinelFailover, spec('planned'), bench);
    sentinel.quorum = false;
    server('10.0.0.3:6379').linkUp = false;
    const { complete, detail } = await revert(undo, 15_000);
    expect(complete).toBe(false);
    expect(detail).toMatch(/1 of 2 replicas follow.*no quorum: NOQUORUM/);
  });

  test.each([
    ['without a quorum', (group: ReturnType<typeof aGroup>) => Object.assign(group.sentinel, { quorum: false }), /no quorum/],
    [
      'without a replica that could take over',
      (group: ReturnType<typeof aGroup>) => {
        group.server('10.0.0.2:6379').linkUp = false;
        group.server('10.0.0.3:6379').priority = 0;
      },
      /no replica could take over \(10\.0\.0\.2:6379 slave, link down; 10\.0\.0\.3:6379 slave\)/,
    ],
    [
      'during a failover',
      (group: ReturnType<typeof aGroup>) => Object.assign(group.sentinel, { flags: ['master', 'failover_in_progress'] }),
      /failover is in progress/,
    ],
    [
      'with a master that is down already',
      (group: ReturnType<typeof aGroup>) => Object.assign(group.sentinel, { flags: ['master', 's_down'] }),
      /is down in the eyes of Sentinel/,
    ],
    [
      'when Sentinel takes one server for two',
      (group: ReturnType<typeof aGroup>) => {
        group.server('10.0.0.3:6379').runId = 'run of 10.0.0.1:6379';
      },
      /10\.0\.0\.1:6379 and 10\.0\.0\.3:6379 are one server/,
    ],
    [
      'when the announced master cannot be reached from here',
      (group: ReturnType<typeof aGroup>) => group.sentinel.servers.delete(MASTER),
      /ECONNREFUSED/,
    ],
  ])('is refused %s, before anything is touched', async (_, arrange, message) => {
    const group = aGroup();
    arrange(group);
    await expect(sentinelFailover.plan(spec('planned'), group.bench)).rejects.toThrow(message);
    expect(group.sentinel.log).toEqual([]);
  });

  test('is refused when the master would come back under another address, and not when it announces the same', async () => {
    const { bench, sentinel } = aGroup({ announces: '10.42.0.9' });
    await expect(sentinelFailover.plan(spec('planned'), bench)).rejects.toThrow(
      /knows the master as 10\.0\.0\.1:6379, but it will announce itself as 10\.42\.0\.9/,
    );
    expect(sentinel.log).toEqual([]);
    await sentinelFailover.plan(spec('planned'), aGroup({ announces: '10.0.0.1' }).bench);
  });

  test('a revert does not call a group whole in which one server counts twice', async () => {
    const { bench, server, revert } = aGroup();
    const { undo } = await disturb(sentinelFailover, spec('planned'), bench);
    server('10.0.0.3:6379').runId = 'run of 10.0.0.2:6379';
    expect(await revert(undo, 15_000)).toMatchObject({ complete: false, detail: expect.stringContaining('are one server') });
  });

  test('says what bounds the loss when the servers are set up for it', async () => {
    const { bench } = aGroup({ minReplicasToWrite: 1 });
    const { prediction } = await sentinelFailover.plan(spec('planned'), bench);
    expect(prediction).toContain('min-replicas-to-write 1: it refuses writes 10 s after its replicas have left');
  });
});

describe('redis/sentinel-failover: the pod of the master', () => {
  function onKubernetes(fields: {
    readonly ip?: string;
    readonly name?: string;
    readonly services?: readonly ApiObject[];
    readonly denied?: readonly string[];
    readonly shutdown?: 'old' | 'forbidden';
  }) {
    const clock = createFakeClock();
    const sentinel = createFakeSentinel({ clock, ...(fields.shutdown && { shutdown: fields.shutdown }) });
    const kubernetes = createFakeKubernetes({ clock, replicas: 0, ...(fields.denied && { denied: fields.denied }) });
    const { ip, name = 'redis-0' } = fields;
    const labels = { app: 'redis', 'statefulset.kubernetes.io/pod-name': name };
    kubernetes.pods.push(aPod({ name, uid: 'uid-redis-0', ready: true, createdServerAt: 1, labels, ...(ip && { ip }) }));
    const { deletePod } = kubernetes;
    kubernetes.deletePod = async (pod, options) => {
      sentinel.kill(MASTER);
      return deletePod(pod, options);
    };
    const customObjects = { list: async () => fields.services ?? [] } as unknown as CustomObjectsPort;
    return { kubernetes, sentinel, bench: createBench({ clock, sentinel, kubernetes, customObjects }) };
  }
  const service = (clusterIP: string): ApiObject => ({
    spec: { clusterIP, selector: { 'statefulset.kubernetes.io/pod-name': 'redis-0' } },
  });

  test.each([
    ['its own address', { ip: '10.0.0.1' }],
    ['the address of the Service before it', { ip: '10.9.9.9', services: [service('10.0.0.7'), service('10.0.0.1')] }],
  ])('is found by %s and deleted by UID', async (_, fields) => {
    const { bench, kubernetes, sentinel } = onKubernetes(fields);
    const { plan, proof, undo } = await disturb(sentinelFailover, spec('crash'), bench);
    expect(plan.target).toContain('force-deleting pod redis-0');
    expect(sentinel.log).toEqual([`${MASTER} SHUTDOWN NOSAVE NOW FORCE`]);
    expect(kubernetes.deletions).toEqual([{ name: 'redis-0', uid: 'uid-redis-0', graceSeconds: 0 }]);
    expect(proof.proven).toBe(true);
    expect(undo.data).toMatchObject({ pod: 'redis-0' });
  });

  test.each([
    ['old', [`${MASTER} SHUTDOWN NOSAVE NOW FORCE`, `${MASTER} SHUTDOWN NOSAVE`], 'SHUTDOWN NOSAVE; pod redis-0'],
    ['forbidden', [`${MASTER} SHUTDOWN NOSAVE NOW FORCE`], 'SHUTDOWN was refused'],
  ] as const)('of a server that is %s is ended as far as it lets itself be', async (shutdown, log, detail) => {
    const { bench, kubernetes, sentinel } = onKubernetes({ ip: '10.0.0.1', shutdown });
    const { injection, proof } = await disturb(sentinelFailover, spec('crash'), bench);
    expect(sentinel.log).toEqual(log);
    expect(injection.detail).toContain(detail);
    expect([kubernetes.deletions.length, proof.proven]).toEqual([1, true]);
  });

  test('that comes back under a new address counts by the number of replicas; the address that is gone is told', async () => {
    const { bench, sentinel } = onKubernetes({ ip: '10.0.0.1' });
    const { undo } = await disturb(sentinelFailover, spec('crash'), bench);
    const early = await sentinelFailover.revert(undo, bench, { timeoutMs: 3_000 });
    expect(early).toMatchObject({ complete: false, detail: expect.stringContaining('1 of 2 replicas follow') });
    sentinel.servers.set('10.0.0.4:6379', {
      role: 'replica',
      master: sentinel.master,
      linkUp: true,
      offset: 100,
      down: false,
      priority: 100,
    });
    const late = await sentinelFailover.revert(undo, bench, { timeoutMs: 30_000 });
    expect(late).toMatchObject({
      complete: true,
      detail: expect.stringContaining('Sentinel still lists 10.0.0.1:6379, which nobody answers at'),
    });
  });

  test('that cannot be found is refused, unless a command is given', async () => {
    const { bench } = onKubernetes({ ip: '10.9.9.9' });
    await expect(sentinelFailover.plan(spec('crash'), bench)).rejects.toThrow(
      /no pod or Service.*redis\.commands\.crash is not set/,
    );
  });

  test('takes its permissions, and only a crash without a command does', () => {
    const { bench } = onKubernetes({ ip: '10.0.0.1' });
    const asked = (mode: SentinelFailoverSpec['mode'], doors: Parameters<NonNullable<typeof sentinelFailover.accessFor>>[1]) =>
      sentinelFailover.accessFor?.(spec(mode), doors).map(({ verb, resource }) => `${verb} ${resource}`);
    expect(asked('crash', bench)).toEqual(['list pods', 'delete pods', 'list services']);
    expect(asked('planned', bench)).toEqual([]);
    expect(asked('crash', { redisTarget: { url: 'redis://h', commands: { crash: ['x'] } }, kubernetes: {} })).toEqual([]);
  });

  test('that may not be deleted is refused', async () => {
    const { bench } = onKubernetes({ ip: '10.0.0.1', denied: ['delete pods'] });
    await expect(sentinelFailover.plan(spec('crash'), bench)).rejects.toThrow(/may not delete pod redis-0/);
  });
});
