/** Times that the node is started with and that Kubernetes' API does not tell. */
export const HPA_SYNC_SECONDS = 5;
export const DOWNSCALE_STABILISATION_SECONDS = 30;
/** metrics-server refuses less than 10 s, and needs more than its own request timeout. */
export const METRIC_RESOLUTION_SECONDS = 10;
export const KUBELET_REQUEST_SECONDS = 4;

export const PORTS = {
  apiserver: 6443,
  etcd: 2379,
  etcdPeer: 2380,
  kubelet: 10_250,
  kubeletHealth: 10_248,
  proxyMetrics: 10_249,
  proxyHealth: 10_256,
  controllerManager: 10_257,
  scheduler: 10_259,
  metricsServer: 4_443,
  dnsReady: 8_181,
} as const;

export const PAUSE_IMAGE = 'localhost/peakproof/pause:1';
