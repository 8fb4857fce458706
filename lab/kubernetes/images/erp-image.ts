/**
 * The ERP's image: this very Node, the libraries that it is linked with, the ERP as it stands in this package, and the few
 * packages that it imports. No shell in it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { labPackageRoot, PROGRAM_EXTENSION } from '../../package-root.ts';
import { LabError } from '../../processes/lab-error.ts';
import { runProgram } from '../run-program.ts';
import { writeImageArchive } from './archive.ts';
import { imagesFolder, ROOT_PREFIX, removeStaleRoots } from './folder.ts';
import { CONTAINER_ID, type LabImage } from './types.ts';

/** What `lab/erp` imports from outside; a test compares this with its source. */
export const ERP_PACKAGES: readonly string[] = ['@rgrove/parse-xml', 'ioredis', 'pg'];
const PROGRAMS = ['worker', 'migrate', 'cron'] as const;
/** Raise when the layout of the image changes. */
const LAYOUT = 1;

export async function ensureErpImage(options: {
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}): Promise<LabImage> {
  const source = erpSource();
  const packages = erpPackages();
  const digest = await digestOf(source, packages);
  const folder = imagesFolder();
  const image: LabImage = { name: 'erp', reference: `peakproof/lab-erp:${digest}`, file: join(folder, `erp-${digest}.tar`) };
  if (existsSync(image.file)) return image;
  options.onProgress('packing the image of the ERP');
  await mkdir(folder, { recursive: true });
  await removeStaleRoots();
  const root = await mkdtemp(join(folder, `${ROOT_PREFIX}${process.pid}-`));
  try {
    await fillRoot(root, source, packages);
    const config = {
      reference: image.reference,
      entrypoint: ['/usr/bin/node', '--disable-warning=ExperimentalWarning'],
      env: ['TZ=UTC', 'NODE_ENV=production'],
      workingDir: '/app',
      user: `${CONTAINER_ID}:${CONTAINER_ID}`,
    };
    await writeImageArchive(root, image.file, config, options.signal);
    // Packed in a second, 135 MB each: those of earlier sources are not worth keeping.
    const others = (await readdir(folder)).filter((name) => /^erp-.*\.tar$/.test(name) && join(folder, name) !== image.file);
    for (const name of others) await rm(join(folder, name), { force: true });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return image;
}

/** The digest that {@link ensureErpImage} would use, without building anything. */
export async function erpReference(): Promise<string> {
  return `peakproof/lab-erp:${await digestOf(erpSource(), erpPackages())}`;
}

/** Fills a folder with the image's `/app` only, for engines that bring a Node of their own. */
export async function erpImageRoot(root: string): Promise<void> {
  await fillApp(join(root, 'app'), erpSource(), erpPackages());
}

const erpSource = (): string => fileURLToPath(new URL('../../erp', import.meta.url));
const erpPackages = (): readonly InstalledPackage[] => collectPackages(ERP_PACKAGES, join(labPackageRoot(), 'package.json'));

interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

/** The packages and what they need in turn. Two versions of one package would need nested folders; there are none, or this throws. */
function collectPackages(names: readonly string[], from: string): readonly InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const visit = (name: string, parent: string, optional: boolean): void => {
    const folder = folderOf(name, parent);
    if (folder === null) {
      if (optional) return;
      throw new LabError(`package ${name} is not installed`, { hint: 'install the package again, with its dependencies' });
    }
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly version: string;
      readonly dependencies?: Readonly<Record<string, string>>;
    };
    const known = found.get(name);
    if (known !== undefined) {
      if (known.version !== manifest.version)
        throw new LabError(`two versions of ${name}: ${known.version} and ${manifest.version}`);
      return;
    }
    found.set(name, { name, version: manifest.version, folder });
    for (const dependency of Object.keys(manifest.dependencies ?? {})) visit(dependency, join(folder, 'package.json'), false);
  };
  for (const name of names) visit(name, from, false);
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** By walking up, since a package may not export its package.json. */
function folderOf(name: string, from: string): string | null {
  for (const base of createRequire(from).resolve.paths(name) ?? []) {
    if (existsSync(join(base, name, 'package.json'))) return join(base, name);
  }
  return null;
}

async function digestOf(source: string, packages: readonly InstalledPackage[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([LAYOUT, process.version, process.arch, CONTAINER_ID]));
  for (const { name, version } of packages) hash.update(`${name}@${version}\n`);
  for (const file of await sourceFiles(source)) {
    hash
      .update(relative(source, file))
      .update('\0')
      .update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 12);
}

async function sourceFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(PROGRAM_EXTENSION))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function fillRoot(root: string, source: string, packages: readonly InstalledPackage[]): Promise<void> {
  // mkdtemp gives 0700, which would close the whole root to a user who is not root.
  await chmod(root, 0o755);
  for (const folder of ['etc', 'tmp', 'usr/bin']) await mkdir(join(root, folder), { recursive: true });
  await chmod(join(root, 'tmp'), 0o1777);
  await writeFile(join(root, 'etc/passwd'), `erp:x:${CONTAINER_ID}:${CONTAINER_ID}::/tmp:/nonexistent\n`);
  await writeFile(join(root, 'etc/group'), `erp:x:${CONTAINER_ID}:\n`);
  await copyFile(await realpath(process.execPath), join(root, 'usr/bin/node'));
  await chmod(join(root, 'usr/bin/node'), 0o755);
  for (const library of await linkedLibraries(process.execPath)) {
    await mkdir(join(root, dirname(library)), { recursive: true });
    await copyFile(library, join(root, library));
    await chmod(join(root, library), 0o755);
  }
  await fillApp(join(root, 'app'), source, packages);
}

async function fillApp(app: string, source: string, packages: readonly InstalledPackage[]): Promise<void> {
  await mkdir(app, { recursive: true });
  await writeFile(join(app, 'package.json'), JSON.stringify({ name: 'peakproof-lab-erp', private: true, type: 'module' }));
  for (const file of await sourceFiles(source)) {
    const target = join(app, 'erp', relative(source, file));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file, target);
  }
  // The same names whether the sources are TypeScript or built.
  for (const program of PROGRAMS) {
    await writeFile(join(app, `${program}.js`), `import './erp/${program}${PROGRAM_EXTENSION}';\n`);
  }
  for (const { name, folder } of packages) {
    await cp(folder, join(app, 'node_modules', name), {
      recursive: true,
      dereference: true,
      filter: (path) => !relative(folder, path).split('/').includes('node_modules'),
    });
  }
  await runProgram('chmod', ['-R', 'u=rwX,go=rX', app]);
}

/** Paths as the program interpreter finds them: `name => /path (0x...)`, and the interpreter itself. */
async function linkedLibraries(program: string): Promise<readonly string[]> {
  const text = await runProgram('ldd', [program]);
  return text.split('\n').flatMap((line) => {
    const path = /(?:=>\s+|^\s*)(\/\S+)\s+\(0x/.exec(line)?.[1];
    return path === undefined ? [] : [path];
  });
}
