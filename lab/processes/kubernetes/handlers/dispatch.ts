/** From a parsed request to the handler that answers it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Authority, requireAccess, reviewAccess, reviewRules } from '../access.ts';
import { servedResources } from '../custom-resources.ts';
import { coreVersions, group, groupList, groupNames, resourceList, serverVersion } from '../discovery.ts';
import { negotiate } from '../negotiate.ts';
import { parseResourceRequest, type ResourceRequest } from '../request.ts';
import type { ResourceDefinition } from '../resources.ts';
import { ApiError } from '../status.ts';
import type { Body, HandlerContext } from './context.ts';
import { deleteObject, deletePods } from './delete.ts';
import { evictPod } from './evict.ts';
import { createPlain, deletePlain, deletePlainCollection, writePlain } from './plain.ts';
import { listObjects, readMetrics, readObject, shape, watchObjects } from './read.ts';
import { issueToken } from './token.ts';
import { createAutoscaler, readScale, requireStored, writeObject, writeScale } from './write.ts';

export type Answer =
  | { readonly kind: 'json'; readonly code: number; readonly body: object }
  | { readonly kind: 'text'; readonly body: string }
  /** The response is being written; `end` stops it. */
  | { readonly kind: 'stream'; readonly end: () => void };

export async function dispatch(
  context: HandlerContext,
  request: IncomingMessage,
  response: ServerResponse,
  readBody: () => Promise<Body>,
): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://lab');
  const path = url.pathname
    .split('/')
    .filter((step) => step !== '')
    .map(decodeStep);
  const method = request.method ?? 'GET';
  const served = servedResources(context.store);
  const target = parseResourceRequest(served, method, path, url.searchParams);
  if (target === null) return describeServer(context, served, method, path, request.headers.host ?? '');
  const form = negotiate(request.headers.accept, url.searchParams);
  const authority: Authority = { ...context, user: context.tokens.userOf(request.headers.authorization) };
  requireAccess(target, authority);
  if (target.verb === 'watch') {
    return { kind: 'stream', end: watchObjects(context, target, url.searchParams, form, response) };
  }
  const changes = method !== 'GET' && method !== 'HEAD';
  const body = changes ? await readBody() : { contentType: '', value: undefined };
  return answerResource({ ...context, authority }, target, body, url.searchParams, form);
}

function answerResource(
  context: HandlerContext & { readonly authority: Authority },
  request: ResourceRequest,
  body: Body,
  query: URLSearchParams,
  form: ReturnType<typeof negotiate>,
): Answer {
  const json = (value: object, code = 200): Answer => ({ kind: 'json', code, body: value });
  const { resource, subresource, verb } = request;
  if (resource.group === 'authorization.k8s.io') {
    const review = resource.kind === 'SelfSubjectAccessReview' ? reviewAccess : reviewRules;
    return json(review(body.value, context.authority), 201);
  }
  if (resource.group === 'metrics.k8s.io') return json(readMetrics(context, request, query));
  if (subresource?.name === 'log') throw ApiError.badRequest("the lab keeps its pods' output in its own folder, not here");
  if (subresource?.name === 'token') return json(issueToken(context, request), 201);
  if (subresource?.name === 'eviction') return json(evictPod(context, request, body.value, query), 201);
  if (subresource?.name === 'scale') {
    return json(verb === 'get' ? readScale(context, request) : writeScale(context, request, body, query));
  }
  if (subresource?.name === 'status' && verb === 'get') return json(requireStored(context, request));
  const plain = resource.plain === true;
  switch (verb) {
    case 'get':
      return json(readObject(context, request, form));
    case 'list':
      return json(listObjects(context, request, query, form));
    case 'delete':
      return json((plain ? deletePlain : deleteObject)(context, request, body.value, query));
    case 'deletecollection':
      return json((plain ? deletePlainCollection : deletePods)(context, request, body.value, query));
    case 'create':
      return json(shape(context, request, form, (plain ? createPlain : createAutoscaler)(context, request, body, query)), 201);
    case 'patch':
    case 'update':
      return json(shape(context, request, form, (plain ? writePlain : writeObject)(context, request, body, query)));
    default:
      throw ApiError.methodNotAllowed(verb, resource.plural);
  }
}

function describeServer(
  context: HandlerContext,
  served: readonly ResourceDefinition[],
  method: string,
  path: readonly string[],
  host: string,
): Answer {
  if (method !== 'GET' && method !== 'HEAD') throw ApiError.methodNotAllowed(method, `/${path.join('/')}`);
  const [root = '', first, second] = path;
  const json = (body: object | null): Answer => {
    if (body === null) throw ApiError.noSuchPath();
    return { kind: 'json', code: 200, body };
  };
  switch (root) {
    case 'healthz':
    case 'livez':
    case 'readyz':
      return { kind: 'text', body: 'ok' };
    case 'version':
      return json(serverVersion);
    case '':
      return json({
        paths: [
          '/api',
          '/api/v1',
          '/apis',
          ...groupNames(served).map((name) => `/apis/${name}`),
          '/healthz',
          '/livez',
          '/readyz',
          '/version',
        ],
      });
    case 'api':
      return json(first === undefined ? coreVersions(host) : resourceList(served, '', first));
    case 'apis':
      if (first === undefined) return json(groupList(served));
      if (first === 'metrics.k8s.io' && !context.metrics.available) throw ApiError.noSuchPath();
      return json(second === undefined ? group(served, first) : resourceList(served, first, second));
    default:
      throw ApiError.noSuchPath();
  }
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch (cause) {
    throw ApiError.badRequest(`invalid path: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
