/** GET: one object, a list, or a watch; as JSON or as a table. */
import type { ServerResponse } from 'node:http';
import type { Form } from '../negotiate.ts';
import type { KubeObject } from '../objects.ts';
import { isTrue, type ResourceRequest } from '../request.ts';
import { apiVersionOf } from '../resources.ts';
import type { Predicate } from '../selectors.ts';
import { ApiError } from '../status.ts';
import { renderTable } from '../table.ts';
import { present } from '../views.ts';
import { startWatch } from '../watch.ts';
import type { HandlerContext } from './context.ts';
import { selection } from './delete.ts';
import { requireStored } from './write.ts';

const longestWatchMs = 3_600_000;

export function readObject(context: HandlerContext, request: ResourceRequest, form: Form): object {
  return shape(context, request, form, requireStored(context, request));
}

/** An object in the form that the client asked for. */
export function shape(context: HandlerContext, request: ResourceRequest, form: Form, object: KubeObject): object {
  const shown = present(request.resource, object);
  if (!form.table) return shown;
  const extra = request.resource.columns ?? [];
  const options = { nowMs: context.clock.now(), includeObject: form.includeObject, extra };
  return renderTable(request.resource.plural, [object], options);
}

export function listObjects(context: HandlerContext, request: ResourceRequest, query: URLSearchParams, form: Form): object {
  const { resource } = request;
  if (resource.stored === undefined) throw ApiError.noSuchPath();
  const matches = selection(query, resource.plural);
  const objects = context.store.list(resource.stored, request.namespace).filter(matches);
  const listVersion = String(context.store.version);
  if (form.table) {
    const options = { nowMs: context.clock.now(), includeObject: form.includeObject, listVersion, extra: resource.columns ?? [] };
    return renderTable(resource.plural, objects, options);
  }
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: listVersion },
    items: objects.map((object) => present(resource, object)),
  };
}

export function watchObjects(
  context: HandlerContext,
  request: ResourceRequest,
  query: URLSearchParams,
  form: Form,
  response: ServerResponse,
): () => void {
  const { resource, name, namespace } = request;
  if (resource.stored === undefined) throw ApiError.methodNotAllowed('watch', resource.plural);
  const selected = selection(query, resource.plural);
  const matches: Predicate = name === undefined ? selected : (object) => object.metadata.name === name && selected(object);
  return startWatch(
    context.store,
    context.clock,
    {
      resource: resource.stored,
      namespace,
      matches,
      resourceVersion: query.get('resourceVersion'),
      sendInitialEvents: isTrue(query.get('sendInitialEvents')),
      allowBookmarks: isTrue(query.get('allowWatchBookmarks')),
      timeoutMs: watchTimeoutMs(query),
      render: (object) => shape(context, request, form, object),
      bookmark: (resourceVersion, initialEventsEnd) => bookmarkOf(request, form, resourceVersion, initialEventsEnd),
    },
    response,
  );
}

function bookmarkOf(request: ResourceRequest, form: Form, resourceVersion: string, initialEventsEnd: boolean): object {
  const annotations = initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const metadata = { resourceVersion, creationTimestamp: null, ...annotations };
  if (form.table) return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: [], rows: [] };
  return { kind: request.resource.kind, apiVersion: apiVersionOf(request.resource), metadata };
}

function watchTimeoutMs(query: URLSearchParams): number {
  const seconds = Number(query.get('timeoutSeconds') ?? '0');
  if (!Number.isFinite(seconds) || seconds < 0) throw ApiError.badRequest('timeoutSeconds must be a number of seconds');
  return seconds === 0 ? longestWatchMs : Math.min(seconds * 1000, longestWatchMs);
}

/** metrics.k8s.io: computed from the last samples; 404 when the lab plays a cluster without metrics-server. */
export function readMetrics(context: HandlerContext, request: ResourceRequest, query: URLSearchParams): object {
  if (!context.metrics.available) throw ApiError.noSuchPath();
  const { plural, kind } = request.resource;
  const all = plural === 'nodes' ? context.metrics.nodeMetrics() : podMetrics(context, request, query);
  const items = all.filter((item) => item !== null);
  if (request.name === undefined) return { kind: `${kind}List`, apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items };
  const found = items.find((item) => (item.metadata as { name?: string }).name === request.name);
  if (found === undefined) throw ApiError.notFound(`${plural}.metrics.k8s.io`, request.name);
  return found;
}

function podMetrics(context: HandlerContext, request: ResourceRequest, query: URLSearchParams) {
  return context.store
    .list('pods', request.namespace)
    .filter(selection(query, 'pods'))
    .map((pod) => context.metrics.podMetrics(pod));
}
