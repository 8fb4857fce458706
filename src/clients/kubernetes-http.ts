/**
 * One way to the Kubernetes API for every door: it answers a rejected credential by reading it anew (kubeconfig, token file,
 * exec plugin) and asking once more, and a 429 by waiting as long as the server asks, within the deadline of the call.
 */
import './load-on-node-22-12.ts';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import {
  createConfiguration,
  type HttpLibrary,
  type KubeConfig,
  type RequestContext,
  type ResponseContext,
  type SecurityAuthentication,
  ServerConfiguration,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
import { parse } from 'yaml';
import { type KubernetesOptions, loadConfig } from './kubernetes-config.ts';
import { timeoutMs } from './timeouts.ts';

export interface KubernetesHttp {
  /** The kubeconfig in force; another object after a renewal. */
  readonly config: () => KubeConfig;
  /** For `createConfiguration({ authMethods: { default } })`. */
  readonly auth: SecurityAuthentication;
  readonly httpApi: HttpLibrary;
}

/** Credentials are not read anew more often than this: a plugin may ask a person, or a server, each time. */
const RENEW_EVERY_MS = 5_000;

/** Without a `Retry-After` the server leaves the pause to us. */
const PAUSE_MS = 1_000;

const TOO_MANY_REQUESTS = 429;
const UNAUTHORIZED = 401;

/** Throws ERR_KUBERNETES as `loadConfig` does. */
export function createKubernetesHttp(options: KubernetesOptions): KubernetesHttp {
  const credentials = keepCredentials(options);
  const { httpApi: plain } = createConfiguration({ baseServer: new ServerConfiguration('', {}) });
  return {
    config: () => credentials.current(),
    auth: { getName: () => 'kubeconfig', applySecurityAuthentication: (request) => credentials.apply(request) },
    httpApi: wrapHttpLibrary({ send: (request) => sendPatiently(request, plain, credentials) }),
  };
}

interface Credentials {
  current(): KubeConfig;
  apply(request: RequestContext): Promise<void>;
  /** False: they were renewed just now, and the answer was still no. */
  renew(rejectedAt: number): Promise<boolean>;
}

function keepCredentials(options: KubernetesOptions): Credentials {
  let config = loadConfig(options);
  let renewedAt = Number.NEGATIVE_INFINITY;
  return {
    current: () => config,
    async apply(request) {
      await config.applySecurityAuthentication(request);
      // The client knows no `tokenFile`, which kubectl does; it is read for each call, since it is replaced while we run.
      const path = tokenFileOf(config, options);
      if (path !== null) request.setHeaderParam('Authorization', `Bearer ${readFileSync(path, 'utf8').trim()}`);
    },
    async renew(sentAt) {
      // Others were rejected at the same time: what one of them renewed serves all.
      if (renewedAt >= sentAt) return true;
      if (performance.now() - renewedAt < RENEW_EVERY_MS) return false;
      renewedAt = performance.now();
      // A new object has no memory of tokens: plugins run again, files are read again.
      config = loadConfig(options);
      tokenFiles.delete(options);
      return true;
    },
  };
}

async function sendPatiently(request: RequestContext, plain: HttpLibrary, credentials: Credentials): Promise<ResponseContext> {
  const giveUpAt = performance.now() + timeoutMs('kubernetesCall');
  let renewed = false;
  for (;;) {
    const sentAt = performance.now();
    const response = await plain.send(request).toPromise();
    if (response.httpStatusCode === UNAUTHORIZED && !renewed && (await credentials.renew(sentAt))) {
      renewed = true;
      await credentials.apply(request);
    } else if (response.httpStatusCode === TOO_MANY_REQUESTS && mayBeRepeated(request)) {
      const pauseMs = retryAfterMs(response.headers['retry-after']);
      if (performance.now() + pauseMs >= giveUpAt) return response;
      await pause(pauseMs, request);
    } else return response;
    // The answer that is not used holds its connection until its body is read.
    await response.body.text();
  }
}

/** A 429 says that nothing was done, but one: to an eviction it is the answer of a PodDisruptionBudget. */
function mayBeRepeated(request: RequestContext): boolean {
  return !new URL(request.getUrl()).pathname.endsWith('/eviction');
}

/** Seconds, or a date; ours without either. */
export function retryAfterMs(header: string | undefined, now: number = Date.now()): number {
  if (header === undefined || header.trim() === '') return PAUSE_MS;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? PAUSE_MS : Math.max(0, at - now);
}

async function pause(ms: number, request: RequestContext): Promise<void> {
  const { promise, resolve: done, reject } = Promise.withResolvers<void>();
  const signal: AbortSignal | undefined = request.getSignal();
  const timer = setTimeout(done, ms);
  const onAbort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

const tokenFiles = new WeakMap<KubernetesOptions, string | null>();

/** `users[].user.tokenFile` of the current user, when it has no other credential. */
function tokenFileOf(config: KubeConfig, options: KubernetesOptions): string | null {
  const known = tokenFiles.get(options);
  if (known !== undefined) return known;
  const user = config.getCurrentUser();
  const bare = user !== null && user.token === undefined && user.exec === undefined && user.authProvider === undefined;
  const found = bare ? findTokenFile(user.name, kubeconfigPaths(options)) : null;
  tokenFiles.set(options, found);
  return found;
}

function kubeconfigPaths({ kubeconfig }: KubernetesOptions): readonly string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  const named = process.env.KUBECONFIG;
  return named === undefined || named === ''
    ? [join(homedir(), '.kube', 'config')]
    : named.split(delimiter).filter((path) => path !== '');
}

interface RawUsers {
  readonly users?: readonly { readonly name?: string; readonly user?: { readonly tokenFile?: string } }[];
}

function findTokenFile(userName: string, paths: readonly string[]): string | null {
  for (const path of paths) {
    const text = readOrNull(path);
    const users = text === null ? undefined : (parse(text) as RawUsers | null)?.users;
    const found = users?.find(({ name }) => name === userName)?.user?.tokenFile;
    // Relative paths of a kubeconfig are relative to it.
    if (found !== undefined) return resolve(dirname(path), found);
  }
  return null;
}

/** Null: there is no such file, as in a pod, whose credentials are elsewhere. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
