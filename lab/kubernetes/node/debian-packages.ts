/** The programs that come from the distribution. */
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../../processes/lab-error.ts';
import { run } from './run.ts';

/** The file that proves a package, and the package. */
const NEEDED: readonly (readonly [path: string, debianPackage: string])[] = [
  ['etcd', 'etcd-server'],
  ['containerd', 'containerd'],
  ['ctr', 'containerd'],
  ['runc', 'runc'],
  ['/usr/lib/cni/ptp', 'containernetworking-plugins'],
  ['/usr/lib/cni/host-local', 'containernetworking-plugins'],
  ['iptables', 'iptables'],
  ['iptables-save', 'iptables'],
  ['ip', 'iproute2'],
  ['conntrack', 'conntrack'],
  ['socat', 'socat'],
  ['ethtool', 'ethtool'],
  ['openssl', 'openssl'],
  ['mount', 'mount'],
];

export const CNI_BIN_DIR = '/usr/lib/cni';
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** PATH of every daemon: root's own, whatever the caller's is. */
export const ROOT_PATH = FOLDERS.join(':');

/** Absolute path of a program that `ensurePackages` has seen. */
export function hostProgram(name: string): string {
  return findProgram(name) ?? name;
}

function findProgram(name: string): string | null {
  const candidates = name.startsWith('/') ? [name] : FOLDERS.map((folder) => join(folder, name));
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

export function missingPackages(): readonly string[] {
  return [...new Set(NEEDED.filter(([path]) => findProgram(path) === null).map(([, debianPackage]) => debianPackage))];
}

/** Why a node cannot run on this host, one sentence each; empty when it can. Packages that apt could install are no reason. */
export function hostObstacles(): readonly string[] {
  const obstacles: string[] = [];
  if (process.platform !== 'linux') return ['a node runs on Linux only'];
  if (process.getuid?.() !== 0) obstacles.push('a node needs root');
  if (!existsSync('/sys/fs/cgroup/cgroup.controllers') && !existsSync('/sys/fs/cgroup/memory')) {
    obstacles.push('no cgroups are mounted at /sys/fs/cgroup');
  }
  if (missingPackages().length > 0 && findProgram('apt-get') === null) {
    obstacles.push(`these programs are missing and there is no apt-get to install them: ${missingPackages().join(' ')}`);
  }
  return obstacles;
}

/** Installs what is missing with apt, without starting any service of it. */
export async function ensurePackages(onProgress: (line: string) => void): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || findProgram('apt-get') === null) {
    throw new LabError(`the node needs programs of these packages: ${missing.join(' ')}`, {
      hint: `on Debian or Ubuntu, as root: ${command}`,
    });
  }
  onProgress(`installing ${missing.join(' ')} (${command})`);
  await withoutServiceStart(async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', PATH: ROOT_PATH };
    const install = ['install', '-y', '--no-install-recommends', ...missing];
    try {
      await run('apt-get', install, { env, timeoutMs: 300_000 });
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      // The lists of a fresh image are empty or old.
      await run('apt-get', ['update'], { env, timeoutMs: 120_000 });
      await run('apt-get', install, { env, timeoutMs: 300_000 });
    }
  });
  const still = missingPackages();
  if (still.length > 0) {
    throw new LabError(`apt installed them, but the programs of ${still.join(' ')} are still not found in ${ROOT_PATH}`);
  }
}

const POLICY_FILE = '/usr/sbin/policy-rc.d';
const POLICY = '#!/bin/sh\n# peakproof: no service is started while packages of the node are installed\nexit 101\n';

/** Debian's packages start their services on installation unless this file says no; the node starts its own. */
async function withoutServiceStart(action: () => Promise<void>): Promise<void> {
  if (!existsSync(POLICY_FILE)) writeFileSync(POLICY_FILE, POLICY, { mode: 0o755 });
  try {
    await action();
  } finally {
    removeOwnPolicy();
  }
}

/** Also for an installation that was killed: a policy of somebody else stays. */
export function removeOwnPolicy(): void {
  if (existsSync(POLICY_FILE) && readFileSync(POLICY_FILE, 'utf8') === POLICY) rmSync(POLICY_FILE);
}
