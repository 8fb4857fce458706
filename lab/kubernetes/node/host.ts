/** What the node changes on its host, written down before it is changed, and how it is put back. */
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { codeOf, LabError } from '../../processes/lab-error.ts';
import { type Addresses, BRIDGE } from './addresses.ts';
import { hostProgram } from './debian-packages.ts';
import { acceptPods, FAMILIES, foreignKubernetesChains, readTables, removeOwnChains } from './iptables.ts';
import { run } from './run.ts';
import type { StateFiles } from './state.ts';

/** Kernel settings that the kubelet, kube-proxy and CNI change. */
const SETTINGS = [
  'net/ipv4/ip_forward',
  'net/ipv4/conf/all/route_localnet',
  'net/ipv6/conf/all/forwarding',
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
] as const;

/** Folders whose places are fixed in containerd, CNI and the kubelet. Those that we make are taken away again. */
const FIXED_FOLDERS = [
  '/run/containerd/s',
  '/run/containerd/fifo',
  '/run/containerd',
  '/var/lib/cni/results',
  '/var/lib/cni/cache',
  '/var/lib/cni',
  '/var/log/containers',
  '/var/log/pods',
  '/var/lib/kubelet/device-plugins',
  '/var/lib/kubelet',
  '/run/cni',
  '/run/runc',
  '/run/xtables.lock',
];

export interface HostBefore {
  readonly settings: Readonly<Record<string, string>>;
  /** Of the fixed folders, those that were there. */
  readonly folders: readonly string[];
  readonly addresses: Addresses;
}

export function settingFile(name: string): string {
  return `/proc/sys/${name}`;
}

/** Name of a node's pod network: CNI keeps its results under it. */
export function networkName(nodeName: string): string {
  return `peakproof-${nodeName}`;
}

/** Writes down what is there. @throws LabError when the host runs another Kubernetes or has our bridge already. */
export async function recordHost(files: StateFiles, addresses: Addresses): Promise<HostBefore> {
  for (const family of FAMILIES) {
    const foreign = foreignKubernetesChains(await readTables(family));
    if (foreign.length > 0) {
      throw new LabError(`this host runs another Kubernetes: ${family} has ${foreign.slice(0, 3).join(', ')}`, {
        hint: "two would overwrite each other's rules; use that cluster with --context, or another host",
      });
    }
  }
  if (existsSync(`/sys/class/net/${BRIDGE}`)) {
    throw new LabError(`the network device ${BRIDGE} is there already, made by another node of this package`, {
      hint: `stop that one with the PEAKPROOF_STATE that started it, or remove it: ip link del ${BRIDGE}`,
    });
  }
  const before: HostBefore = {
    settings: Object.fromEntries(
      SETTINGS.filter((name) => existsSync(settingFile(name))).map((name) => [
        name,
        readFileSync(settingFile(name), 'utf8').trim(),
      ]),
    ),
    folders: FIXED_FOLDERS.filter((folder) => existsSync(folder)),
    addresses,
  };
  writeFileSync(files.host, JSON.stringify(before, null, 2));
  return before;
}

/** The bridge with the nodes' addresses, the route to the Services, the pods' way through the firewall, the cgroups. */
export async function prepareHost({ addresses }: HostBefore): Promise<void> {
  const ip = hostProgram('ip');
  await run(ip, ['link', 'add', addresses.bridge, 'type', 'bridge']);
  for (const address of addresses.nodeAddresses) await run(ip, ['addr', 'add', `${address}/32`, 'dev', addresses.bridge]);
  await run(ip, ['link', 'set', addresses.bridge, 'up']);
  const [source = ''] = addresses.nodeAddresses;
  await run(ip, ['route', 'add', addresses.serviceCidr, 'dev', addresses.bridge, 'src', source]);
  writeFileSync(settingFile('net/ipv4/ip_forward'), '1');
  await acceptPods(addresses.podRange);
}

/** Puts back what `recordHost` wrote down. Every step may have been done before. */
export async function restoreHost(before: HostBefore, stateDir: string): Promise<void> {
  if (existsSync(`/sys/class/net/${before.addresses.bridge}`))
    await run(hostProgram('ip'), ['link', 'del', before.addresses.bridge]);
  for (const family of FAMILIES) await removeOwnChains(family);
  for (const [name, value] of Object.entries(before.settings)) {
    if (readFileSync(settingFile(name), 'utf8').trim() !== value) writeFileSync(settingFile(name), value);
  }
  removeFixedFolders(before, stateDir);
}

function removeFixedFolders(before: HostBefore, stateDir: string): void {
  // Loopback's results have no network's name, but every result names its pod's namespace, which is below our folder.
  removeMatching('/var/lib/cni/results', (name) =>
    readFileSync(join('/var/lib/cni/results', name), 'utf8').includes(`${stateDir}/`),
  );
  removeStaleSockets('/run/containerd/s');
  removeStaleSockets('/var/lib/kubelet/device-plugins');
  removeMatching('/var/lib/kubelet/device-plugins', (name) => name === 'kubelet_internal_checkpoint');
  removeLinksInto(stateDir, '/var/log/containers');
  for (const folder of FIXED_FOLDERS) {
    if (before.folders.includes(folder) || !existsSync(folder)) continue;
    if (folder === '/run/xtables.lock') rmSync(folder, { force: true });
    else removeIfEmpty(folder);
  }
}

function removeMatching(folder: string, matches: (name: string) => boolean): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).filter(matches)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Sockets of shims lie in one folder for every containerd of the host; those that nobody holds are left over. */
function removeStaleSockets(folder: string): void {
  const held = readFileSync('/proc/net/unix', 'utf8');
  const isStale = (name: string): boolean => statSync(join(folder, name)).isSocket() && !held.includes(join(folder, name));
  removeMatching(folder, isStale);
}

/** The kubelet links every container's log here; ours point into the state folder. */
function removeLinksInto(stateDir: string, folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    try {
      if (readlinkSync(file).startsWith(`${stateDir}/`)) unlinkSync(file);
    } catch (error) {
      // Not a link, so not the kubelet's.
      if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

function removeIfEmpty(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      // Empty subfolders are nobody's data (`/var/lib/cni/networks`).
      try {
        rmdirSync(join(folder, name));
      } catch (error) {
        if (codeOf(error) !== 'ENOTDIR' && codeOf(error) !== 'ENOTEMPTY') throw error;
      }
    }
    rmdirSync(folder);
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'ENOTDIR' && codeOf(error) !== 'ENOENT') throw error;
  }
}
