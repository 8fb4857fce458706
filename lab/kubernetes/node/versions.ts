/** What is built. A change here, in the programs' sources or in their go.sum makes a new folder in the cache. */
export const KUBERNETES_VERSION = 'v1.34.4';
export const METRICS_SERVER_VERSION = 'v0.9.0';
export const COREDNS_VERSION = 'v1.14.3';

/** One file, started under these names (programs/kubernetes/main.go). */
export const KUBERNETES_PROGRAMS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'kubectl',
] as const;
