/** Required permissions as objects of `rbac.authorization.k8s.io/v1`. Pure. */
import type { RequiredAccess } from './required-access.ts';

export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface RbacNames {
  /** Of the account and all roles. */
  readonly name: string;
  /** The namespace that the plan works in; the account lives there too. */
  readonly namespace: string;
}

export type RbacObject = Readonly<Record<string, unknown>>;

const API = 'rbac.authorization.k8s.io';

/** ServiceAccount, Role and RoleBinding; ClusterRole and ClusterRoleBinding only where something cluster-wide is needed. */
export function rbacObjects(access: readonly RequiredAccess[], { name, namespace }: RbacNames): readonly RbacObject[] {
  const labels = { 'app.kubernetes.io/managed-by': 'peakproof' };
  // Names of cluster-wide objects are shared by all namespaces.
  const clusterName = `${namespace}-${name}`;
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const objects: RbacObject[] = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace, labels } },
    { apiVersion: `${API}/v1`, kind: 'Role', metadata: { name, namespace, labels }, rules: rulesOf(access, false) },
    {
      apiVersion: `${API}/v1`,
      kind: 'RoleBinding',
      metadata: { name, namespace, labels },
      roleRef: { apiGroup: API, kind: 'Role', name },
      subjects,
    },
  ];
  const clusterRules = rulesOf(access, true);
  if (clusterRules.length === 0) return objects;
  return [
    ...objects,
    { apiVersion: `${API}/v1`, kind: 'ClusterRole', metadata: { name: clusterName, labels }, rules: clusterRules },
    {
      apiVersion: `${API}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: clusterName, labels },
      roleRef: { apiGroup: API, kind: 'ClusterRole', name: clusterName },
      subjects,
    },
  ];
}

/** One rule a resource (and set of names), with all verbs that are needed on it. */
export function rulesOf(access: readonly RequiredAccess[], clusterWide: boolean): readonly RbacRule[] {
  const byResource = new Map<
    string,
    { readonly group: string; readonly resource: string; readonly verbs: Map<string, Set<string>> }
  >();
  for (const { group, resource, subresource, name, verb, clusterWide: wide } of access) {
    if (wide !== clusterWide) continue;
    const full = subresource === undefined ? resource : `${resource}/${subresource}`;
    const entry = byResource.get(`${group} ${full}`) ?? { group, resource: full, verbs: new Map() };
    const names = entry.verbs.get(verb) ?? new Set();
    // '' stands for all of them.
    names.add(name ?? '');
    entry.verbs.set(verb, names);
    byResource.set(`${group} ${full}`, entry);
  }
  return [...byResource.values()].flatMap(({ group, resource, verbs }) => {
    const byNames = Map.groupBy(verbs, ([, names]) => (names.has('') ? '' : [...names].sort().join(' ')));
    return [...byNames].map(([names, list]) => ({
      apiGroups: [group],
      resources: [resource],
      ...(names !== '' && { resourceNames: names.split(' ') }),
      verbs: list.map(([verb]) => verb).sort(),
    }));
  });
}
