/** What the caller may do: the lab's own user everything, a service account what roles grant; less the denied rules a test sets. */
import { isObject } from './json.ts';
import type { DeniedRule } from './options.ts';
import { isGranted, rulesOf, type ServiceAccountUser, userNameOf } from './rbac.ts';
import type { ResourceRequest } from './request.ts';
import { ApiError } from './status.ts';
import type { Store } from './store.ts';

export const userName = 'peakproof-lab';

export interface Action {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
}

export function isDenied(action: Action, denied: readonly DeniedRule[]): boolean {
  const fits = (rule: string, value: string) => rule === '*' || rule === value || value === '*';
  return denied.some(
    (rule) =>
      fits(rule.verb, action.verb) &&
      fits(rule.group, action.group) &&
      fits(rule.resource, action.resource) &&
      fits(rule.subresource ?? '', action.subresource),
  );
}

/** Who asks, and by what it is decided. */
export interface Authority {
  readonly store: Store;
  readonly denied: readonly DeniedRule[];
  /** Null: the lab's own user. */
  readonly user: ServiceAccountUser | null;
}

export function requireAccess(request: ResourceRequest, { store, denied, user }: Authority): void {
  const { group, plural } = request.resource;
  const subresource = request.subresource?.name ?? '';
  const action = { verb: request.verb, group, resource: plural, subresource };
  const place = { namespace: request.namespace ?? '', name: request.name ?? '' };
  const granted = user === null || isGranted(store, user, { ...action, ...place });
  if (granted && !isDenied(action, denied)) return;
  const resource = subresource === '' ? plural : `${plural}/${subresource}`;
  const where = request.namespace === undefined ? 'at the cluster scope' : `in the namespace "${request.namespace}"`;
  const subject = request.name === undefined ? '' : ` "${request.name}"`;
  const qualified = group === '' ? plural : `${plural}.${group}`;
  throw new ApiError(
    403,
    'Forbidden',
    `${qualified}${subject} is forbidden: User "${user === null ? userName : userNameOf(user)}" cannot ${request.verb} resource "${resource}" in API group "${group}" ${where}`,
    { ...(request.name === undefined ? {} : { name: request.name }), kind: plural, ...(group === '' ? {} : { group }) },
  );
}

/** Answers a SelfSubjectAccessReview. */
export function reviewAccess(body: unknown, { store, denied, user }: Authority): object {
  const spec = isObject(body) && isObject(body.spec) ? body.spec : {};
  const attributes = spec.resourceAttributes;
  if (!isObject(attributes) && !isObject(spec.nonResourceAttributes)) {
    throw ApiError.invalid('SelfSubjectAccessReview', '', [
      {
        field: 'spec.resourceAttributes',
        message: 'Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
      },
    ]);
  }
  const denies = isObject(attributes) && isDenied(actionOf(attributes), denied);
  const grants =
    user === null || !isObject(attributes) || isGranted(store, user, { ...actionOf(attributes), ...placeOf(attributes) });
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: { creationTimestamp: null },
    spec,
    status: denies
      ? { allowed: false, reason: 'denied by a rule of the lab' }
      : { allowed: grants, reason: user === null ? 'the lab allows everything' : 'RBAC' },
  };
}

function placeOf({ namespace, name }: Readonly<Record<string, unknown>>): { readonly namespace: string; readonly name: string } {
  return { namespace: typeof namespace === 'string' ? namespace : '', name: typeof name === 'string' ? name : '' };
}

function actionOf(attributes: Readonly<Record<string, unknown>>): Action {
  const text = (key: string) => (typeof attributes[key] === 'string' ? attributes[key] : '');
  return { verb: text('verb'), group: text('group'), resource: text('resource'), subresource: text('subresource') };
}

/** Answers a SelfSubjectRulesReview, for `kubectl auth can-i --list`. Denials cannot be expressed in it. */
export function reviewRules(body: unknown, { store, denied, user }: Authority): object {
  const spec = isObject(body) && isObject(body.spec) ? body.spec : {};
  const namespace = typeof spec.namespace === 'string' ? spec.namespace : '';
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    metadata: { creationTimestamp: null },
    spec,
    status: {
      resourceRules: user === null ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : rulesOf(store, user, namespace),
      nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      incomplete: denied.length > 0,
    },
  };
}
