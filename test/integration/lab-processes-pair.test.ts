/** The PostgreSQL pair under Patroni's rules, on real servers, with writers that go through the database path. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { DatabasePath } from '../../lab/processes/database-path.ts';
import { TcpProxy } from '../../lab/processes/network/tcp-proxy.ts';
import { createPair, type Pair } from '../../lab/processes/pair.ts';
import { findFreePorts } from '../../lab/processes/ports.ts';
import { childrenOf, commandOf, signalProcess } from '../../lab/processes/process-identity.ts';
import { removeLab } from '../../lab/processes/remove-lab.ts';
import { awaitCondition } from '../../lab/processes/wait.ts';

interface TestPair {
  readonly pair: Pair;
  readonly proxy: TcpProxy;
  readonly url: string;
  readonly restUrls: readonly string[];
  readonly sabotage: string[];
  query(sql: string, member?: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

const PASSWORD = 'b7e23ec29af22b0b4e41da31e868d572';
let running: TestPair | null = null;

afterEach(async () => {
  await running?.close();
  running = null;
});

async function startPair(options: { readonly synchronous?: boolean; readonly neverRecover?: boolean } = {}): Promise<TestPair> {
  const dir = mkdtempSync(join(tmpdir(), 'peakproof-pair-'));
  const [pathPort = 0, ...ports] = await findFreePorts(5);
  const proxy = new TcpProxy();
  await proxy.listen(pathPort);
  const sabotage: string[] = [];
  const path = new DatabasePath({
    setTarget: async (port) => proxy.setTarget(port),
    neverRecover: options.neverRecover === true,
    onSabotage: (detail) => sabotage.push(detail),
  });
  const pair = await createPair({
    labName: 'test',
    labDirectory: dir,
    synchronous: options.synchronous === true,
    secrets: { superuserPassword: PASSWORD, applicationPassword: PASSWORD },
    postgresPorts: ports.slice(0, 2),
    restPorts: ports.slice(2, 4),
    path,
    log: () => undefined,
  });
  await pair.created;
  pair.cluster.start();
  const url = `postgresql://erp:${PASSWORD}@127.0.0.1:${pathPort}/erp`;
  const started: TestPair = {
    pair,
    proxy,
    url,
    restUrls: ports.slice(2, 4).map((port) => `http://127.0.0.1:${port}`),
    sabotage,
    async query(sql, member) {
      const port = member === undefined ? pathPort : pair.cluster.agent(member).server.port;
      const client = new pg.Client({
        connectionString: url.replace(String(pathPort), String(port)),
        connectionTimeoutMillis: 2_000,
      });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    async close() {
      await pair.close();
      await Promise.all(pair.cluster.agents.map((agent) => agent.vanish()));
      await proxy.close();
      await removeLab(dir, { supervisor: 'gone' });
      rmSync(dir, { recursive: true, force: true });
    },
  };
  running = started;
  await Promise.all(pair.cluster.agents.map((agent) => pair.cluster.podStarted(agent.name)));
  await awaitLeader(started, 'postgres-0');
  await awaitStandby(started, 'postgres-1');
  await started.query('create table written (id integer primary key)');
  return started;
}

async function awaitStandby({ pair }: TestPair, name: string): Promise<void> {
  await awaitCondition(
    `${name} to stream`,
    async () => {
      const agent = pair.cluster.agent(name);
      await agent.refresh();
      return agent.status?.streaming === true ? true : undefined;
    },
    { timeoutMs: 20_000 },
  );
}

async function awaitLeader({ pair }: TestPair, name: string): Promise<void> {
  await awaitCondition(
    `${name} to lead`,
    () => (pair.cluster.leader?.name === name && pair.cluster.agent(name).view.role === 'primary' ? true : undefined),
    {
      timeoutMs: 20_000,
    },
  );
}

/** The path is switched just after the promotion; until then it closes connections. */
async function awaitPath(testPair: TestPair): Promise<void> {
  await awaitCondition(
    'the path to lead to the primary',
    async () => ((await testPair.query('select 1')).length === 1 ? true : undefined),
    {
      timeoutMs: 5_000,
    },
  );
}

