/** What callers of the node see. */

/** The programs of the node's version, built once per machine into the cache folder. */
export interface Programs {
  /** Folder with `kube-apiserver`, `kubelet`, `kubectl`, ... */
  readonly dir: string;
  /** `v1.34.4`. */
  readonly kubernetesVersion: string;
  readonly kubectl: string;
  /** Static program that waits for ever: what a sandbox runs. */
  readonly pause: string;
  /** How long the build took; 0 when everything was in the cache. */
  readonly builtInMs: number;
}

export interface NodeOptions {
  /** Default: `defaultStateDir()`. One node a state folder, and one at a time on a host. */
  readonly stateDir?: string;
  readonly onProgress?: (line: string) => void;
  /** How many nodes the cluster has: kubelets with a containerd, an address and a pod network each. Default: 1, or as many as run. */
  readonly nodes?: 1 | 2;
  readonly signal?: AbortSignal;
}

/** Where the node is and how it was set up. Secrets only as names of files. Also in `<stateDir>/connection.json`. */
export interface NodeConnection {
  readonly stateDir: string;
  /** Of a user who may do everything; mode 0600. */
  readonly kubeconfig: string;
  readonly context: string;
  readonly server: string;
  readonly kubernetesVersion: string;
  readonly metricsServerVersion: string;
  /** Names of the nodes, e.g. `peakproof-1`. */
  readonly nodeNames: readonly string[];
  /** Address of the first node, on a bridge of this host. Pods reach the host under it. */
  readonly nodeAddress: string;
  /** NodePorts answer here and nowhere else. */
  readonly nodePortAddress: '127.0.0.1';
  readonly podCidrs: readonly string[];
  readonly serviceCidr: string;
  /** CoreDNS: Services resolve as `name`, `name.namespace`, `name.namespace.svc.cluster.local`; names outside the cluster do not. */
  readonly clusterDnsAddress: string;
  readonly clusterDomain: 'cluster.local';
  readonly containerdSockets: readonly string[];
  /** For `ctr --address SOCKET --namespace NAMESPACE`. */
  readonly containerdNamespace: 'k8s.io';
  readonly kubectl: string;
  /** How often the autoscaler decides; Kubernetes says that nowhere. */
  readonly hpaSyncSeconds: number;
  /** How long the autoscaler remembers higher recommendations, unless an HPA's own `behavior` says otherwise. */
  readonly downscaleStabilisationSeconds: number;
  /** How often metrics-server asks the kubelets. */
  readonly metricResolutionSeconds: number;
  readonly logDir: string;
}

/** Daemons of the node, by name. The per-node ones carry the node's name: `kubelet-peakproof-1`. */
export type NodeServices =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kube-proxy'
  | 'coredns'
  | 'metrics-server'
  | `containerd-${string}`
  | `kubelet-${string}`;

export interface NodeStatus {
  /** `half-done`: a bring-up that was killed or failed, or a daemon died; `nodeDown` clears it away, `nodeUp` puts it right. */
  readonly state: 'none' | 'starting' | 'running' | 'half-done';
  readonly stateDir: string;
  /** Null when there is none, or it never became ready. */
  readonly connection: NodeConnection | null;
  readonly services: readonly {
    readonly name: string;
    readonly pid: number;
    readonly running: boolean;
    readonly memoryBytes: number;
  }[];
  /** Sentences: what is there and what is not. */
  readonly notes: readonly string[];
}
