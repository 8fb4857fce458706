/** The Patroni client against answers of versions 2 to 4, and members that are dead, slow or unwilling. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createPatroniPort } from '../../src/clients/patroni.ts';
import { freePort } from './chaos-redis-server.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Answers = Readonly<Record<string, readonly [status: number, body: unknown]>>;

async function aMember(answers: Answers): Promise<{ readonly url: string; readonly seen: string[] }> {
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const key = `${request.method} ${request.url}`;
    seen.push(`${key} ${body}`.trim());
    const [status, answer] = answers[key] ?? [404, 'not found'];
    if (status === 0) response.destroy();
    else response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const cluster = (leader: string) => ({
  members: [
    { name: 'pg-0', role: leader, state: 'running', api_url: 'http://h0:8008/patroni', host: 'h0', port: 5432, timeline: 3 },
    { name: 'pg-1', role: 'sync_standby', state: 'streaming', host: 'h1', port: 5432, timeline: 3, lag: 16 },
    { name: 'pg-2', role: 'replica', state: 'stopped', host: 'h2', port: 5432, lag: 'unknown' },
  ],
  scope: 'erp',
});

describe('createPatroniPort', () => {
  test.each(['leader', 'master', 'primary'])('reads the role "%s" as primary', async (role) => {
    const { url } = await aMember({ 'GET /cluster': [200, cluster(role)] });
    const { members, paused, scope } = await createPatroniPort([url]).fetchCluster();
    expect([scope, paused, ...members.map((member) => member.role)]).toEqual([
      'erp',
      false,
      'primary',
      'sync_standby',
      'replica',
    ]);
    expect(members.map(({ lagBytes }) => lagBytes)).toEqual([null, 16, null]);
  });

  test('a dead member does not hide the cluster, and the one that answered is asked first from then on', async () => {
    const dead = `http://127.0.0.1:${await freePort()}`;
    const alive = await aMember({ 'GET /cluster': [200, { ...cluster('leader'), pause: true }] });
    const patroni = createPatroniPort([dead, alive.url]);
    expect((await patroni.fetchCluster()).paused).toBe(true);
    await patroni.fetchCluster();
    expect(alive.seen).toHaveLength(2);
  });

  test('when all are dead, names each with its reason', async () => {
    const urls = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
    const failing = createPatroniPort(urls).fetchCluster();
    await expect(failing).rejects.toMatchObject({
      code: 'ERR_PATRONI',
      message: expect.stringMatching(/ECONNREFUSED.*ECONNREFUSED/),
    });
  });

  test('fills in the documented defaults of the configuration', async () => {
    const { url } = await aMember({
      'GET /config': [200, { ttl: 20, synchronous_mode: true }],
      'GET /patroni': [503, { patroni: { version: '3.0.2', scope: 'erp' } }],
    });
    expect(await createPatroniPort([url]).fetchConfig()).toEqual({
      ttlSeconds: 20,
      loopWaitSeconds: 10,
      retryTimeoutSeconds: 10,
      synchronousMode: true,
      primaryStartTimeoutSeconds: 300,
      version: '3.0.2',
    });
  });

  test('takes the name of the cluster from a member where the list of members has none, and asks once', async () => {
    const { scope: _, ...nameless } = cluster('leader');
    const { url, seen } = await aMember({
      'GET /cluster': [200, nameless],
      'GET /patroni': [200, { patroni: { version: '3.0.2', scope: 'erp' } }],
    });
    const patroni = createPatroniPort([url]);
    expect((await patroni.fetchCluster()).scope).toBe('erp');
    await patroni.fetchCluster();
    expect(seen).toEqual(['GET /cluster', 'GET /patroni', 'GET /cluster']);
  });

  test('reads the history', async () => {
    const { url } = await aMember({
      'GET /history': [200, [[1, 25_623_960, 'no recovery target specified', '2026-11-22T10:00:00+00:00', 'pg-1']]],
    });
    expect(await createPatroniPort([url]).fetchHistory()).toEqual([
      { timeline: 1, reason: 'no recovery target specified', serverAt: '2026-11-22T10:00:00+00:00' },
    ]);
  });

  test.each([
    [412, 'candidate name does not match with sync_standby'],
    [503, 'Switchover is not possible: no good candidates have been found'],
  ])('keeps what Patroni says with status %i', async (status, words) => {
    const { url } = await aMember({ 'POST /switchover': [status, words] });
    await expect(createPatroniPort([url]).switchover('pg-0', 'pg-2')).rejects.toMatchObject({
      code: 'ERR_PATRONI',
      message: expect.stringContaining(`${words} (${status})`),
    });
  });

  test('leaves the candidate out when it has none, and goes past a member that is not there', async () => {
    const alive = await aMember({ 'POST /switchover': [200, 'Successfully switched over to "pg-1"'] });
    const patroni = createPatroniPort([`http://127.0.0.1:${await freePort()}`, alive.url]);
    expect(await patroni.switchover('pg-0', null)).toBe('Successfully switched over to "pg-1"');
    expect(alive.seen).toEqual(['POST /switchover {"leader":"pg-0"}']);
  });

  test('does not repeat a move at another member when the answer got lost: it may have been done', async () => {
    const lost = await aMember({ 'POST /failover': [0, ''] });
    const other = await aMember({ 'POST /failover': [200, 'done'] });
    await expect(createPatroniPort([lost.url, other.url]).failover('pg-1')).rejects.toThrow('may have been done all the same');
    expect(other.seen).toEqual([]);
  });
});
