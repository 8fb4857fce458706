/** Command lines of the control plane. Everything listens on the first node's address. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Addresses } from './addresses.ts';
import { certificateFile, keyFile } from './certificates.ts';
import { hostProgram } from './debian-packages.ts';
import type { ServiceCommand } from './services.ts';
import {
  DOWNSCALE_STABILISATION_SECONDS,
  HPA_SYNC_SECONDS,
  KUBELET_REQUEST_SECONDS,
  METRIC_RESOLUTION_SECONDS,
  PORTS,
} from './settings.ts';
import type { StateFiles } from './state.ts';

export interface Plan {
  readonly files: StateFiles;
  /** Folder of our own programs. */
  readonly programs: string;
  readonly addresses: Addresses;
  readonly nodeNames: readonly string[];
}

export function firstAddress({ addresses }: Plan): string {
  return addresses.nodeAddresses[0] ?? '';
}

export function apiServerUrl(plan: Plan): string {
  return `https://${firstAddress(plan)}:${PORTS.apiserver}`;
}

export function kubeconfigFile(plan: Plan, user: string): string {
  return join(plan.files.config, `${user}.kubeconfig`);
}

export function etcd(plan: Plan): ServiceCommand {
  const { pki, dir } = plan.files;
  const client = `https://${firstAddress(plan)}:${PORTS.etcd}`;
  const peer = `https://${firstAddress(plan)}:${PORTS.etcdPeer}`;
  return {
    name: 'etcd',
    program: hostProgram('etcd'),
    args: [
      '--name=node',
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=node=${peer}`,
      `--cert-file=${certificateFile(pki, 'etcd')}`,
      `--key-file=${keyFile(pki, 'etcd')}`,
      `--trusted-ca-file=${certificateFile(pki, 'etcd-ca')}`,
      '--client-cert-auth=true',
      `--peer-cert-file=${certificateFile(pki, 'etcd')}`,
      `--peer-key-file=${keyFile(pki, 'etcd')}`,
      `--peer-trusted-ca-file=${certificateFile(pki, 'etcd-ca')}`,
      '--peer-client-cert-auth=true',
      '--logger=zap',
      '--log-level=warn',
    ],
  };
}

export function apiServer(plan: Plan): ServiceCommand {
  const { pki } = plan.files;
  const address = firstAddress(plan);
  return {
    name: 'kube-apiserver',
    program: join(plan.programs, 'kube-apiserver'),
    args: [
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      `--secure-port=${PORTS.apiserver}`,
      `--etcd-servers=https://${address}:${PORTS.etcd}`,
      `--etcd-cafile=${certificateFile(pki, 'etcd-ca')}`,
      `--etcd-certfile=${certificateFile(pki, 'etcd-client')}`,
      `--etcd-keyfile=${keyFile(pki, 'etcd-client')}`,
      `--tls-cert-file=${certificateFile(pki, 'apiserver')}`,
      `--tls-private-key-file=${keyFile(pki, 'apiserver')}`,
      `--client-ca-file=${certificateFile(pki, 'ca')}`,
      `--kubelet-certificate-authority=${certificateFile(pki, 'ca')}`,
      `--kubelet-client-certificate=${certificateFile(pki, 'apiserver-kubelet')}`,
      `--kubelet-client-key=${keyFile(pki, 'apiserver-kubelet')}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--service-cluster-ip-range=${plan.addresses.serviceCidr}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${join(pki, 'service-accounts.pub')}`,
      `--service-account-signing-key-file=${join(pki, 'service-accounts.key')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      // metrics-server runs on the host, behind a Service without pods: requests go to its endpoint, not to a cluster address.
      '--enable-aggregator-routing=true',
      `--requestheader-client-ca-file=${certificateFile(pki, 'front-proxy-ca')}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      `--proxy-client-cert-file=${certificateFile(pki, 'front-proxy')}`,
      `--proxy-client-key-file=${keyFile(pki, 'front-proxy')}`,
      '--profiling=false',
    ],
  };
}

