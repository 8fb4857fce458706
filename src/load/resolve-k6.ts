/** Finds a k6, or makes one: PATH, cache, a Go build, the official release. Says which it took and why. */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { buildK6, type Environment, fetchK6Version, findOnPath, isExecutable } from '../clients/k6-binary.ts';
import { HarnessError } from '../errors.ts';
import { fetchK6Release } from './k6-release.ts';
import { isSupportedK6, K6_MODULE, K6_RANGE } from './k6-versions.ts';

export interface K6Binary {
  readonly path: string;
  readonly version: string;
  readonly origin: 'path' | 'cache' | 'built' | 'download';
  /** One sentence for people. */
  readonly why: string;
}

export interface ResolveOptions {
  /** PATH, and `PEAKPROOF_CACHE`: the folder for what the harness fetches or builds. */
  readonly env: Environment;
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Only look: never build or download. */
  readonly lookOnly?: boolean;
  /** Where releases are; a mirror's address, for machines that reach nothing else. */
  readonly releasesUrl?: string;
}

export function cacheFolder(env: Environment): string {
  const chosen = env.PEAKPROOF_CACHE;
  return chosen === undefined || chosen === '' ? envPaths('peakproof', { suffix: '' }).cache : chosen;
}

/** @throws HarnessError ERR_K6_VERSION when only an unsupported one is there, ERR_K6_MISSING when there is none; both say what was tried. */
export async function resolveK6(options: ResolveOptions): Promise<K6Binary> {
  const { env, onProgress = () => {}, signal } = options;
  const passed: string[] = [];
  let isTooOld = false;

  const onPath = findOnPath('k6', env);
  if (onPath === null) {
    passed.push('PATH has no k6');
  } else {
    const version = await fetchK6Version(onPath);
    if (version !== null && isSupportedK6(version))
      return { path: onPath, version, origin: 'path', why: `k6 ${version} on PATH (${onPath})` };
    isTooOld = version !== null;
    passed.push(`${onPath} is ${version === null ? 'not a k6 that runs' : `k6 ${version}`}, needed is ${K6_RANGE}`);
  }

  const { version } = K6_MODULE;
  const folder = join(cacheFolder(env), 'k6', version);
  const cached = join(folder, process.platform === 'win32' ? 'k6.exe' : 'k6');
  if (isExecutable(cached) && (await fetchK6Version(cached)) === version)
    return { path: cached, version, origin: 'cache', why: `k6 ${version} from the cache (${cached}); ${passed.join('; ')}` };
  passed.push(`no k6 ${version} in the cache (${folder})`);

  if (options.lookOnly !== true) {
    await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
      throw new HarnessError('ERR_DISK', `the cache folder ${folder} cannot be made`, {
        cause,
        hint: 'set PEAKPROOF_CACHE to a folder of yours',
      });
    });
    // Each attempt works in a folder of its own and ends with one rename, so two at once do not disturb each other.
    const work = join(folder, `.work-${randomUUID()}`);
    try {
      for (const attempt of [buildAttempt, downloadAttempt]) {
        signal?.throwIfAborted();
        await mkdir(work, { recursive: true });
        const made = await attempt(work, { ...options, onProgress }, passed);
        if (made === null) continue;
        await rename(made.path, cached);
        return { path: cached, version, origin: made.origin, why: `${made.why}; ${passed.join('; ')}` };
      }
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw new HarnessError(isTooOld ? 'ERR_K6_VERSION' : 'ERR_K6_MISSING', `no usable k6: ${passed.join('; ')}`, {
    hint: `install k6 ${K6_RANGE} on PATH, or Go 1.25 or newer (it is built then), or put a k6 ${version} at ${cached}`,
  });
}

type Attempt = (
  work: string,
  options: ResolveOptions & { readonly onProgress: (line: string) => void },
  passed: string[],
) => Promise<Pick<K6Binary, 'path' | 'origin' | 'why'> | null>;

const buildAttempt: Attempt = async (work, { env, onProgress, signal }, passed) => {
  const go = findOnPath('go', env);
  if (go === null) {
    passed.push('PATH has no go to build one with');
    return null;
  }
  try {
    onProgress(`building k6 ${K6_MODULE.version} with ${go}; the first time this takes some minutes`);
    const path = await buildK6(go, K6_MODULE, work, { env, onProgress, ...(signal === undefined ? {} : { signal }) });
    if ((await fetchK6Version(path)) !== K6_MODULE.version)
      throw new HarnessError('ERR_TOOL_MISSING', 'what was built does not run');
    return { path, origin: 'built', why: `k6 ${K6_MODULE.version} built with ${go}` };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    passed.push(error.message);
    return null;
  }
};

const downloadAttempt: Attempt = async (work, { onProgress, releasesUrl, env, signal }, passed) => {
  try {
    const release = await fetchK6Release(K6_MODULE.version, {
      platform: process.platform,
      arch: process.arch,
      onProgress,
      releasesUrl: releasesUrl ?? env.PEAKPROOF_K6_RELEASES,
      signal,
    });
    const path = join(work, 'k6-release');
    await writeFile(path, release.program);
    await chmod(path, 0o755);
    if ((await fetchK6Version(path)) !== K6_MODULE.version)
      throw new HarnessError('ERR_TOOL_MISSING', `${release.url} does not run here`);
    return {
      path,
      origin: 'download',
      why: `k6 ${K6_MODULE.version} from ${release.url} (SHA-256 ${release.sha256.slice(0, 12)}... checked)`,
    };
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    passed.push(error.message);
    return null;
  }
};