/** Writes rows one after another over the path, reconnecting as an application does; remembers which were acknowledged. */
function startWriter(url: string) {
  const acknowledged: { readonly id: number; readonly at: number }[] = [];
  let stopped = false;
  const done = (async () => {
    for (let id = 0; !stopped; ) {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
      client.on('error', () => undefined);
      try {
        await client.connect();
        while (!stopped) {
          await client.query('insert into written values ($1)', [id]);
          acknowledged.push({ id, at: Date.now() });
          id++;
          await sleep(2);
        }
      } catch {
        // Unknown outcome: never written again under the same id.
        id++;
        await sleep(20);
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  })();
  return {
    acknowledged,
    async stop() {
      stopped = true;
      await done;
    },
  };
}

async function lostRows(
  testPair: TestPair,
  acknowledged: readonly { readonly id: number }[],
  member: string,
): Promise<readonly number[]> {
  const present = new Set((await testPair.query('select id from written', member)).map((row) => row.id));
  return acknowledged.map(({ id }) => id).filter((id) => !present.has(id));
}

function walsenderOf({ pair }: TestPair, member: string): number {
  const postmaster = pair.cluster.agent(member).server.pid;
  const pid = postmaster === null ? undefined : childrenOf(postmaster).find((child) => commandOf(child).includes('walsender'));
  if (pid === undefined) throw new Error(`${member} has no walsender`);
  return pid;
}

const longestGapMs = (acknowledged: readonly { readonly at: number }[]): number =>
  acknowledged.reduce((longest, { at }, index) => Math.max(longest, at - (acknowledged[index - 1]?.at ?? at)), 0);

describe('PostgreSQL pair', () => {
  test('a switchover under load loses no acknowledged row, answers as Patroni does, and the old leader comes back', async () => {
    const testPair = await startPair();
    const writer = startWriter(testPair.url);
    await sleep(500);
    const answer = await fetch(`${testPair.restUrls[0]}/switchover`, { method: 'POST', body: '{"leader":"postgres-0"}' });
    expect(await answer.text()).toBe('Successfully switched over to "postgres-1"');
    expect(answer.status).toBe(200);
    await awaitStandby(testPair, 'postgres-0');
    await sleep(300);
    await writer.stop();
    expect(writer.acknowledged.length).toBeGreaterThan(50);
    expect(await lostRows(testPair, writer.acknowledged, 'postgres-1')).toEqual([]);
    expect(longestGapMs(writer.acknowledged)).toBeLessThan(5_000);
    const history = (await (await fetch(`${testPair.restUrls[1]}/history`)).json()) as unknown[][];
    expect(history.map(([timeline, , , , leader]) => [timeline, leader])).toEqual([[1, 'postgres-1']]);
    const back = (await (await fetch(`${testPair.restUrls[0]}/cluster`)).json()) as {
      members: { name: string; role: string; timeline: number }[];
    };
    expect(back.members).toMatchObject([
      { name: 'postgres-0', role: 'replica', state: 'streaming', timeline: 2 },
      { name: 'postgres-1', role: 'leader', state: 'running', timeline: 2 },
    ]);
  });

  test('a killed primary is replaced when its lock runs out: new timeline, the other member writable, the old one rejoins', async () => {
    const testPair = await startPair();
    const killedAt = Date.now();
    await testPair.pair.cluster.podStopped('postgres-0', { killed: true });
    await expect(fetch(`${testPair.restUrls[0]}/patroni`)).rejects.toThrow();
    expect((await fetch(`${testPair.restUrls[1]}/primary`)).status).toBe(503);
    await awaitLeader(testPair, 'postgres-1');
    // The ttl is 5 s and was renewed at most one loop before the kill.
    expect(Date.now() - killedAt).toBeGreaterThan(3_500);
    expect(Date.now() - killedAt).toBeLessThan(9_000);
    await awaitPath(testPair);
    await testPair.query('insert into written values (1)');
    expect(testPair.pair.cluster.agent('postgres-1').status?.timeline).toBe(2);
    await testPair.pair.cluster.podStarted('postgres-0');
    await awaitStandby(testPair, 'postgres-0');
    expect(await testPair.query('select id from written', 'postgres-0')).toEqual([{ id: 1 }]);
  });

  test('a replacement pod that comes back before the lock ran out gives it away at once', async () => {
    const testPair = await startPair();
    const killedAt = Date.now();
    await testPair.pair.cluster.podStopped('postgres-0', { killed: true });
    await testPair.pair.cluster.podStarted('postgres-0');
    await awaitLeader(testPair, 'postgres-1');
    expect(Date.now() - killedAt).toBeLessThan(3_000);
    await awaitStandby(testPair, 'postgres-0');
  });

  test('a leader that is stopped in good order hands over at once and loses nothing', async () => {
    const testPair = await startPair();
    const writer = startWriter(testPair.url);
    await sleep(300);
    const stoppedAt = Date.now();
    await testPair.pair.cluster.podStopped('postgres-0', { killed: false });
    await awaitLeader(testPair, 'postgres-1');
    expect(Date.now() - stoppedAt).toBeLessThan(3_000);
    await awaitCondition('writes again', () => (writer.acknowledged.some(({ at }) => at > stoppedAt + 500) ? true : undefined), {
      timeoutMs: 10_000,
    });
    await writer.stop();
    expect(await lostRows(testPair, writer.acknowledged, 'postgres-1')).toEqual([]);
  });

  test('a server killed under a living agent is replaced within the loop, not after the ttl', async () => {
    const testPair = await startPair();
    const killedAt = Date.now();
    process.kill(testPair.pair.cluster.agent('postgres-0').server.pid ?? 0, 'SIGKILL');
    await awaitLeader(testPair, 'postgres-1');
    expect(Date.now() - killedAt).toBeLessThan(3_500);
    await awaitStandby(testPair, 'postgres-0');
  });

  test('a leader that hangs is replaced when its lock runs out, and is a clone once it goes on', async () => {
    const testPair = await startPair();
    const postmaster = testPair.pair.cluster.agent('postgres-0').server.pid ?? 0;
    const processes = [postmaster, ...childrenOf(postmaster)];
    for (const pid of processes) signalProcess(pid, 'SIGSTOP');
    await awaitLeader(testPair, 'postgres-1');
    await awaitPath(testPair);
    await testPair.query('insert into written values (1)');
    for (const pid of processes) signalProcess(pid, 'SIGCONT');
    await awaitStandby(testPair, 'postgres-0');
    expect(await testPair.query('select id from written', 'postgres-0')).toEqual([{ id: 1 }]);
    await expect(testPair.query('insert into written values (2)', 'postgres-0')).rejects.toThrow('read-only');
  });

  test('an asynchronous failover with a frozen walsender loses exactly the rows that were acknowledged meanwhile', async () => {
    const testPair = await startPair();
    await testPair.query('insert into written select generate_series(1, 10)');
    await awaitCondition(
      'replay',
      async () => ((await testPair.query('select from written', 'postgres-1')).length === 10 ? true : undefined),
      {
        timeoutMs: 5_000,
      },
    );
    process.kill(walsenderOf(testPair, 'postgres-0'), 'SIGSTOP');
    for (let id = 11; id <= 17; id++) await testPair.query(`insert into written values (${id})`);
    await testPair.pair.cluster.podStopped('postgres-0', { killed: true });
    await awaitLeader(testPair, 'postgres-1');
    const written = Array.from({ length: 17 }, (_, index) => ({ id: index + 1 }));
    expect(await lostRows(testPair, written, 'postgres-1')).toEqual([11, 12, 13, 14, 15, 16, 17]);
  });

  test('with synchronous replication a commit waits for the frozen walsender, so nothing acknowledged is lost', async () => {
    const testPair = await startPair({ synchronous: true });
    await awaitCondition('a synchronous standby', () => testPair.pair.cluster.syncStandby ?? undefined, { timeoutMs: 10_000 });
    process.kill(walsenderOf(testPair, 'postgres-0'), 'SIGSTOP');
    const writer = startWriter(testPair.url);
    await sleep(500);
    expect(writer.acknowledged).toEqual([]);
    await testPair.pair.cluster.podStopped('postgres-0', { killed: true });
    await awaitLeader(testPair, 'postgres-1');
    await awaitCondition('writes again', () => (writer.acknowledged.length > 20 ? true : undefined), { timeoutMs: 10_000 });
    await writer.stop();
    expect(await lostRows(testPair, writer.acknowledged, 'postgres-1')).toEqual([]);
  });

  test('a frozen path delays writes by the span of the freeze, and loses and refuses none', async () => {
    const testPair = await startPair();
    const writer = startWriter(testPair.url);
    await sleep(300);
    const span = await testPair.proxy.freezeFor(1_000);
    await sleep(300);
    await writer.stop();
    const frozenMs = (span.thawedAt ?? 0) - span.frozenAt;
    expect(frozenMs).toBeGreaterThanOrEqual(1_000);
    expect(Math.abs(longestGapMs(writer.acknowledged) - frozenMs)).toBeLessThan(100);
    expect(writer.acknowledged.filter(({ at }) => at > span.frozenAt + 20 && at < (span.thawedAt ?? 0))).toEqual([]);
    expect(writer.acknowledged.map(({ id }) => id)).toEqual(writer.acknowledged.map((_, index) => index));
  });

  test('never-recover: the pair fails over, the path does not', async () => {
    const testPair = await startPair({ neverRecover: true });
    await fetch(`${testPair.restUrls[0]}/switchover`, {
      method: 'POST',
      body: '{"leader":"postgres-0","candidate":"postgres-1"}',
    });
    await awaitLeader(testPair, 'postgres-1');
    await expect(testPair.query('select 1')).rejects.toThrow();
    expect(testPair.sabotage).toHaveLength(1);
    expect(await testPair.query('select 1 as one', 'postgres-1')).toEqual([{ one: 1 }]);
  });

  test('the REST API refuses what Patroni refuses, with its status codes', async () => {
    const testPair = await startPair();
    const post = async (path: string, body: string) => {
      const answer = await fetch(`${testPair.restUrls[0]}${path}`, { method: 'POST', body });
      return [answer.status, await answer.text()];
    };
    expect(await post('/switchover', '{}')).toEqual([400, 'Switchover could be performed only from a specific leader']);
    expect(await post('/switchover', 'nonsense')).toEqual([400, 'the body is not JSON']);
    expect(await post('/switchover', '{"leader":"postgres-1"}')).toEqual([412, 'leader name does not match']);
    expect(await post('/switchover', '{"leader":"postgres-0","candidate":"x"}')).toEqual([412, 'candidate does not exist']);
    expect(await post('/failover', '{}')).toEqual([400, 'Failover could be performed only to a specific candidate']);
    expect(await post('/reinitialize', '{}')).toEqual([503, 'I am the leader, can not reinitialize']);
    const patched = await fetch(`${testPair.restUrls[0]}/config`, { method: 'PATCH', body: '{"ttl":8}' });
    expect(await patched.json()).toMatchObject({ ttl: 8, loop_wait: 1 });
    await testPair.pair.cluster.podStopped('postgres-1', { killed: true });
    expect(await post('/switchover', '{"leader":"postgres-0"}')).toEqual([
      412,
      'switchover is not possible: no good candidates have been found',
    ]);
  });
});
