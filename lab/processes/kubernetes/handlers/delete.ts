/** DELETE of pods and autoscalers, and pods/eviction. */
import { timestamp } from '../clock.ts';
import { isObject } from '../json.ts';
import type { KubeObject, Pod } from '../objects.ts';
import { isDryRun, type ResourceRequest } from '../request.ts';
import { type Predicate, parseFieldSelector, parseLabelSelector } from '../selectors.ts';
import { ApiError, successStatus } from '../status.ts';
import type { HandlerContext } from './context.ts';

interface DeleteOptions {
  readonly graceSeconds: number | null;
  readonly uid: string | null;
  readonly resourceVersion: string | null;
  readonly dryRun: boolean;
}

/** Options may come in the query or the body; the body wins, as in the API server. */
export function parseDeleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const options = isObject(body) ? body : {};
  const fromQuery = query.get('gracePeriodSeconds');
  const grace = options.gracePeriodSeconds ?? (fromQuery === null ? null : Number(fromQuery));
  if (grace !== null && (typeof grace !== 'number' || !Number.isInteger(grace) || grace < 0)) {
    throw ApiError.badRequest(`Invalid value: ${JSON.stringify(grace)}: gracePeriodSeconds must be an integer of 0 or more`);
  }
  const preconditions = isObject(options.preconditions) ? options.preconditions : {};
  const dryRun = Array.isArray(options.dryRun) ? options.dryRun.map(String) : [];
  return {
    graceSeconds: grace,
    uid: typeof preconditions.uid === 'string' ? preconditions.uid : null,
    resourceVersion: typeof preconditions.resourceVersion === 'string' ? preconditions.resourceVersion : null,
    dryRun: isDryRun([...dryRun, ...query.getAll('dryRun')]),
  };
}

export function requirePreconditions(plural: string, object: KubeObject, options: DeleteOptions): void {
  const { name, uid, resourceVersion } = object.metadata;
  if (options.uid !== null && options.uid !== uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw ApiError.conflict(plural, name, why);
  }
  if (options.resourceVersion !== null && options.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw ApiError.conflict(plural, name, why);
  }
}

export function deleteObject(context: HandlerContext, request: ResourceRequest, body: unknown, query: URLSearchParams): object {
  const options = parseDeleteOptions(body, query);
  const { store } = context;
  const { plural, group } = request.resource;
  const name = request.name ?? '';
  if (request.resource.stored === 'pods') {
    const pod = store.get('pods', request.namespace, name);
    if (pod === undefined) throw ApiError.notFound(plural, name);
    requirePreconditions(plural, pod, options);
    return deletePod(context, pod, options);
  }
  if (request.resource.stored === 'horizontalpodautoscalers') {
    const hpa = store.get('horizontalpodautoscalers', request.namespace, name);
    if (hpa === undefined) throw ApiError.notFound(`${plural}.${group}`, name);
    requirePreconditions(plural, hpa, options);
    if (!options.dryRun) store.delete('horizontalpodautoscalers', hpa);
    return successStatus({ name, group, kind: plural, uid: hpa.metadata.uid });
  }
  throw ApiError.methodNotAllowed('delete', plural);
}

export function deletePod(context: HandlerContext, pod: Pod, options: DeleteOptions): Pod {
  const graceSeconds = options.graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  if (!options.dryRun && !context.killDoesNothing) return context.terminate(pod, graceSeconds);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      deletionTimestamp: timestamp(context.clock.now() + graceSeconds * 1000),
      deletionGracePeriodSeconds: graceSeconds,
    },
  };
}

export function deletePods(context: HandlerContext, request: ResourceRequest, body: unknown, query: URLSearchParams): object {
  const options = parseDeleteOptions(body, query);
  const selected = context.store.list('pods', request.namespace).filter(selection(query, 'pods'));
  const items = selected.map((pod) => deletePod(context, pod, options));
  return { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: String(context.store.version) }, items };
}

export function selection(query: URLSearchParams, plural: string): Predicate {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', plural);
  return (object) => labels(object) && fields(object);
}
