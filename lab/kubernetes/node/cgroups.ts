/** The cgroups of the pods: one folder of ours in every hierarchy, version 1 or 2. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../processes/lab-error.ts';

/** Name of the node's folder: its own for each state folder. */
function nameOf(stateDir: string): string {
  return `peakproof-${createHash('sha256').update(stateDir).digest('hex').slice(0, 8)}`;
}

/** What the kubelet of the n-th node is given as its root. */
export function cgroupRoot(stateDir: string, index: number): string {
  return `/${nameOf(stateDir)}/${index + 1}`;
}

interface Mount {
  readonly path: string;
  readonly type: string;
}

/** @param text /proc/self/mountinfo */
export function parseMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const path = before.split(' ')[4];
    const type = after.split(' ')[0];
    return path === undefined || type === undefined ? [] : [{ path: unescapePath(path), type }];
  });
}

/** Spaces and backslashes of a mount's path are written as octal numbers. */
function unescapePath(path: string): string {
  return path.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export function mounts(): readonly Mount[] {
  return parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** Our folder in each hierarchy. */
export function cgroupFolders(stateDir: string): readonly string[] {
  return mounts()
    .filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
    .map(({ path }) => join(path, nameOf(stateDir)));
}

/** Makes the folders; the kubelet refuses to start without them. */
export function createCgroups(stateDir: string, nodes: number): void {
  for (const folder of cgroupFolders(stateDir)) {
    for (let index = 0; index < nodes; index++) {
      mkdirSync(join(folder, String(index + 1)), { recursive: true });
      // Version 2: a folder has the controllers that the folders above it hand down.
      handDown(join(folder, '..'));
      handDown(folder);
    }
  }
}

const CONTROLLERS = ['cpuset', 'cpu', 'io', 'memory', 'pids', 'hugetlb'];

function handDown(folder: string): void {
  const offered = readWords(join(folder, 'cgroup.controllers'));
  const given = readWords(join(folder, 'cgroup.subtree_control'));
  const missing = CONTROLLERS.filter((name) => offered.includes(name) && !given.includes(name));
  if (missing.length > 0) writeFileSync(join(folder, 'cgroup.subtree_control'), missing.map((name) => `+${name}`).join(' '));
}

function readWords(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(/\s+/) : [];
}

/** Our folder and those below it, deepest first. */
function tree(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...below.flatMap((entry) => tree(join(folder, entry.name))), folder];
}

/** Every process in our cgroups: what runs in pods. */
export function cgroupProcesses(stateDir: string): readonly number[] {
  const pids = cgroupFolders(stateDir)
    .flatMap(tree)
    .flatMap(processesOf)
    .filter((pid) => pid > 1);
  return [...new Set(pids)];
}

function processesOf(folder: string): readonly number[] {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** A frozen process ends only when it goes on. */
export function thawCgroups(stateDir: string): void {
  for (const folder of cgroupFolders(stateDir).flatMap(tree)) {
    for (const [name, frozen, thawed] of [
      ['freezer.state', 'FROZEN', 'THAWED'],
      ['cgroup.freeze', '1', '0'],
    ] as const) {
      const file = join(folder, name);
      if (existsSync(file) && readFileSync(file, 'utf8').trim() === frozen) writeFileSync(file, thawed);
    }
  }
}

/** Removes what has no process left. Returns what could not be removed yet. */
export function removeCgroups(stateDir: string): readonly string[] {
  return cgroupFolders(stateDir)
    .flatMap(tree)
    .filter((folder) => !removed(folder));
}

function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (isGone(error)) return true;
    if (codeOf(error) === 'EBUSY' || codeOf(error) === 'ENOTEMPTY') return false;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENODEV';
}
