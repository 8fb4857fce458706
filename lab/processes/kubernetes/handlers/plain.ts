/**
 * Objects that no controller of the lab acts on: service accounts, jobs, definitions and what they define. Clients write them
 * freely; deletion honours finalizers.
 */
import { timestamp } from '../clock.ts';
import { bucketOf, establishedDefinition } from '../custom-resources.ts';
import { isObject, sameJson, valueAt } from '../json.ts';
import { newUid, randomSuffix } from '../naming.ts';
import type { KubeObject, ObjectMeta, PlainObject, StoredResource } from '../objects.ts';
import { isDryRun, type ResourceRequest } from '../request.ts';
import { apiVersionOf, qualifiedName } from '../resources.ts';
import { ApiError, successStatus } from '../status.ts';
import { requireMetadata } from '../validate.ts';
import type { Body, HandlerContext } from './context.ts';
import { parseDeleteOptions, requirePreconditions, selection } from './delete.ts';
import { applyPatch, requireStored } from './write.ts';

export function createPlain(context: HandlerContext, request: ResourceRequest, body: Body, query: URLSearchParams): KubeObject {
  const { resource, namespace } = request;
  const wanted = body.value;
  if (!isObject(wanted) || !isObject(wanted.metadata)) throw ApiError.badRequest('the body is not an object with metadata');
  if (wanted.kind !== undefined && wanted.kind !== resource.kind) {
    throw ApiError.badRequest(`expected kind ${resource.kind}, got ${String(wanted.kind)}`);
  }
  if (wanted.metadata.namespace !== undefined && wanted.metadata.namespace !== namespace) {
    throw ApiError.badRequest(
      `the namespace of the provided object does not match the namespace sent on the request: ${String(wanted.metadata.namespace)}`,
    );
  }
  const given = wanted.metadata as Partial<ObjectMeta>;
  const created = {
    ...(resource.stored === 'events' ? eventDefaults(wanted, timestamp(context.clock.now())) : {}),
    ...(resource.statusApart ? withoutStatus(wanted) : wanted),
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: {
      ...kept(given),
      name: nameOf(given, resource.kind),
      ...(namespace === undefined ? {} : { namespace }),
      uid: newUid(),
      creationTimestamp: timestamp(context.clock.now()),
      generation: 1,
    },
  } as PlainObject;
  requireMetadata(created);
  const stored =
    resource.stored === 'customresourcedefinitions'
      ? establishedDefinition(created, created.metadata.creationTimestamp)
      : created;
  return isDryRun(query.getAll('dryRun')) ? stored : context.store.create(bucket(request), stored as PlainObject);
}

export function writePlain(context: HandlerContext, request: ResourceRequest, body: Body, query: URLSearchParams): KubeObject {
  const current = requireStored(context, request);
  const wanted = request.verb === 'patch' ? applyPatch(current, body) : body.value;
  if (!isObject(wanted) || !isObject(wanted.metadata)) throw ApiError.badRequest('the body is not an object with metadata');
  const { metadata } = wanted;
  if (metadata.name !== undefined && metadata.name !== current.metadata.name) {
    throw ApiError.badRequest(
      `the name of the object (${String(metadata.name)}) does not match the name on the URL (${current.metadata.name})`,
    );
  }
  const stale = metadata.resourceVersion !== undefined && metadata.resourceVersion !== current.metadata.resourceVersion;
  if (stale || (metadata.uid !== undefined && metadata.uid !== current.metadata.uid)) {
    const why = 'the object has been modified; please apply your changes to the latest version and try again';
    throw ApiError.conflict(qualifiedName(request.resource), current.metadata.name, why);
  }
  const next = request.subresource?.name === 'status' ? withStatusOf(current, wanted) : merged(current, wanted, request);
  requireMetadata(next);
  if (isDryRun(query.getAll('dryRun'))) return next;
  const saved = context.store.update(bucket(request), next as PlainObject);
  if (saved === undefined) throw ApiError.notFound(qualifiedName(request.resource), current.metadata.name);
  return finishDeletion(context, request, saved);
}

/** What every reader of events relies on. */
function eventDefaults(wanted: Readonly<Record<string, unknown>>, now: string): object {
  if (typeof valueAt(wanted, 'involvedObject.kind') !== 'string' || typeof valueAt(wanted, 'involvedObject.name') !== 'string') {
    throw ApiError.invalid('Event', '', [{ field: 'involvedObject', message: 'Required value: kind and name' }]);
  }
  return {
    reason: '',
    message: '',
    type: 'Normal',
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    eventTime: null,
    source: { component: '' },
    reportingComponent: '',
    reportingInstance: '',
  };
}

