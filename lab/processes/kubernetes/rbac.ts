/**
 * Service accounts and what roles grant them, as `rbac.authorization.k8s.io` has it. Whoever comes without a token is the lab's own
 * user, who may do everything.
 */
import { randomBytes } from 'node:crypto';
import { isObject, valueAt } from './json.ts';
import type { KubeObject } from './objects.ts';
import { ApiError } from './status.ts';
import type { Store } from './store.ts';

export interface ServiceAccountUser {
  readonly namespace: string;
  readonly account: string;
}

export interface Attempt {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty: the whole cluster. */
  readonly namespace: string;
  /** Empty: no object is named. */
  readonly name: string;
}

/** Tokens that were given out. */
export class Tokens {
  readonly #users = new Map<string, ServiceAccountUser>();

  issue(user: ServiceAccountUser): string {
    const token = `lab.${randomBytes(24).toString('base64url')}`;
    this.#users.set(token, user);
    return token;
  }

  /** Null: no token was sent. @throws ApiError 401 for one that was not given out here. */
  userOf(authorization: string | undefined): ServiceAccountUser | null {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return null;
    const user = this.#users.get(token);
    if (user === undefined) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
    return user;
  }
}

export const userNameOf = ({ namespace, account }: ServiceAccountUser): string => `system:serviceaccount:${namespace}:${account}`;

/** What every authenticated account may ask: what it may do (`system:basic-user`). */
const ASKS_ABOUT_ITSELF: ReadonlySet<string> = new Set(['selfsubjectaccessreviews', 'selfsubjectrulesreviews']);

export function isGranted(store: Store, user: ServiceAccountUser, attempt: Attempt): boolean {
  if (attempt.group === 'authorization.k8s.io' && ASKS_ABOUT_ITSELF.has(attempt.resource)) return true;
  return rulesOf(store, user, attempt.namespace).some((rule) => covers(rule, attempt));
}

/** Rules of all bindings that count in the namespace: those of the cluster, and its own. */
export function rulesOf(store: Store, user: ServiceAccountUser, namespace: string): readonly Rule[] {
  const ofCluster = store.list('clusterrolebindings').filter((binding) => binds(binding, user));
  const own = namespace === '' ? [] : store.list('rolebindings', namespace).filter((binding) => binds(binding, user));
  return [...ofCluster, ...own].flatMap((binding) => {
    const name = String(valueAt(binding, 'roleRef.name'));
    const role =
      valueAt(binding, 'roleRef.kind') === 'ClusterRole'
        ? store.get('clusterroles', undefined, name)
        : store.get('roles', binding.metadata.namespace, name);
    return (list(role?.rules) ?? []).filter(isObject);
  });
}

type Rule = Readonly<Record<string, unknown>>;

function binds(binding: KubeObject, user: ServiceAccountUser): boolean {
  const groups = ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${user.namespace}`];
  return (list(valueAt(binding, 'subjects')) ?? []).some((subject) => {
    const name = String(valueAt(subject, 'name'));
    const kind = valueAt(subject, 'kind');
    if (kind === 'Group') return groups.includes(name);
    if (kind === 'User') return name === userNameOf(user);
    const namespace = valueAt(subject, 'namespace') ?? binding.metadata.namespace;
    return kind === 'ServiceAccount' && name === user.account && namespace === user.namespace;
  });
}

function covers(rule: Rule, { verb, group, resource, subresource, name }: Attempt): boolean {
  const has = (field: string, ...accepted: readonly string[]): boolean =>
    (list(rule[field]) ?? []).some((value) => value === '*' || accepted.includes(String(value)));
  const resources = subresource === '' ? [resource] : [`${resource}/${subresource}`, `*/${subresource}`];
  const names = list(rule.resourceNames) ?? [];
  return (
    has('verbs', verb) &&
    has('apiGroups', group) &&
    has('resources', ...resources) &&
    (names.length === 0 || names.includes(name))
  );
}

const list = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined);
