/**
 * The node's own programs: Kubernetes, metrics-server, CoreDNS and `pause`, built from source once per machine, since there
 * is no registry to fetch them from. Each program has a folder of its own in the cache, named by what went into it, and
 * appears there complete or not at all.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { labPackageRoot } from '../../package-root.ts';
import { codeOf, LabError } from '../../processes/lab-error.ts';
import { cacheRoot } from '../../processes/lab-folder.ts';
import { startToken } from '../../processes/process-identity.ts';
import type { Programs } from './types.ts';
import { COREDNS_VERSION, KUBERNETES_PROGRAMS, KUBERNETES_VERSION, METRICS_SERVER_VERSION } from './versions.ts';

/** Two cores build the largest in about six minutes when nothing else runs; a busy machine takes three times that. */
const BUILD_DEADLINE_MS = 30 * 60_000;

interface Program {
  readonly name: 'kubernetes' | 'metrics-server' | 'coredns' | 'pause';
  readonly version: string;
  /** Go's linker sets these variables. */
  readonly variables: readonly string[];
  /** What the output file is linked to besides its own name. */
  readonly links: readonly string[];
  /** Packages that a cold build compiles, to show how far it is. */
  readonly packages: number;
}

const [, MAJOR = '', MINOR = ''] = /^v(\d+)\.(\d+)/.exec(KUBERNETES_VERSION) ?? [];

const PROGRAMS: readonly Program[] = [
  {
    name: 'kubernetes',
    version: KUBERNETES_VERSION,
    variables: [
      `k8s.io/component-base/version.gitVersion=${KUBERNETES_VERSION}`,
      `k8s.io/component-base/version.gitMajor=${MAJOR}`,
      `k8s.io/component-base/version.gitMinor=${MINOR}`,
      'k8s.io/component-base/version.gitTreeState=clean',
    ],
    links: KUBERNETES_PROGRAMS,
    packages: 2850,
  },
  { name: 'metrics-server', version: METRICS_SERVER_VERSION, variables: [], links: [], packages: 1200 },
  { name: 'coredns', version: COREDNS_VERSION, variables: [], links: [], packages: 200 },
  { name: 'pause', version: '1', variables: [], links: [], packages: 2 },
];

/** Builds what the cache does not have. @throws LabError when a program is missing and there is no Go, or a build fails. */
export async function ensurePrograms(
  options: { readonly onProgress?: (line: string) => void; readonly signal?: AbortSignal } = {},
): Promise<Programs> {
  const started = performance.now();
  const onProgress = options.onProgress ?? (() => {});
  const folders = new Map<string, string>();
  let built = 0;
  for (const program of PROGRAMS) {
    const folder = programFolder(program);
    folders.set(program.name, folder);
    if (existsSync(folder)) continue;
    built += 1;
    await build(program, folder, onProgress, options.signal);
  }
  const dir = linkTogether(folders);
  return {
    dir,
    kubernetesVersion: KUBERNETES_VERSION,
    kubectl: join(dir, 'kubectl'),
    pause: join(dir, 'pause'),
    builtInMs: built === 0 ? 0 : Math.round(performance.now() - started),
  };
}

function sourceOf(program: Program): string {
  return join(labPackageRoot(), 'lab', 'kubernetes', 'node', 'programs', program.name);
}

/** `CACHE/kubernetes/v1.34.4-linux-x64-1f2e3d4c`: of another source, another folder. */
function programFolder(program: Program): string {
  const hash = createHash('sha256').update(JSON.stringify([program.variables, program.links]));
  for (const file of readdirSync(sourceOf(program)).toSorted())
    hash.update(file).update(readFileSync(join(sourceOf(program), file)));
  const name = `${program.version}-${process.platform}-${process.arch}-${hash.digest('hex').slice(0, 8)}`;
  return join(cacheRoot(), 'node-programs', program.name, name);
}

async function build(
  program: Program,
  folder: string,
  onProgress: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const go = requireGo();
  removeAbandoned(join(folder, '..'));
  const partial = `${folder}.partial-${process.pid}-${startToken(process.pid)?.split(':')[1] ?? '0'}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(join(partial, 'source'), { recursive: true });
  try {
    // A copy, so that the package's own folder may be read-only and a `-mod=mod` of some environment changes nothing there.
    cpSync(sourceOf(program), join(partial, 'source'), { recursive: true });
    await goBuild(go, program, partial, onProgress, signal);
    for (const link of program.links) symlinkSync(program.name, join(partial, link));
    rmSync(join(partial, 'source'), { recursive: true });
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another process was faster.
    if ((codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') && existsSync(folder)) return;
    throw error;
  }
}

/** Half-done folders of builds that were killed. */
function removeAbandoned(parent: string): void {
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    const [, pid, token] = /\.partial-(\d+)-(\w+)$/.exec(name) ?? [];
    if (pid === undefined || startToken(Number(pid))?.split(':')[1] === token) continue;
    rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function requireGo(): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin', '/usr/lib/go/bin'];
  const go = folders.map((folder) => join(folder, 'go')).find((file) => existsSync(file));
  if (go !== undefined) return go;
  throw new LabError(`Kubernetes ${KUBERNETES_VERSION} is not in the cache (${cacheRoot()}) and there is no Go to build it`, {
    hint: 'install Go 1.26 or newer (go.dev/doc/install) and put "go" on PATH, or use a cluster that you have: --context NAME',
  });
}

async function goBuild(
  go: string,
  program: Program,
  partial: string,
  onProgress: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const flags = ['-s', '-w', ...program.variables.flatMap((variable) => ['-X', variable])].join(' ');
  const args = [
    'build',
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    '-v',
    `-ldflags=${flags}`,
    '-o',
    join(partial, program.name),
    '.',
  ];
  onProgress(`building ${program.name} ${program.version} from source, once for this machine`);
  // A build must not go on, for minutes, when this process is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'nice', '-n', '10', go, ...args], {
    cwd: join(partial, 'source'),
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: BUILD_DEADLINE_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  // Whoever awaits it comes after the lines are read.
  ended.catch(() => {});
  const tail: string[] = [];
  let compiled = 0;
  let shownAt = performance.now();
  for await (const line of createInterface({ input: child.stderr })) {
    tail.push(line);
    if (tail.length > 8) tail.shift();
    compiled += 1;
    if (performance.now() - shownAt < 10_000) continue;
    shownAt = performance.now();
    onProgress(`building ${program.name} ${program.version}: ${compiled} of about ${program.packages} steps, now ${line}`);
  }
  const code = await ended;
  if (code === 0) return;
  throw new LabError(`"go build" of ${program.name} ${program.version} failed (${code ?? 'stopped'}): ${tail.join(' | ')}`, {
    hint: 'its modules come from the Go module proxy: the first build needs the network',
  });
}

/** One folder with every program in it, so that PATH needs one entry. */
function linkTogether(folders: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([...folders]))
    .digest('hex')
    .slice(0, 12);
  const dir = join(cacheRoot(), 'node-programs', 'together', hash);
  if (existsSync(dir)) return dir;
  const partial = `${dir}.partial-${process.pid}-${startToken(process.pid)?.split(':')[1] ?? '0'}`;
  mkdirSync(partial, { recursive: true });
  for (const folder of folders.values()) {
    for (const name of readdirSync(folder)) symlinkSync(join(folder, name), join(partial, name));
  }
  try {
    renameSync(partial, dir);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
  }
  return dir;
}
