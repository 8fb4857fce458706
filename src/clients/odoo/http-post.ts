import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** How a post ended. `not-sent`: the server cannot have seen it. `lost`: it may have. */
export type PostResult =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string; readonly location: string | null }
  | { readonly kind: 'not-sent' | 'lost'; readonly message: string; readonly timedOut: boolean };

/** Posts one message over a connection of its own: Odoo closes after each answer (docs/reference/odoo-behaviour.md section 2). */
export async function postOnce(
  url: URL,
  message: { readonly contentType: string; readonly body: string },
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<PostResult> {
  const { promise, resolve } = Promise.withResolvers<PostResult>();
  const body = Buffer.from(message.body);
  const secure = url.protocol === 'https:';
  const request = (secure ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    // A fresh agent that keeps nothing alive.
    agent: false,
    headers: { 'Content-Type': message.contentType, 'Content-Length': body.length },
  });
  let connected = false;
  let timedOut = false;
  const fail = (error: Error): void => {
    resolve({ kind: connected ? 'lost' : 'not-sent', message: describe(error, url), timedOut });
  };
  const stop = (reason: string): void => {
    request.destroy(new Error(reason));
  };
  const timer = setTimeout(() => {
    timedOut = true;
    stop(`no answer within ${options.timeoutMs} ms`);
  }, options.timeoutMs);
  const onAbort = (): void => stop('cancelled by the harness');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted === true) onAbort();

  request.on('socket', (socket) => {
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      connected = true;
    });
  });
  request.on('error', fail);
  request.on('response', (response) => {
    readBody(response).then((text) => {
      resolve({ kind: 'answer', status: response.statusCode ?? 0, body: text, location: response.headers.location ?? null });
    }, fail);
  });
  request.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  if (!response.complete) throw new Error('the answer was cut short');
  return Buffer.concat(chunks).toString('utf8');
}

function describe(error: Error, url: URL): string {
  // Node joins the failures of all addresses of a name in one AggregateError without a message of its own.
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  const { code } = first as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return `connection to ${url.host} refused`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `no address is known for ${url.hostname}`;
  if (code === 'ECONNRESET') return `connection to ${url.host} lost`;
  return first.message;
}
