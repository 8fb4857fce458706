/** PATCH and PUT of stored objects, POST of autoscalers, and the scale subresource. */
import { timestamp } from '../clock.ts';
import { defaultedAutoscalerSpec } from '../defaults.ts';
import { isObject, sameJson, valueAt } from '../json.ts';
import { newUid } from '../naming.ts';
import type { Hpa, KubeObject, StoredObjects, StoredResource } from '../objects.ts';
import { jsonPatch, mergePatch, strategicMergePatch } from '../patch.ts';
import { isDryRun, type ResourceRequest } from '../request.ts';
import { apiVersionOf, qualifiedName } from '../resources.ts';
import { formatSelector } from '../selectors.ts';
import { ApiError } from '../status.ts';
import { requireValid } from '../validate.ts';
import type { Body, HandlerContext } from './context.ts';

const patchTypes = {
  'application/json-patch+json': jsonPatch,
  'application/merge-patch+json': mergePatch,
  'application/strategic-merge-patch+json': strategicMergePatch,
} as const;

function isPatchType(contentType: string): contentType is keyof typeof patchTypes {
  return Object.hasOwn(patchTypes, contentType);
}

export function applyPatch(current: unknown, body: Body): unknown {
  if (!isPatchType(body.contentType)) throw ApiError.unsupportedMediaType(body.contentType, Object.keys(patchTypes));
  return patchTypes[body.contentType](current, body.value);
}

/** The stored object that a request names; 404 when there is none. */
export function requireStored(context: HandlerContext, request: ResourceRequest): KubeObject {
  const stored = request.resource.stored;
  const object = stored && context.store.get(stored, request.namespace, request.name ?? '');
  if (object === undefined) throw ApiError.notFound(qualifiedName(request.resource), request.name ?? '');
  return object;
}

export function writeObject(context: HandlerContext, request: ResourceRequest, body: Body, query: URLSearchParams): KubeObject {
  const dryRun = isDryRun(query.getAll('dryRun'));
  const current = requireStored(context, request);
  const wanted = request.verb === 'patch' ? applyPatch(current, body) : body.value;
  return save(context, request.resource.stored, current, wanted, dryRun);
}

function save(
  context: HandlerContext,
  resource: StoredResource | undefined,
  current: KubeObject,
  wanted: unknown,
  dryRun: boolean,
): KubeObject {
  if (resource === undefined || !isObject(wanted) || !isObject(wanted.metadata)) {
    throw ApiError.badRequest('the body is not an object with metadata');
  }
  const { metadata } = wanted;
  if (metadata.name !== undefined && metadata.name !== current.metadata.name) {
    throw ApiError.badRequest(
      `the name of the object (${String(metadata.name)}) does not match the name on the URL (${current.metadata.name})`,
    );
  }
  const stale = metadata.resourceVersion !== undefined && metadata.resourceVersion !== current.metadata.resourceVersion;
  if (stale || (metadata.uid !== undefined && metadata.uid !== current.metadata.uid)) {
    const why = 'the object has been modified; please apply your changes to the latest version and try again';
    throw ApiError.conflict(resource, current.metadata.name, why);
  }
  const spec = resource === 'horizontalpodautoscalers' ? defaultedAutoscalerSpec(wanted.spec) : wanted.spec;
  const specChanged = !sameJson(spec, valueAt(current, 'spec'));
  const { generation } = current.metadata;
  // Everything a client cannot set stays as it is: identity, ownership, status.
  const next = {
    ...wanted,
    ...(spec === undefined ? {} : { spec }),
    apiVersion: current.apiVersion,
    kind: current.kind,
    metadata: {
      ...current.metadata,
      labels: metadata.labels ?? undefined,
      annotations: metadata.annotations ?? undefined,
      ...(generation === undefined ? {} : { generation: specChanged ? generation + 1 : generation }),
    },
    ...(valueAt(current, 'status') === undefined ? {} : { status: valueAt(current, 'status') }),
  } as KubeObject;
  requireValid(resource, next, current);
  if (dryRun) return next;
  // Validated above: the fields that the controllers read have their types.
  const saved = context.store.update(resource, next as StoredObjects[StoredResource]);
  if (saved === undefined) throw ApiError.notFound(resource, current.metadata.name);
  return saved;
}

/** Autoscalers are all that clients may create. */
export function createAutoscaler(
  context: HandlerContext,
  request: ResourceRequest,
  body: Body,
  query: URLSearchParams,
): KubeObject {
  const { kind } = request.resource;
  const wanted = body.value;
  if (!isObject(wanted) || !isObject(wanted.metadata)) throw ApiError.badRequest('the body is not an object with metadata');
  if (wanted.kind !== undefined && wanted.kind !== kind) {
    throw ApiError.badRequest(`expected kind ${kind}, got ${String(wanted.kind)}`);
  }
  const { name, labels, annotations } = wanted.metadata;
  if (typeof name !== 'string' || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) {
    throw ApiError.invalid(kind, String(name ?? ''), [{ field: 'metadata.name', message: 'Required value: a lower-case name' }]);
  }
  const created = {
    apiVersion: apiVersionOf(request.resource),
    kind,
    metadata: {
      name,
      namespace: request.namespace,
      uid: newUid(),
      creationTimestamp: timestamp(context.clock.now()),
      generation: 1,
      labels,
      annotations,
    },
    spec: defaultedAutoscalerSpec(wanted.spec),
    status: { desiredReplicas: 0, currentMetrics: null },
  } as Hpa;
  requireValid('horizontalpodautoscalers', created, null);
  return isDryRun(query.getAll('dryRun')) ? created : context.store.create('horizontalpodautoscalers', created);
}

export function readScale(context: HandlerContext, request: ResourceRequest): object {
  return scaleOf(requireStored(context, request));
}

function scaleOf(object: KubeObject): object {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const matchLabels = valueAt(object, 'spec.selector.matchLabels');
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: valueAt(object, 'spec.replicas') },
    status: {
      replicas: valueAt(object, 'status.replicas') ?? 0,
      selector: isObject(matchLabels) ? formatSelector(matchLabels as Readonly<Record<string, string>>) : '',
    },
  };
}

export function writeScale(context: HandlerContext, request: ResourceRequest, body: Body, query: URLSearchParams): object {
  const current = requireStored(context, request);
  const scale = scaleOf(current);
  const wanted = request.verb === 'patch' ? applyPatch(scale, body) : body.value;
  if (!isObject(wanted)) throw ApiError.badRequest('the body is not a Scale');
  const replicas = valueAt(wanted, 'spec.replicas') ?? 0;
  const version = valueAt(wanted, 'metadata.resourceVersion');
  const spec = { ...(valueAt(current, 'spec') as object), replicas };
  const metadata = { ...current.metadata, resourceVersion: version };
  const saved = save(context, request.resource.stored, current, { ...current, metadata, spec }, isDryRun(query.getAll('dryRun')));
  return scaleOf(saved);
}
