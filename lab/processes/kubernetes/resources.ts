/** What the API serves. Discovery, routing and error messages all come from this one table. */
import type { StoredResource } from './objects.ts';

export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Where the objects live; absent: computed or create-only. */
  readonly stored?: StoredResource;
  readonly subresources?: readonly SubresourceDefinition[];
  /** True: nothing in the lab acts on these objects; clients write them freely, finalizers are honoured. */
  readonly plain?: boolean;
  /** True: `status` is only written through its subresource. */
  readonly statusApart?: boolean;
  /** Columns of `kubectl get` beside name and age. */
  readonly columns?: readonly PrinterColumn[];
}

export interface PrinterColumn {
  readonly name: string;
  /** Dotted path. */
  readonly path: string;
  readonly priority: number;
}

export interface SubresourceDefinition {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

const read = ['get', 'list', 'watch'] as const;
const change = ['create', 'update', 'patch', 'delete', 'deletecollection'] as const;
const scale: SubresourceDefinition = {
  name: 'scale',
  kind: 'Scale',
  group: 'autoscaling',
  version: 'v1',
  verbs: ['get', 'patch', 'update'],
};

function status(kind: string): SubresourceDefinition {
  return { name: 'status', kind, verbs: ['get'] };
}

function roleResource(
  plural: 'roles' | 'rolebindings' | 'clusterroles' | 'clusterrolebindings',
  kind: string,
  namespaced: boolean,
): ResourceDefinition {
  return {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural,
    singular: kind.toLowerCase(),
    kind,
    namespaced,
    verbs: [...read, ...change],
    stored: plural,
    plain: true,
  };
}

export const resources: readonly ResourceDefinition[] = [
  {
    group: '',
    version: 'v1',
    plural: 'pods',
    singular: 'pod',
    kind: 'Pod',
    namespaced: true,
    verbs: [...read, 'delete', 'deletecollection', 'patch', 'update'],
    shortNames: ['po'],
    categories: ['all'],
    stored: 'pods',
    subresources: [
      status('Pod'),
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    ],
  },
  {
    group: '',
    version: 'v1',
    plural: 'events',
    singular: 'event',
    kind: 'Event',
    namespaced: true,
    verbs: [...read, 'create', 'patch', 'update'],
    shortNames: ['ev'],
    stored: 'events',
    plain: true,
  },
  {
    group: '',
    version: 'v1',
    plural: 'serviceaccounts',
    singular: 'serviceaccount',
    kind: 'ServiceAccount',
    namespaced: true,
    verbs: [...read, ...change],
    shortNames: ['sa'],
    stored: 'serviceaccounts',
    plain: true,
    subresources: [{ name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] }],
  },
  roleResource('roles', 'Role', true),
  roleResource('rolebindings', 'RoleBinding', true),
  roleResource('clusterroles', 'ClusterRole', false),
  roleResource('clusterrolebindings', 'ClusterRoleBinding', false),
  {
    group: 'batch',
    version: 'v1',
    plural: 'jobs',
    singular: 'job',
    kind: 'Job',
    namespaced: true,
    verbs: [...read, ...change],
    categories: ['all'],
    stored: 'jobs',
    plain: true,
  },
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    kind: 'CustomResourceDefinition',
    namespaced: false,
    verbs: [...read, ...change],
    shortNames: ['crd', 'crds'],
    stored: 'customresourcedefinitions',
    plain: true,
  },
  {
    group: '',
    version: 'v1',
    plural: 'nodes',
    singular: 'node',
    kind: 'Node',
    namespaced: false,
    verbs: [...read, 'patch', 'update'],
    shortNames: ['no'],
    stored: 'nodes',
  },
  {
    group: '',
    version: 'v1',
    plural: 'namespaces',
    singular: 'namespace',
    kind: 'Namespace',
    namespaced: false,
    verbs: read,
    shortNames: ['ns'],
    stored: 'namespaces',
  },
  {
    group: '',
    version: 'v1',
    plural: 'services',
    singular: 'service',
    kind: 'Service',
    namespaced: true,
    verbs: read,
    shortNames: ['svc'],
    categories: ['all'],
    stored: 'services',
  },
  {
    group: '',
    version: 'v1',
    plural: 'endpoints',
    singular: 'endpoints',
    kind: 'Endpoints',
    namespaced: true,
    verbs: read,
    shortNames: ['ep'],
    stored: 'endpoints',
  },
  {
    group: 'apps',
    version: 'v1',
    plural: 'deployments',
    singular: 'deployment',
    kind: 'Deployment',
    namespaced: true,
    verbs: [...read, 'patch', 'update'],
    shortNames: ['deploy'],
    categories: ['all'],
    stored: 'deployments',
    subresources: [scale, status('Deployment')],
  },
  {
    group: 'apps',
    version: 'v1',
    plural: 'replicasets',
    singular: 'replicaset',
    kind: 'ReplicaSet',
    namespaced: true,
    verbs: read,
    shortNames: ['rs'],
    categories: ['all'],
    stored: 'replicasets',
    subresources: [status('ReplicaSet')],
  },
  {
    group: 'apps',
    version: 'v1',
    plural: 'statefulsets',
    singular: 'statefulset',
    kind: 'StatefulSet',
    namespaced: true,
    verbs: [...read, 'patch', 'update'],
    shortNames: ['sts'],
    categories: ['all'],
    stored: 'statefulsets',
    subresources: [scale, status('StatefulSet')],
  },
  {
    group: 'autoscaling',
    version: 'v2',
    plural: 'horizontalpodautoscalers',
    singular: 'horizontalpodautoscaler',
    kind: 'HorizontalPodAutoscaler',
    namespaced: true,
    verbs: [...read, 'create', 'delete', 'patch', 'update'],
    shortNames: ['hpa'],
    categories: ['all'],
    stored: 'horizontalpodautoscalers',
    subresources: [status('HorizontalPodAutoscaler')],
  },
  {
    group: 'policy',
    version: 'v1',
    plural: 'poddisruptionbudgets',
    singular: 'poddisruptionbudget',
    kind: 'PodDisruptionBudget',
    namespaced: true,
    verbs: [...read, ...change],
    shortNames: ['pdb'],
    stored: 'poddisruptionbudgets',
    plain: true,
    statusApart: true,
    subresources: [status('PodDisruptionBudget')],
  },
  {
    group: 'events.k8s.io',
    version: 'v1',
    plural: 'events',
    singular: 'event',
    kind: 'Event',
    namespaced: true,
    verbs: read,
    shortNames: ['ev'],
    stored: 'events',
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    plural: 'selfsubjectaccessreviews',
    singular: 'selfsubjectaccessreview',
    kind: 'SelfSubjectAccessReview',
    namespaced: false,
    verbs: ['create'],
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    plural: 'selfsubjectrulesreviews',
    singular: 'selfsubjectrulesreview',
    kind: 'SelfSubjectRulesReview',
    namespaced: false,
    verbs: ['create'],
  },
  {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    plural: 'nodes',
    singular: '',
    kind: 'NodeMetrics',
    namespaced: false,
    verbs: ['get', 'list'],
  },
  {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    plural: 'pods',
    singular: '',
    kind: 'PodMetrics',
    namespaced: true,
    verbs: ['get', 'list'],
  },
];

export function findResource(
  served: readonly ResourceDefinition[],
  group: string,
  version: string,
  plural: string,
): ResourceDefinition | undefined {
  return served.find((entry) => entry.group === group && entry.version === version && entry.plural === plural);
}

export function apiVersionOf(resource: { readonly group: string; readonly version: string }): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** As Kubernetes writes it in messages: `deployments.apps`, `pods`. */
export function qualifiedName(resource: ResourceDefinition): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}
