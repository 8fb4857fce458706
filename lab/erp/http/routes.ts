/** Paths of the worker. */
import type { Cache } from '../cache/redis.ts';
import { isDict, type Value } from '../orm/value.ts';
import { toOdooError } from '../rpc/faults.ts';
import { jsonFault, jsonResponse, parseJsonCall } from '../rpc/jsonrpc.ts';
import type { Services } from '../rpc/services.ts';
import { encodeFault, encodeResponse, parseCall } from '../rpc/xmlrpc.ts';
import type { Health } from './health.ts';
import type { RequestQueue } from './queue.ts';
import type { Answer, Call, Routes } from './server.ts';
import { handleWeb } from './web.ts';

export interface RouteParts {
  readonly services: Services;
  readonly databaseName: string;
  readonly sessions: Cache;
  readonly health: Health;
  readonly queue: RequestQueue;
  readonly uptimeSeconds: () => number;
  /** Counters shown by /lab/busy. */
  readonly counters: () => Readonly<Record<string, number>>;
}

const xml = (body: string): Answer => ({ status: 200, type: 'text/xml; charset=utf-8', body });
const json = (body: string): Answer => ({ status: 200, type: 'application/json; charset=utf-8', body });
export const page = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  type: 'text/html; charset=utf-8',
  body,
  headers,
});

export function createRoutes(parts: RouteParts): Routes {
  return {
    immediate(method, path) {
      if (method === 'GET' && path === '/web/health') return () => parts.health.answer();
      if (method === 'GET' && path === '/lab/busy')
        return async () =>
          json(
            JSON.stringify({
              busySeconds: parts.queue.busySeconds,
              requests: parts.queue.requests,
              uptimeSeconds: parts.uptimeSeconds(),
              ...parts.counters(),
            }),
          );
      return null;
    },
    queued: (call) => answer(parts, call),
  };
}

async function answer(parts: RouteParts, call: Call): Promise<Answer> {
  const service = /^\/xmlrpc\/2\/(\w+)$/.exec(call.path)?.[1];
  if (service !== undefined || call.path === '/jsonrpc') {
    if (call.method !== 'POST')
      return page(405, '<!doctype html><title>405 Method Not Allowed</title>', { Allow: 'OPTIONS, POST' });
    return service === undefined ? await jsonrpc(parts.services, call.body) : await xmlrpc(parts.services, service, call.body);
  }
  return (await handleWeb(parts, call)) ?? page(404, '<!doctype html><title>404 Not Found</title>');
}

/** Faults are answers. The value is encoded after the commit, so None becomes a fault of work that was done. */
async function xmlrpc(services: Services, service: string, body: string): Promise<Answer> {
  try {
    const { method, params } = parseCall(body);
    return xml(encodeResponse(await services.call(service, method, params)));
  } catch (error) {
    return xml(encodeFault(toOdooError(error)));
  }
}

async function jsonrpc(services: Services, body: string): Promise<Answer> {
  let id: Value = null;
  try {
    const call = parseJsonCall(body);
    id = call.id;
    return json(jsonResponse(id, await services.call(call.service, call.method, call.args)));
  } catch (error) {
    return json(jsonFault(id, toOdooError(error)));
  }
}

/** `params` of a JSON body of the web client. */
export function webParams(body: string): Readonly<Record<string, Value>> {
  const parsed: unknown = JSON.parse(body === '' ? '{}' : body);
  return isDict(parsed) && isDict(parsed.params) ? parsed.params : {};
}
