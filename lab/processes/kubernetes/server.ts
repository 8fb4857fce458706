/** The HTTP side: reads bodies, writes answers, turns errors into Status objects. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Body, HandlerContext } from './handlers/context.ts';
import { dispatch } from './handlers/dispatch.ts';
import { decodeProtobuf } from './protobuf.ts';
import { ApiError } from './status.ts';

const maxBodyBytes = 3 * 1024 * 1024;
/** Only these names: a web page that resolves its own name to 127.0.0.1 gets no answer. */
const allowedHosts = new Set(['127.0.0.1', 'localhost', '[::1]']);

export interface ApiServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startServer(
  context: HandlerContext,
  options: { readonly port: number; readonly onError: (error: unknown) => void },
): Promise<ApiServer> {
  const streams = new Set<() => void>();
  const server = createServer((request, response) => {
    void answer(context, request, response, streams, options.onError);
  });
  // Watches last long and say little.
  server.requestTimeout = 0;
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      for (const end of streams) end();
      return new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      });
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function answer(
  context: HandlerContext,
  request: IncomingMessage,
  response: ServerResponse,
  streams: Set<() => void>,
  onError: (error: unknown) => void,
): Promise<void> {
  try {
    requireLocalHost(request);
    const result = await dispatch(context, request, response, () => readBody(request));
    if (result.kind === 'stream') {
      streams.add(result.end);
      response.once('close', () => streams.delete(result.end));
    } else if (result.kind === 'text') write(response, 200, 'text/plain; charset=utf-8', result.body);
    else write(response, result.code, 'application/json', `${JSON.stringify(result.body)}\n`);
  } catch (error) {
    const known =
      error instanceof ApiError ? error : new ApiError(500, 'InternalError', `Internal error occurred: ${String(error)}`);
    if (known !== error) onError(error);
    if (response.headersSent) response.destroy();
    else write(response, known.code, 'application/json', `${JSON.stringify(known.toStatus())}\n`);
  }
}

function write(response: ServerResponse, code: number, contentType: string, body: string): void {
  response.writeHead(code, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache, private',
  });
  response.end(body);
}

function requireLocalHost(request: IncomingMessage): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (request.headers.origin !== undefined) throw new ApiError(403, 'Forbidden', 'requests of web pages are not served');
  if (!allowedHosts.has(host)) throw new ApiError(403, 'Forbidden', `host ${JSON.stringify(host)} is not served`);
}

async function readBody(request: IncomingMessage): Promise<Body> {
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const buffer = chunk as Buffer;
    bytes += buffer.length;
    if (bytes > maxBodyBytes) {
      throw new ApiError(413, 'RequestEntityTooLarge', `limit is ${maxBodyBytes} bytes`);
    }
    chunks.push(buffer);
  }
  if (bytes === 0) return { contentType, value: undefined };
  if (contentType === 'application/vnd.kubernetes.protobuf') {
    return { contentType, value: decodeProtobuf(Buffer.concat(chunks)) };
  }
  if (contentType !== '' && !/^application\/([a-z-]+\+)?json$/.test(contentType)) {
    throw ApiError.unsupportedMediaType(contentType, ['application/json']);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return { contentType, value };
  } catch (cause) {
    throw ApiError.badRequest(`the body is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
