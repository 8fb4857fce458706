/** What the caller may do: everything, except the denied rules a test sets. */
import { isObject } from './json.ts';
import type { DeniedRule } from './options.ts';
import type { ResourceRequest } from './request.ts';
import { ApiError } from './status.ts';

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

export function requireAccess(request: ResourceRequest, denied: readonly DeniedRule[]): void {
  const { group, plural } = request.resource;
  const subresource = request.subresource?.name ?? '';
  if (!isDenied({ verb: request.verb, group, resource: plural, subresource }, denied)) return;
  const resource = subresource === '' ? plural : `${plural}/${subresource}`;
  const where = request.namespace === undefined ? 'at the cluster scope' : `in the namespace "${request.namespace}"`;
  const subject = request.name === undefined ? '' : ` "${request.name}"`;
  const qualified = group === '' ? plural : `${plural}.${group}`;
  throw new ApiError(
    403,
    'Forbidden',
    `${qualified}${subject} is forbidden: User "${userName}" cannot ${request.verb} resource "${resource}" in API group "${group}" ${where}`,
    { ...(request.name === undefined ? {} : { name: request.name }), kind: plural, ...(group === '' ? {} : { group }) },
  );
}

/** Answers a SelfSubjectAccessReview. */
export function reviewAccess(body: unknown, denied: readonly DeniedRule[]): object {
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
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: { creationTimestamp: null },
    spec,
    status: denies
      ? { allowed: false, reason: 'denied by a rule of the lab' }
      : { allowed: true, reason: 'the lab allows everything' },
  };
}

function actionOf(attributes: Readonly<Record<string, unknown>>): Action {
  const text = (key: string) => (typeof attributes[key] === 'string' ? attributes[key] : '');
  return { verb: text('verb'), group: text('group'), resource: text('resource'), subresource: text('subresource') };
}

/** Answers a SelfSubjectRulesReview, for `kubectl auth can-i --list`. Denials cannot be expressed in it. */
export function reviewRules(body: unknown, denied: readonly DeniedRule[]): object {
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    metadata: { creationTimestamp: null },
    spec: isObject(body) && isObject(body.spec) ? body.spec : {},
    status: {
      resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
      nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      incomplete: denied.length > 0,
    },
  };
}
