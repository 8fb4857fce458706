/** PostgreSQL refuses to run as root: which user it runs as instead, and which folders that user can reach. */
import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LabError } from './lab-error.ts';

export interface UnixUser {
  readonly uid: number;
  readonly gid: number;
}

// The overflow user of Linux ("nobody"), which needs no entry in the user list.
const NOBODY: UnixUser = { uid: 65_534, gid: 65_534 };

/** User to give to `spawn`, or null when this process is already unprivileged. */
export function postgresUser(): UnixUser | null {
  if (process.getuid?.() !== 0) return null;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'postgres');
  const uid = Number(entry?.[2]);
  return Number.isInteger(uid) && uid > 0 ? { uid, gid: Number(entry?.[3]) } : NOBODY;
}

/** True when others may enter every folder on the way to `path` and `path` itself. */
export function isReachableByOthers(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o005) !== 0o005 && (folder === path || (statSync(folder).mode & 0o001) === 0)) return false;
    if (dirname(folder) === folder) return true;
  }
}

/**
 * A folder of ours that an unprivileged user can reach. `preferred` when possible; for root, whose home is usually closed,
 * a folder below /var/tmp that only we may write.
 */
export function reachableFolder(preferred: string, user: UnixUser | null): string {
  if (user === null) {
    mkdirSync(preferred, { recursive: true });
    return preferred;
  }
  mkdirSync(preferred, { recursive: true });
  if (isReachableByOthers(preferred)) return preferred;
  const folder = join('/var/tmp', `peakproof-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
    throw new LabError(`${folder} exists and is not only ours to write`, { hint: `look at it, remove it, and start again` });
  }
  chmodSync(folder, 0o755);
  return folder;
}
