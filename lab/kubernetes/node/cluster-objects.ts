/** What the cluster itself must hold before anything is installed: roles of our daemons, and the way to metrics-server. */
import { readFileSync } from 'node:fs';
import { certificateFile } from './certificates.ts';
import { firstAddress, type Plan } from './control-plane.ts';
import { PORTS } from './settings.ts';

export function clusterObjects(plan: Plan): readonly unknown[] {
  const rbac = 'rbac.authorization.k8s.io/v1';
  const bind = (name: string, role: string, user: string): unknown => ({
    apiVersion: rbac,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  });
  const role = (name: string, labels: Readonly<Record<string, string>>, rules: readonly unknown[]): unknown => ({
    apiVersion: rbac,
    kind: 'ClusterRole',
    metadata: { name, labels },
    rules,
  });
  const read = ['get', 'list', 'watch'];
  const aggregate = {
    'rbac.authorization.k8s.io/aggregate-to-view': 'true',
    'rbac.authorization.k8s.io/aggregate-to-edit': 'true',
    'rbac.authorization.k8s.io/aggregate-to-admin': 'true',
  };
  const metricsUser = 'peakproof:metrics-server';
  return [
    role('peakproof:metrics-server', {}, [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: read },
    ]),
    bind('peakproof:metrics-server', 'peakproof:metrics-server', metricsUser),
    bind('peakproof:metrics-server:auth-delegator', 'system:auth-delegator', metricsUser),
    {
      apiVersion: rbac,
      kind: 'RoleBinding',
      metadata: { name: 'peakproof:metrics-server:auth-reader', namespace: 'kube-system' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'extension-apiserver-authentication-reader' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: metricsUser }],
    },
    role('system:aggregated-metrics-reader', aggregate, [
      { apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: read },
    ]),
    role('peakproof:coredns', {}, [
      { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ]),
    bind('peakproof:coredns', 'peakproof:coredns', 'peakproof:coredns'),
    ...metricsApi(plan),
  ];
}

/** A Service without pods, its one endpoint, and the API that is answered there. */
function metricsApi(plan: Plan): readonly unknown[] {
  const metadata = { name: 'metrics-server', namespace: 'kube-system', labels: { 'k8s-app': 'metrics-server' } };
  const ports = [{ name: 'https', port: PORTS.metricsServer, protocol: 'TCP' }];
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { ports: [{ ...ports[0], port: 443, targetPort: PORTS.metricsServer }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { ...metadata.labels, 'kubernetes.io/service-name': 'metrics-server' } },
      addressType: 'IPv4',
      ports,
      endpoints: [{ addresses: [firstAddress(plan)], conditions: { ready: true } }],
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta1.metrics.k8s.io' },
      spec: {
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        caBundle: readFileSync(certificateFile(plan.files.pki, 'ca')).toString('base64'),
        service: { name: 'metrics-server', namespace: 'kube-system', port: 443 },
      },
    },
  ];
}
