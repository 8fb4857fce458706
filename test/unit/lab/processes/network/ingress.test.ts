import { once } from 'node:events';
import { createServer, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Ingress } from '../../../../../lab/processes/network/ingress.ts';
import { WorkerPool } from '../../../../../lab/processes/network/worker-pool.ts';
import { findFreePorts } from '../../../../../lab/processes/ports.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startWorker(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** An ingress over workers that all count as healthy, whatever they are. */
async function startIngress(...workerPorts: readonly number[]): Promise<{ ingress: Ingress; pool: WorkerPool; port: number }> {
  const pool = new WorkerPool(async () => 'ok');
  pool.setWorkers(workerPorts.map((port, index) => ({ name: `worker-${index}`, port })));
  await pool.checkAll();
  const ingress = new Ingress(pool);
  const [port = 0] = await findFreePorts(1);
  await ingress.listen(port);
  cleanups.push(() => ingress.close());
  return { ingress, pool, port };
}

function send(port: number, options: { readonly path?: string; readonly body?: string; readonly chunked?: boolean } = {}) {
  return new Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
    const headers = options.chunked || options.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(options.body) };
    const method = options.body === undefined ? 'GET' : 'POST';
    const outgoing = request(
      { host: '127.0.0.1', port, path: options.path ?? '/', method, headers, agent: false },
      (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

const echo: RequestListener = (incoming, outgoing) => {
  let body = '';
  incoming.on('data', (chunk) => {
    body += chunk;
  });
  incoming.on('end', () => {
    outgoing.setHeader('X-Seen', `${incoming.headers.connection} ${incoming.headers['x-forwarded-for']}`);
    outgoing.end(`${incoming.method} ${incoming.url} ${body}`);
  });
};

describe('Ingress', () => {
  test.each([false, true])('passes method, path and body on without keep-alive (chunked: %s)', async (chunked) => {
    const { port } = await startIngress(await startWorker(echo));
    const answer = await send(port, { path: '/a?b=c', body: 'x'.repeat(200_000), chunked });
    expect(answer.body).toBe(`POST /a?b=c ${'x'.repeat(200_000)}`);
    expect(answer.headers).toMatchObject({ connection: 'close', 'x-seen': 'close 127.0.0.1' });
  });

  test('tries the next worker when one refuses the connection, with the whole body', async () => {
    const [dead = 0] = await findFreePorts(1);
    const { port, ingress } = await startIngress(dead, await startWorker(echo));
    expect((await send(port, { body: 'once' })).body).toBe('POST / once');
    expect(ingress.state).toMatchObject({ answered: 1, retried: 1, badGateway: 0 });
    expect(ingress.state.workers[0]).toMatchObject({ ready: false, inFlight: 0 });
  });

  test('answers 502 and never sends twice when a worker dies after it got the request', async () => {
    let received = 0;
    const dies: RequestListener = (incoming) => {
      received++;
      incoming.resume();
      incoming.on('end', () => incoming.socket.resetAndDestroy());
    };
    const { port, ingress } = await startIngress(await startWorker(dies), await startWorker(dies));
    expect((await send(port, { body: 'a write' })).status).toBe(502);
    expect(received).toBe(1);
    expect(ingress.state).toMatchObject({ badGateway: 1, answered: 0 });
    expect(ingress.state.workers.every(({ inFlight }) => inFlight === 0)).toBe(true);
  });

  test('breaks the connection when a worker dies in the middle of its answer', async () => {
    const { port } = await startIngress(
      await startWorker((_incoming, outgoing) => {
        outgoing.writeHead(200, { 'Content-Length': '100' });
        outgoing.write('half', () => outgoing.socket?.resetAndDestroy());
      }),
    );
    await expect(send(port)).rejects.toThrow();
  });

  test('answers 503 when no worker is ready, and its own health always', async () => {
    const { port, ingress } = await startIngress();
    expect((await send(port, { body: 'x' })).status).toBe(503);
    const health = await send(port, { path: '/ingress/health' });
    expect(health.status).toBe(200);
    expect(JSON.parse(health.body)).toMatchObject({ status: 'ok', unavailable: 1, workers: [] });
    expect(ingress.state.requests).toBe(1);
  });

  test('shares concurrent requests over the workers', async () => {
    const held: (() => void)[] = [];
    const counts = [0, 0];
    const slow =
      (index: number): RequestListener =>
      (_incoming, outgoing) => {
        counts[index] = (counts[index] ?? 0) + 1;
        held.push(() => outgoing.end('done'));
        if (held.length === 4) for (const release of held) release();
      };
    const { port } = await startIngress(await startWorker(slow(0)), await startWorker(slow(1)));
    await Promise.all([1, 2, 3, 4].map(() => send(port)));
    expect(counts).toEqual([2, 2]);
  });
});