function userArgs(plan: Plan, user: string): readonly string[] {
  const file = kubeconfigFile(plan, user);
  return [`--kubeconfig=${file}`, `--authentication-kubeconfig=${file}`, `--authorization-kubeconfig=${file}`];
}

export function controllerManager(plan: Plan): ServiceCommand {
  const { pki } = plan.files;
  return {
    name: 'kube-controller-manager',
    program: join(plan.programs, 'kube-controller-manager'),
    args: [
      ...userArgs(plan, 'kube-controller-manager'),
      `--bind-address=${firstAddress(plan)}`,
      `--secure-port=${PORTS.controllerManager}`,
      `--root-ca-file=${certificateFile(pki, 'ca')}`,
      `--service-account-private-key-file=${join(pki, 'service-accounts.key')}`,
      `--cluster-signing-cert-file=${certificateFile(pki, 'ca')}`,
      `--cluster-signing-key-file=${keyFile(pki, 'ca')}`,
      '--use-service-account-credentials=true',
      // Its default is a folder of the host, which it would make.
      `--flex-volume-plugin-dir=${join(plan.files.config, 'volume-plugins')}`,
      // The only one; with elections it would end itself when the API is away for 10 s.
      '--leader-elect=false',
      `--horizontal-pod-autoscaler-sync-period=${HPA_SYNC_SECONDS}s`,
      `--horizontal-pod-autoscaler-downscale-stabilization=${DOWNSCALE_STABILISATION_SECONDS}s`,
      '--profiling=false',
    ],
  };
}

export function scheduler(plan: Plan): ServiceCommand {
  return {
    name: 'kube-scheduler',
    program: join(plan.programs, 'kube-scheduler'),
    args: [
      ...userArgs(plan, 'kube-scheduler'),
      `--bind-address=${firstAddress(plan)}`,
      `--secure-port=${PORTS.scheduler}`,
      '--leader-elect=false',
      '--profiling=false',
    ],
  };
}

export function metricsServer(plan: Plan): ServiceCommand {
  const { pki } = plan.files;
  return {
    name: 'metrics-server',
    program: join(plan.programs, 'metrics-server'),
    args: [
      ...userArgs(plan, 'metrics-server'),
      `--bind-address=${firstAddress(plan)}`,
      `--secure-port=${PORTS.metricsServer}`,
      `--tls-cert-file=${certificateFile(pki, 'metrics-server-serving')}`,
      `--tls-private-key-file=${keyFile(pki, 'metrics-server-serving')}`,
      `--requestheader-client-ca-file=${certificateFile(pki, 'front-proxy-ca')}`,
      '--requestheader-allowed-names=front-proxy-client',
      `--kubelet-certificate-authority=${certificateFile(pki, 'ca')}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--kubelet-use-node-status-port',
      `--kubelet-request-timeout=${KUBELET_REQUEST_SECONDS}s`,
      `--metric-resolution=${METRIC_RESOLUTION_SECONDS}s`,
    ],
  };
}

export function coredns(plan: Plan): ServiceCommand {
  const file = join(plan.files.config, 'Corefile');
  writeFileSync(
    file,
    [
      '.:53 {',
      `  bind ${firstAddress(plan)}`,
      '  errors',
      `  ready ${firstAddress(plan)}:${PORTS.dnsReady}`,
      '  cache 2',
      '  kubernetes cluster.local in-addr.arpa {',
      `    kubeconfig ${kubeconfigFile(plan, 'coredns')}`,
      '    pods insecure',
      '    ttl 2',
      '  }',
      '  template ANY ANY . {',
      '    rcode NXDOMAIN',
      '  }',
      '}',
      '',
    ].join('\n'),
  );
  return { name: 'coredns', program: join(plan.programs, 'coredns'), args: ['-conf', file] };
}