/** Identity and deletion stay; spec, status (unless it is apart) and everything else are the client's. */
function merged(current: KubeObject, wanted: Readonly<Record<string, unknown>>, { resource }: ResourceRequest): KubeObject {
  const {
    name,
    namespace,
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation = 1,
  } = current.metadata;
  const body = resource.statusApart ? { ...withoutStatus(wanted), ...statusOf(current) } : wanted;
  const changed = !sameJson({ ...body, metadata: 0 }, { ...current, metadata: 0 });
  return {
    ...body,
    apiVersion: apiVersionOf(resource),
    kind: current.kind,
    metadata: {
      ...kept(wanted.metadata as Partial<ObjectMeta>),
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      creationTimestamp,
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp, deletionGracePeriodSeconds }),
      generation: changed ? generation + 1 : generation,
    },
  } as KubeObject;
}

function withStatusOf(current: KubeObject, wanted: Readonly<Record<string, unknown>>): KubeObject {
  return { ...current, ...statusOf(wanted) } as KubeObject;
}

function statusOf(object: object): object {
  const status = valueAt(object, 'status');
  return status === undefined ? {} : { status };
}

function withoutStatus({ status: _status, ...rest }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return rest;
}

/** What a client may say of an object's metadata. */
function kept({ labels, annotations, finalizers, ownerReferences, generateName }: Partial<ObjectMeta>): Partial<ObjectMeta> {
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(finalizers === undefined || finalizers === null ? {} : { finalizers }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
    ...(generateName === undefined ? {} : { generateName }),
  };
}

function nameOf({ name, generateName }: Partial<ObjectMeta>, kind: string): string {
  const given = name ?? (typeof generateName === 'string' ? `${generateName}${randomSuffix()}` : '');
  if (typeof given === 'string' && given.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(given)) return given;
  throw ApiError.invalid(kind, String(given), [{ field: 'metadata.name', message: 'Required value: a lower-case name' }]);
}

export function deletePlain(context: HandlerContext, request: ResourceRequest, body: unknown, query: URLSearchParams): object {
  const options = parseDeleteOptions(body, query);
  const object = requireStored(context, request);
  requirePreconditions(request.resource.plural, object, options);
  return options.dryRun ? object : markDeleted(context, request, object);
}

export function deletePlainCollection(
  context: HandlerContext,
  request: ResourceRequest,
  body: unknown,
  query: URLSearchParams,
): object {
  const options = parseDeleteOptions(body, query);
  const matches = selection(query, request.resource.plural);
  const selected = context.store.list(bucket(request), request.namespace).filter(matches);
  const items = options.dryRun ? selected : selected.map((object) => markDeleted(context, request, object));
  return {
    kind: `${request.resource.kind}List`,
    apiVersion: apiVersionOf(request.resource),
    metadata: { resourceVersion: String(context.store.version) },
    items,
  };
}

/** Goes at once, or stays marked until the last finalizer is taken off. */
function markDeleted(context: HandlerContext, request: ResourceRequest, object: KubeObject): object {
  const { name, uid } = object.metadata;
  const { group, plural } = request.resource;
  const marked =
    object.metadata.deletionTimestamp === undefined
      ? context.store.mutate(bucket(request), object, (current) => ({
          ...current,
          metadata: { ...current.metadata, deletionTimestamp: timestamp(context.clock.now()), deletionGracePeriodSeconds: 0 },
        }))
      : object;
  if (marked === undefined) throw ApiError.notFound(qualifiedName(request.resource), name);
  if ((marked.metadata.finalizers ?? []).length > 0) return marked;
  finishDeletion(context, request, marked);
  return successStatus({ name, group, kind: plural, uid });
}

function finishDeletion(context: HandlerContext, request: ResourceRequest, object: KubeObject): KubeObject {
  if (object.metadata.deletionTimestamp === undefined || (object.metadata.finalizers ?? []).length > 0) return object;
  context.store.delete(bucket(request), object);
  if (request.resource.stored === 'customresourcedefinitions')
    for (const instance of context.store.list(bucketOf(object))) context.store.delete(bucketOf(object), instance);
  return object;
}

/** The router only sends requests for plain objects here; the store keeps them apart by resource. */
function bucket(request: ResourceRequest): StoredResource & ('serviceaccounts' | `custom/${string}`) {
  return (request.resource.stored ?? '') as 'serviceaccounts';
}
