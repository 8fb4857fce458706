/** What a host looks like to somebody who wants to know whether a node left something behind. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parseMounts } from '../../lab/kubernetes/node/cgroups.ts';
import { parseTables } from '../../lab/kubernetes/node/iptables.ts';

export interface HostLook {
  readonly mounts: readonly string[];
  readonly links: readonly string[];
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  /** Chains that somebody made, and every rule. Empty built-in chains come and go with anybody who looks. */
  readonly filter: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
  readonly folders: Readonly<Record<string, readonly string[] | null>>;
  readonly cgroups: readonly string[];
  /** Daemons and what they start, by the names of their programs. */
  readonly processes: readonly string[];
}

const SETTINGS = [
  'net/ipv4/ip_forward',
  'net/ipv4/conf/all/route_localnet',
  'net/ipv4/conf/all/forwarding',
  'net/netfilter/nf_conntrack_max',
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
];

const FOLDERS = [
  '/run',
  '/run/netns',
  '/run/containerd',
  '/var/lib',
  '/var/lib/cni',
  '/var/lib/kubelet',
  '/var/lib/containerd',
  '/var/lib/etcd',
  '/var/log',
  '/etc/cni',
  '/opt',
  '/usr/libexec',
];

const PROGRAMS = /^(etcd|containerd|containerd-shim.*|runc|kube-.*|kubelet|coredns|metrics-server|pause)$/;

export function lookAtHost(): HostLook {
  const show = (program: string, ...args: string[]): readonly string[] =>
    execFileSync(program, args, { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line !== '');
  const mounts = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  return {
    mounts: mounts.map(({ path }) => path).toSorted(),
    links: show('ip', '-o', 'link').map((line) => line.split(': ')[1] ?? ''),
    addresses: show('ip', '-o', '-4', 'addr').map((line) => line.replace(/^\d+: +/, '')),
    routes: show('ip', '-4', 'route', 'show', 'table', 'all').filter((line) => !line.startsWith('broadcast')),
    filter: ['iptables-save', 'ip6tables-save'].flatMap((program) =>
      parseTables(show(program).join('\n')).flatMap(({ name, chains, rules }) =>
        [...chains.filter((chain) => chain !== chain.toUpperCase() || chain.includes('-')), ...rules].map(
          (line) => `${program} ${name} ${line}`,
        ),
      ),
    ),
    settings: Object.fromEntries(
      SETTINGS.filter((name) => existsSync(`/proc/sys/${name}`)).map((name) => [
        name,
        readFileSync(`/proc/sys/${name}`, 'utf8').trim(),
      ]),
    ),
    folders: Object.fromEntries(FOLDERS.map((folder) => [folder, existsSync(folder) ? readdirSync(folder).toSorted() : null])),
    cgroups: mounts
      .filter(({ type }) => type.startsWith('cgroup'))
      .flatMap(({ path }) =>
        readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [`${path}/${entry.name}`] : [])),
      ),
    processes: processNames().filter((name) => PROGRAMS.test(name)),
  };
}

/** What has ended and only waits for its parent to take note is left out: how soon process 1 does is not the node's doing. */
function processNames(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [, name, state] = /\((.*)\) (\S)/s.exec(readStat(pid)) ?? [];
      return name === undefined || state === 'Z' || state === 'X' ? [] : [name];
    });
}

/** Empty when the process is gone meanwhile. */
function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return '';
    throw error;
  }
}
