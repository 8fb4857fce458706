/**
 * The servers' image: PostgreSQL, Patroni, etcd, Redis with Sentinel and haproxy as this host's own distribution packages them,
 * put together with debootstrap from the mirror that apt itself uses. Needs root; a minute or two, once for each set of versions.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../../processes/lab-error.ts';
import { hasProgram, runProgram } from '../run-program.ts';
import { writeImageArchive } from './archive.ts';
import { imagesFolder, ROOT_PREFIX, removeStaleRoots } from './folder.ts';
import { CONTAINER_ID, type LabImage } from './types.ts';

const PACKAGES = ['patroni', 'python3-etcd', 'redis-server', 'haproxy', 'etcd-server', 'etcd-client', 'procps'];
/** Raise when the layout of the image changes. */
const LAYOUT = 1;

/** With processes and mounts of its own, which go when we do, however we go. */
const ALONE = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];

export interface BuildOptions {
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

export async function ensureServersImage({ onProgress, signal }: BuildOptions): Promise<LabImage> {
  const suite = await readSuite();
  const postgres = await findPostgresPackage();
  const packages = [postgres, ...PACKAGES];
  const digest = createHash('sha256')
    .update(JSON.stringify([LAYOUT, suite, process.arch, CONTAINER_ID, await candidateVersions(packages)]))
    .digest('hex')
    .slice(0, 12);
  const folder = imagesFolder();
  const file = join(folder, `servers-${digest}.tar`);
  const image: LabImage = { name: 'servers', reference: `peakproof/lab-servers:${digest}`, file };
  if (existsSync(file)) return image;

  if (process.getuid?.() !== 0) throw new LabError('only root can build the image of the servers', { hint: 'run it as root' });
  await mkdir(folder, { recursive: true });
  if (!(await hasProgram('debootstrap'))) {
    onProgress('installing debootstrap');
    await runProgram('apt-get', ['install', '-y', '--no-install-recommends', 'debootstrap'], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      ...(signal && { signal }),
    });
  }
  onProgress(`building the image of the servers (${packages.join(', ')}); one to three minutes`);
  await removeStaleRoots();
  const root = await mkdtemp(join(folder, `${ROOT_PREFIX}${process.pid}-`));
  try {
    const include = `--include=${packages.join(',')}`;
    const args = ['--variant=minbase', include, suite, root, await readMirror()];
    await runProgram('setpriv', [...ALONE, 'debootstrap', ...args], signal ? { signal } : {});
    await trim(root, postgres);
    const user = `${CONTAINER_ID}:${CONTAINER_ID}`;
    await writeImageArchive(root, file, { reference: image.reference, env: ['TZ=UTC', 'LANG=C.UTF-8'], user }, signal);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return image;
}

async function readSuite(): Promise<string> {
  const text = existsSync('/etc/os-release') ? await readFile('/etc/os-release', 'utf8') : '';
  const suite = /^VERSION_CODENAME=(\S+)/m.exec(text)?.[1];
  if (suite === undefined || !(await hasProgram('apt-cache'))) {
    throw new LabError('the image of the servers is made from Debian packages, and this host has no apt', {
      hint: 'use a cluster of your own with --context, whose images are built with Docker or nerdctl',
    });
  }
  return suite;
}

/** `postgresql` depends on the version of this distribution: `postgresql-15` on Debian 12. */
async function findPostgresPackage(): Promise<string> {
  const look = async (): Promise<string | undefined> =>
    /Depends: (postgresql-\d+)/.exec(await runProgram('apt-cache', ['depends', 'postgresql']).catch(() => ''))?.[1];
  let found = await look();
  if (found === undefined) {
    await runProgram('apt-get', ['update']);
    found = await look();
  }
  if (found === undefined) throw new LabError('apt knows no package postgresql', { hint: 'see "apt-cache depends postgresql"' });
  return found;
}

async function candidateVersions(packages: readonly string[]): Promise<readonly string[]> {
  const text = await runProgram('apt-cache', ['policy', ...packages], { env: { ...process.env, LC_ALL: 'C' } });
  const versions = [...text.matchAll(/^(\S+):\n\s+Installed:.*\n\s+Candidate: (\S+)/gm)].map(
    ([, name, version]) => `${name}=${version}`,
  );
  const missing = packages.filter(
    (name) => !versions.some((entry) => entry.startsWith(`${name}=`) && !entry.endsWith('=(none)')),
  );
  if (missing.length > 0) throw new LabError(`apt has no package ${missing.join(', ')}`, { hint: 'run "apt-get update"' });
  return versions.sort();
}

/** The base of the address that apt would fetch from: whatever mirror this host was given. */
async function readMirror(): Promise<string> {
  const text = await runProgram('apt-get', ['download', '--print-uris', 'hostname']);
  const mirror = /^'(\S+?)\/pool\//m.exec(text)?.[1];
  if (mirror === undefined) throw new LabError('apt does not say from where it would fetch a package');
  return mirror;
}

/** Not needed in a container: documentation, package lists, and the compiler that PostgreSQL loads only for `jit`. */
async function trim(root: string, postgres: string): Promise<void> {
  await chmod(root, 0o755);
  const major = postgres.replace('postgresql-', '');
  const unneeded = ['usr/share/doc', 'usr/share/man', 'usr/share/info', 'usr/share/locale', 'var/cache', 'var/lib/apt/lists'];
  const jit = [`usr/lib/postgresql/${major}/lib/bitcode`, `usr/lib/postgresql/${major}/lib/llvmjit.so`];
  for (const path of [...unneeded, ...jit, 'var/lib/postgresql', 'etc/postgresql', 'var/log', 'var/tmp']) {
    await rm(join(root, path), { recursive: true, force: true });
  }
  const libraries = join(root, 'usr/lib', process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu');
  for (const name of await readdir(libraries)) if (/^libLLVM/.test(name)) await rm(join(libraries, name));
  for (const path of ['var/cache', 'var/log', 'var/tmp', 'lab']) await mkdir(join(root, path), { recursive: true });
  await chmod(join(root, 'var/tmp'), 0o1777);
  // One path to the programs whatever the version, and one numeric user: initdb wants a name for the one who runs it.
  await symlink(`/usr/lib/postgresql/${major}/bin`, join(root, 'usr/lib/postgresql/bin'));
  await appendFile(join(root, 'etc/passwd'), `lab:x:${CONTAINER_ID}:${CONTAINER_ID}::/tmp:/bin/sh\n`);
  await appendFile(join(root, 'etc/group'), `lab:x:${CONTAINER_ID}:\n`);
  await writeFile(join(root, 'etc/hostname'), 'lab\n');
}
