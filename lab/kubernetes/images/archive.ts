/**
 * An image without a container engine: one layer, its config, and the manifest that `docker save` writes, in a tar.
 * containerd, Docker, nerdctl and kind load it. Layout: docker image specification v1.2.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from '../run-program.ts';
import { ROOT_PREFIX } from './folder.ts';

export interface ImageConfig {
  /** `name:tag`, as manifests name it. */
  readonly reference: string;
  readonly entrypoint?: readonly string[];
  readonly env?: readonly string[];
  readonly workingDir?: string;
  /** Numeric `uid:gid`, so that `runAsNonRoot` can be checked. */
  readonly user?: string;
}

/** Same files, same bytes: owners and times are those of the image, not of the machine that packed it. */
const REPRODUCIBLE = ['--sort=name', '--numeric-owner', '--mtime=@0', '--format=gnu'];

/** Packs the folder `root` into `file`. Written beside it first, so that a killed build leaves no half archive. */
export async function writeImageArchive(root: string, file: string, config: ImageConfig, signal?: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(dirname(file), `${ROOT_PREFIX}${process.pid}-`));
  try {
    const options = signal === undefined ? {} : { signal };
    await runProgram('tar', ['-C', root, ...REPRODUCIBLE, '-cf', join(folder, 'layer.tar'), '.'], options);
    const digest = await sha256Of(join(folder, 'layer.tar'));
    await writeFile(join(folder, 'config.json'), JSON.stringify(imageConfig(config, digest)));
    const manifest = [{ Config: 'config.json', RepoTags: [config.reference], Layers: ['layer.tar'] }];
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
    const members = ['manifest.json', 'config.json', 'layer.tar'];
    await runProgram('tar', ['-C', folder, ...REPRODUCIBLE, '-cf', join(folder, 'image.tar'), ...members], options);
    await rename(join(folder, 'image.tar'), file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function imageConfig({ entrypoint, env, workingDir, user }: ImageConfig, layerDigest: string): object {
  return {
    created: '1970-01-01T00:00:00Z',
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...(env ?? [])],
      WorkingDir: workingDir ?? '/',
      ...(user === undefined ? {} : { User: user }),
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'peakproof lab' }],
  };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
