/** Command lines and configuration of what runs on every node: containerd, kubelet, kube-proxy. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateFile, keyFile } from './certificates.ts';
import { cgroupRoot } from './cgroups.ts';
import { firstAddress, kubeconfigFile, type Plan } from './control-plane.ts';
import { CNI_BIN_DIR, hostProgram } from './debian-packages.ts';
import { networkName } from './host.ts';
import type { ServiceCommand } from './services.ts';
import { PAUSE_IMAGE, PORTS } from './settings.ts';

export function containerdSocket(plan: Plan, index: number): string {
  return join(plan.files.dir, `c${index + 1}.sock`);
}

/** Folders of the n-th node's containerd and kubelet. */
function nodeFolder(plan: Plan, index: number, name: string): string {
  return join(plan.files.dir, `n${index + 1}`, name);
}

export function containerd(plan: Plan, index: number): ServiceCommand {
  const name = plan.nodeNames[index] ?? '';
  const cni = join(plan.files.config, `cni-${name}`);
  mkdirSync(cni, { recursive: true });
  mkdirSync(nodeFolder(plan, index, 'cni'), { recursive: true });
  writeFileSync(join(cni, '10-peakproof.conflist'), JSON.stringify(podNetwork(plan, index, name), null, 2));
  const file = join(plan.files.config, `containerd-${name}.toml`);
  writeFileSync(file, containerdConfig(plan, index, cni));
  return { name: `containerd-${name}`, program: hostProgram('containerd'), args: ['--config', file] };
}

/** Every pod has a link of its own to the host, which routes between them. */
function podNetwork(plan: Plan, index: number, name: string): unknown {
  return {
    cniVersion: '0.4.0',
    name: networkName(name),
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: nodeFolder(plan, index, 'cni'),
          ranges: [[{ subnet: plan.addresses.podCidrs[index] }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  };
}

function containerdConfig(plan: Plan, index: number, cni: string): string {
  const text = (value: string): string => JSON.stringify(value);
  return `version = 2
root = ${text(nodeFolder(plan, index, 'images'))}
state = ${text(nodeFolder(plan, index, 'run'))}
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = ${text(containerdSocket(plan, index))}

[ttrpc]
  address = ${text(`${containerdSocket(plan, index)}.ttrpc`)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(PAUSE_IMAGE)}
  # Without CAP_SYS_RESOURCE no process may be made less likely to be killed than this one.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  disable_apparmor = true
  enable_unprivileged_ports = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = ${text(CNI_BIN_DIR)}
  conf_dir = ${text(cni)}

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  Root = ${text(nodeFolder(plan, index, 'runc'))}
  SystemdCgroup = false
`;
}

export function kubelet(plan: Plan, index: number): ServiceCommand {
  const name = plan.nodeNames[index] ?? '';
  const address = plan.addresses.nodeAddresses[index] ?? '';
  const { pki } = plan.files;
  const root = nodeFolder(plan, index, 'kubelet');
  const file = join(plan.files.config, `kubelet-${name}.json`);
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address,
    port: PORTS.kubelet,
    healthzBindAddress: address,
    healthzPort: PORTS.kubeletHealth,
    readOnlyPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificateFile(pki, 'ca') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certificateFile(pki, `kubelet-${name}`),
    tlsPrivateKeyFile: keyFile(pki, `kubelet-${name}`),
    containerRuntimeEndpoint: `unix://${containerdSocket(plan, index)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroupRoot(plan.files.dir, index),
    enforceNodeAllocatable: [],
    failSwapOn: false,
    failCgroupV1: false,
    localStorageCapacityIsolation: false,
    // Images come from files once and must not be collected as unused; a full disk is the host's business.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '100Mi' },
    oomScoreAdj: 0,
    clusterDNS: [firstAddress(plan)],
    clusterDomain: 'cluster.local',
    resolvConf: '',
    podLogsDir: nodeFolder(plan, index, 'logs'),
    volumePluginDir: join(root, 'volume-plugins'),
    maxPods: 110,
    serializeImagePulls: false,
    // Ten a second by default: a roll-out of many pods at once would measure that and not the pods.
    kubeAPIQPS: 100,
    kubeAPIBurst: 200,
  };
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`);
  return {
    name: `kubelet-${name}`,
    program: join(plan.programs, 'kubelet'),
    args: [
      `--config=${file}`,
      `--kubeconfig=${kubeconfigFile(plan, `kubelet-${name}`)}`,
      `--root-dir=${root}`,
      `--cert-dir=${join(root, 'pki')}`,
      `--hostname-override=${name}`,
      `--node-ip=${address}`,
    ],
  };
}

/** One for all nodes: they share the host's packet filter. */
export function kubeProxy(plan: Plan): ServiceCommand {
  const address = firstAddress(plan);
  return {
    name: 'kube-proxy',
    program: join(plan.programs, 'kube-proxy'),
    args: [
      `--kubeconfig=${kubeconfigFile(plan, 'kube-proxy')}`,
      `--hostname-override=${plan.nodeNames[0] ?? ''}`,
      '--proxy-mode=iptables',
      `--cluster-cidr=${plan.addresses.podRange}`,
      '--nodeport-addresses=127.0.0.0/8',
      `--healthz-bind-address=${address}:${PORTS.proxyHealth}`,
      `--metrics-bind-address=${address}:${PORTS.proxyMetrics}`,
      // The host's own limits of connection tracking stay as they are.
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0s',
      '--conntrack-tcp-timeout-close-wait=0s',
      '--oom-score-adj=0',
    ],
  };
}
