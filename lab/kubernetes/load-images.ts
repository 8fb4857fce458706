/** Gets the lab's images into a cluster that is not ours: loaded into its nodes, or pushed to a registry that it pulls from. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { labPackageRoot } from '../package-root.ts';
import { LabError } from '../processes/lab-error.ts';
import { erpImageRoot } from './images/erp-image.ts';
import type { LabImage } from './images/types.ts';
import { hasProgram, runProgram } from './run-program.ts';

interface Engine {
  readonly program: 'docker' | 'nerdctl' | 'podman';
}

/** Builds both images with the container engine of this machine. */
export async function buildWithEngine(
  images: readonly Pick<LabImage, 'name' | 'reference'>[],
  { onProgress, signal }: { readonly onProgress: (line: string) => void; readonly signal?: AbortSignal },
): Promise<Engine['program']> {
  const engine = await findEngine();
  const options = signal === undefined ? {} : { signal };
  for (const { name, reference } of images) {
    if (
      await runProgram(engine, ['image', 'inspect', reference]).then(
        () => true,
        () => false,
      )
    )
      continue;
    onProgress(`building ${reference} with ${engine}`);
    const context = mkdtempSync(join(tmpdir(), 'peakproof-image-'));
    try {
      if (name === 'erp') await erpImageRoot(join(context, 'root'));
      else writeFileSync(join(context, '.dockerignore'), '');
      cpSync(join(dockerfiles(), `Dockerfile.${name}`), join(context, 'Dockerfile'));
      await runProgram(engine, ['build', '--tag', reference, context], options);
    } finally {
      rmSync(context, { recursive: true, force: true });
    }
  }
  return engine;
}

function dockerfiles(): string {
  return import.meta.url.endsWith('.ts')
    ? fileURLToPath(new URL('./images', import.meta.url))
    : join(labPackageRoot(), 'lab/kubernetes/images');
}

async function findEngine(): Promise<Engine['program']> {
  for (const program of ['docker', 'nerdctl', 'podman'] as const) if (await hasProgram(program)) return program;
  throw new LabError('there is no docker, nerdctl or podman here to build the images with', {
    hint: 'build and push them elsewhere (docs/how-to/your-own-cluster.md) and give --registry',
  });
}

/** By the name that each tool gives its contexts: `kind-NAME`, `k3d-NAME`, `minikube`. */
export async function loadIntoCluster(
  context: string,
  engine: Engine['program'],
  images: readonly LabImage[],
  { registry, onProgress }: { readonly registry: string | null; readonly onProgress: (line: string) => void },
): Promise<void> {
  const references = images.map(({ reference }) => reference);
  if (registry !== null) {
    for (const reference of references) {
      const pushed = `${registry}/${reference.split('/').at(-1)}`;
      onProgress(`pushing ${pushed}`);
      await runProgram(engine, ['tag', reference, pushed]);
      await runProgram(engine, ['push', pushed]);
    }
    return;
  }
  const load = loader(context);
  if (load === null) {
    throw new LabError(`the lab does not know how to load an image into the cluster of context "${context}"`, {
      hint: 'it knows kind, k3d and minikube; give --registry for any other cluster',
    });
  }
  const folder = mkdtempSync(join(tmpdir(), 'peakproof-images-'));
  try {
    for (const [index, reference] of references.entries()) {
      onProgress(`loading ${reference} into ${context}`);
      // As an archive: kind and k3d would otherwise ask a Docker that may not be the engine at hand.
      const archive = join(folder, `${index}.tar`);
      await runProgram(engine, ['save', '--output', archive, reference]);
      await runProgram(load.program, load.args(archive));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function loader(
  context: string,
): { readonly program: string; readonly args: (archive: string) => readonly string[] } | null {
  const [, tool, name = ''] = /^(kind|k3d)-(.+)$/.exec(context) ?? [];
  if (tool === 'kind') return { program: 'kind', args: (archive) => ['load', 'image-archive', archive, '--name', name] };
  if (tool === 'k3d') return { program: 'k3d', args: (archive) => ['image', 'import', archive, '--cluster', name] };
  if (/^minikube/.test(context))
    return { program: 'minikube', args: (archive) => ['image', 'load', archive, '--profile', context] };
  return null;
}
