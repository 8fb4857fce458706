/** The exec subresource of an API server, over a websocket as far as it is needed: no masks out, small frames, one status. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export type Frame = { readonly channel: number; readonly text: string };
export interface ExecRequest {
  readonly path: string;
  readonly argv: readonly string[];
  readonly container: string;
  readonly authorization: string;
}

export interface ExecApi {
  readonly url: string;
  readonly requests: ExecRequest[];
  /** What it answers: frames and then, unless `keepOpen`, the end; or a status with which the upgrade is refused. */
  answer: { readonly frames: readonly Frame[]; readonly keepOpen?: true } | { readonly refuse: number };
  close(): Promise<void>;
}

export const STATUS = 3;
export const success: Frame = { channel: STATUS, text: JSON.stringify({ metadata: {}, status: 'Success' }) };
/** As the kubelet of Kubernetes 1.34 words it. */
export const exited = (code: number): Frame => ({
  channel: STATUS,
  text: JSON.stringify({
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  }),
});

export async function startExecApi(): Promise<ExecApi> {
  const sockets = new Set<Duplex>();
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    sockets.add(socket);
    api.requests.push(toRequest(request));
    const { answer } = api;
    if ('refuse' in answer) {
      socket.end(`HTTP/1.1 ${answer.refuse} Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const key = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`,
    );
    for (const { channel, text } of answer.frames) socket.write(encode(channel, text));
    if (answer.keepOpen !== true) socket.end(Buffer.from([0x88, 0]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api: ExecApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    answer: { frames: [success] },
    async close() {
      for (const socket of sockets as Set<Socket>) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return api;
}

function toRequest({ url = '', headers }: IncomingMessage): ExecRequest {
  const { pathname, searchParams } = new URL(url, 'http://127.0.0.1');
  return {
    path: pathname,
    argv: searchParams.getAll('command'),
    container: searchParams.get('container') ?? '',
    authorization: headers.authorization ?? '',
  };
}

function encode(channel: number, text: string): Buffer {
  const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);
  const { length } = payload;
  const head = length < 126 ? Buffer.from([0x82, length]) : Buffer.from([0x82, 126, length >> 8, length & 0xff]);
  return Buffer.concat([head, payload]);
}
