import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { TcpProxy } from '../../../../../lab/processes/network/tcp-proxy.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Answers every chunk with its name and the chunk. */
async function startEcho(name: string): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('data', (data) => socket.write(`${name}:${data}`));
    socket.on('end', () => socket.end('bye'));
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function startProxy(target: number | null): Promise<{ proxy: TcpProxy; port: number }> {
  const proxy = new TcpProxy();
  const port = await proxy.listen(0);
  proxy.setTarget(target);
  cleanups.push(() => proxy.close());
  return { proxy, port };
}

function connect(port: number): Socket {
  const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
  cleanups.push(() => socket.destroy());
  return socket;
}

async function exchange(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
}

async function failure(socket: Socket): Promise<string> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code ?? '';
}

describe('TcpProxy', () => {
  test('carries bytes both ways, and the end of each direction on its own', async () => {
    const { port } = await startProxy(await startEcho('a'));
    const client = connect(port);
    expect(await exchange(client, 'hello')).toBe('a:hello');
    client.end();
    expect(String((await once(client, 'data'))[0])).toBe('bye');
    await once(client, 'end');
  });

  test('resets the connections to the old target on a switch and leads new ones to the new target', async () => {
    const { proxy, port } = await startProxy(await startEcho('a'));
    const before = connect(port);
    await exchange(before, 'x');
    const broken = failure(before);
    proxy.setTarget(await startEcho('b'));
    expect(await broken).toBe('ECONNRESET');
    expect(await exchange(connect(port), 'x')).toBe('b:x');
    expect(proxy.state).toMatchObject({ connections: 1, accepted: 2, refused: 0 });
  });

  test('leaves connections alone when it is told the target that it has', async () => {
    const target = await startEcho('a');
    const { proxy, port } = await startProxy(target);
    const client = connect(port);
    await exchange(client, 'x');
    proxy.setTarget(target);
    expect(await exchange(client, 'y')).toBe('a:y');
  });

  test('resets a client when there is no target, and counts it', async () => {
    const { proxy, port } = await startProxy(null);
    expect(await failure(connect(port))).toBe('ECONNRESET');
    expect(proxy.state.refused).toBe(1);
  });

  test('holds everything back while frozen and delivers all of it, in order, after the thaw', async () => {
    const { proxy, port } = await startProxy(await startEcho('a'));
    const client = connect(port);
    await exchange(client, 'before');
    proxy.freeze();
    const late = connect(port);
    await once(late, 'connect');
    let answers = '';
    client.on('data', (data) => {
      answers += data;
    });
    client.write('one,');
    client.write('two');
    late.write('new');
    // A round trip on the loopback address through a second, unfrozen proxy: time enough for anything that would leak.
    const other = await startProxy(await startEcho('c'));
    expect(await exchange(connect(other.port), 'x')).toBe('c:x');
    expect(answers).toBe('');
    const lateAnswer = once(late, 'data');
    const span = proxy.thaw();
    expect(span?.thawedAt).toBeGreaterThanOrEqual(span?.frozenAt ?? Number.POSITIVE_INFINITY);
    while (!answers.endsWith('two')) await once(client, 'data');
    expect(String((await lateAnswer)[0])).toBe('a:new');
    expect(answers.replaceAll('a:', '')).toBe('one,two');
    expect(proxy.state.freezes).toEqual([span]);
  });

  test('a second freeze while frozen changes nothing, and a thaw without a freeze is none', async () => {
    const { proxy } = await startProxy(null);
    expect(proxy.thaw()).toBeNull();
    expect(proxy.freeze()).toBe(proxy.freeze());
    expect(proxy.state.freezes).toHaveLength(1);
  });
});
