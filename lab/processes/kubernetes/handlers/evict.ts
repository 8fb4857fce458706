/** POST of pods/eviction: a graceful deletion that disruption budgets may refuse. */
import { requireEvictable } from '../controllers/disruption.ts';
import { isObject } from '../json.ts';
import type { ResourceRequest } from '../request.ts';
import { ApiError, successStatus } from '../status.ts';
import type { HandlerContext } from './context.ts';
import { deletePod, parseDeleteOptions, requirePreconditions } from './delete.ts';

export function evictPod(context: HandlerContext, request: ResourceRequest, body: unknown, query: URLSearchParams): object {
  const eviction = isObject(body) ? body : {};
  const options = parseDeleteOptions(eviction.deleteOptions, query);
  const pod = context.store.get('pods', request.namespace, request.name ?? '');
  if (pod === undefined) throw ApiError.notFound('pods', request.name ?? '');
  requirePreconditions('pods', pod, options);
  requireEvictable(context.store, pod);
  deletePod(context, pod, options);
  return { ...successStatus({}), code: 201 };
}
