/** A run is a folder: names, creation, whole-file writes, the `latest` pointer, the manifest of digests. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import writeFileAtomic from 'write-file-atomic';
import { HarnessError } from '../errors.ts';

export const RUN_FILES = {
  /** As the user wrote it, so that the run can be repeated from its folder. */
  source: 'plan.yaml',
  plan: 'plan.json',
  connections: 'connections.json',
  environment: 'environment.json',
  catalogue: 'catalogue.json',
  journal: 'journal.ndjson',
  undo: 'undo.ndjson',
  observations: 'observations.ndjson',
  probes: 'probes.ndjson',
  ledger: 'ledger.ndjson',
  evaluation: 'evaluation.json',
  manifest: 'manifest.json',
} as const;

/** `20261122-164501-demo-3f9c`: sorts by time, tells the plan, unique. */
export function newRunId(planName: string, at: number): string {
  const stamp = new Date(at).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${stamp}-${planName}-${randomBytes(2).toString('hex')}`;
}

/** @throws HarnessError ERR_DISK when the folder cannot be made. */
export async function createRunFolder(runsDir: string, runId: string): Promise<string> {
  const dir = join(runsDir, runId);
  try {
    await mkdir(join(dir, 'load'), { recursive: true });
  } catch (cause) {
    throw diskError(dir, cause);
  }
  return dir;
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeText(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Whole or not at all. */
export async function writeText(path: string, text: string): Promise<void> {
  try {
    await writeFileAtomic(path, text);
  } catch (cause) {
    throw diskError(path, cause);
  }
}

/** Points `runs/latest` at the run; the old pointer is replaced in one step. */
export async function pointLatest(runsDir: string, runId: string): Promise<void> {
  const link = join(runsDir, 'latest');
  const temporary = join(runsDir, `.latest-${process.pid}`);
  try {
    await rm(temporary, { force: true });
    await symlink(runId, temporary, 'dir');
    await rename(temporary, link);
  } catch (cause) {
    throw diskError(link, cause);
  }
}

/** SHA-256 of every file but the manifest itself, in order of their names. */
export async function writeManifest(dir: string, runId: string): Promise<void> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter((path) => path !== RUN_FILES.manifest)
    .sort();
  const files = [];
  for (const path of paths) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(dir, path)), hash);
    files.push({ path: path.replaceAll('\\', '/'), sha256: hash.digest('hex'), bytes: (await stat(join(dir, path))).size });
  }
  await writeJson(join(dir, RUN_FILES.manifest), { schemaVersion: 1, runId, files });
}

function diskError(path: string, cause: unknown): HarnessError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HarnessError('ERR_DISK', `cannot write ${path}: ${reason}`, {
    cause,
    hint: 'free space or choose another folder with --runs DIR',
  });
}
