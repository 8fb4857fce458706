/** What a request asks for, from its method, path and query. */
import { findResource, type ResourceDefinition, type SubresourceDefinition } from './resources.ts';
import { ApiError } from './status.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface ResourceRequest {
  readonly resource: ResourceDefinition;
  readonly subresource: SubresourceDefinition | null;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly verb: Verb;
}

/** Null: not a resource path. Throws 404 or 405 for one that is not served. */
export function parseResourceRequest(
  served: readonly ResourceDefinition[],
  method: string,
  path: readonly string[],
  query: URLSearchParams,
): ResourceRequest | null {
  const [root, ...rest] = path;
  if (root === 'api' && rest.length >= 2) return parseTarget(served, method, '', rest[0] ?? '', rest.slice(1), query);
  if (root === 'apis' && rest.length >= 3) return parseTarget(served, method, rest[0] ?? '', rest[1] ?? '', rest.slice(2), query);
  return null;
}

function parseTarget(
  served: readonly ResourceDefinition[],
  method: string,
  group: string,
  version: string,
  path: readonly string[],
  query: URLSearchParams,
): ResourceRequest {
  const namespaced = path[0] === 'namespaces' && path.length >= 3;
  const namespace = namespaced ? path[1] : undefined;
  const [plural = '', name, subName, ...excess] = namespaced ? path.slice(2) : path;
  const resource = findResource(served, group, version, plural);
  if (resource === undefined || excess.length > 0 || (namespaced && !resource.namespaced)) throw ApiError.noSuchPath();
  const subresource = subName === undefined ? null : resource.subresources?.find((entry) => entry.name === subName);
  if (subresource === undefined) throw ApiError.noSuchPath();
  if (resource.namespaced && namespace === undefined && name !== undefined) throw ApiError.noSuchPath();
  const verb = verbOf(method, name, query);
  const allowed = subresource?.verbs ?? resource.verbs;
  if (verb === null || !allowed.includes(verb)) throw ApiError.methodNotAllowed(verb ?? method, path.slice(-2).join('/'));
  return { resource, subresource, namespace, name, verb };
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): Verb | null {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (isTrue(query.get('watch'))) return 'watch';
      return name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === undefined ? 'deletecollection' : 'delete';
    default:
      return null;
  }
}

export function isTrue(value: string | null): boolean {
  return value === '1' || value === 'true';
}

/** `dryRun=All` in the query; any other value is an error, not a silent real run. */
export function isDryRun(values: readonly string[]): boolean {
  const unknown = values.find((value) => value !== '' && value !== 'All');
  if (unknown !== undefined) {
    throw new ApiError(422, 'Invalid', `dryRun: Unsupported value: ${JSON.stringify(unknown)}: supported values: "All"`);
  }
  return values.includes('All');
}
