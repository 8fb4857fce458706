/** From the manifests of this package to the objects of one lab: a kustomization in the lab's folder, rendered by kubectl. */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KubernetesObject } from '@kubernetes/client-node';
import { parseAllDocuments, stringify } from 'yaml';
import { labPackageRoot } from '../package-root.ts';
import type { LabImage } from './images/types.ts';
import type { KubernetesLabOptions } from './options.ts';
import { runProgram } from './run-program.ts';

/** Members with a volume of their own; on the node a folder each. */
export const VOLUMES = ['postgres-0', 'postgres-1', 'postgres-2', 'etcd-0'] as const;

/** First what others refer to when they start: nothing may be waited for that is not there yet. */
const FIRST = ['Namespace', 'PersistentVolume', 'ConfigMap', 'Secret', 'Service', 'PodDisruptionBudget', 'NetworkPolicy'];

export interface RenderOptions {
  readonly dir: string;
  readonly lab: KubernetesLabOptions;
  readonly images: readonly LabImage[];
  readonly kubectl: string;
  readonly signal?: AbortSignal;
}

/** Names of the lab's PersistentVolumes, which have no namespace. */
export function volumeName(namespace: string, member: string): string {
  return `${namespace}-${member}`;
}

export async function renderManifests({
  dir,
  lab,
  images,
  kubectl,
  signal,
}: RenderOptions): Promise<readonly KubernetesObject[]> {
  const folder = join(dir, 'manifests');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kustomization.yaml'), kustomization(realpathSync(folder), dir, lab, images));
  const text = await runProgram(kubectl, ['kustomize', folder], signal === undefined ? {} : { signal });
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
  const rank = ({ kind = '' }: KubernetesObject): number => (FIRST.includes(kind) ? FIRST.indexOf(kind) : FIRST.length);
  return objects.sort((one, other) => rank(one) - rank(other));
}

/** Plain files, beside the code in a checkout and in the package. */
function overlayFolder(place: KubernetesLabOptions['place']): string {
  const manifests = import.meta.url.endsWith('.ts')
    ? fileURLToPath(new URL('./manifests', import.meta.url))
    : join(labPackageRoot(), 'lab/kubernetes/manifests');
  return join(manifests, 'overlays', place.kind === 'node' ? 'node' : 'existing');
}

function kustomization(folder: string, dir: string, lab: KubernetesLabOptions, images: readonly LabImage[]): string {
  const replace = (target: object, path: string, value: unknown): object => ({
    target,
    patch: JSON.stringify([{ op: 'replace', path, value }]),
  });
  const registry = lab.place.kind === 'context' ? lab.place.registry : null;
  return stringify({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: lab.namespace,
    resources: [relative(folder, realpathSync(overlayFolder(lab.place)))],
    images: images.map(({ reference }) => {
      const [name = '', newTag = ''] = reference.split(':');
      return { name, newTag, ...(registry === null ? {} : { newName: `${registry}/${name.split('/').at(-1)}` }) };
    }),
    configMapGenerator: [
      {
        name: 'erp-settings',
        behavior: 'merge',
        literals: literals({ ...lab.erpSettings, ERP_SABOTAGE: JSON.stringify(lab.sabotage) }),
      },
      {
        name: 'lab-settings',
        behavior: 'merge',
        literals: literals({
          SYNCHRONOUS_MODE: String(lab.synchronous),
          REDIS_MAXMEMORY: `${lab.redisMaxMemoryMiB}mb`,
          REDIS_MAXMEMORY_POLICY: lab.redisPolicy,
        }),
      },
    ],
    patches: [
      replace({ kind: 'Deployment', name: 'erp' }, '/spec/replicas', lab.workersMin),
      replace({ kind: 'HorizontalPodAutoscaler', name: 'erp' }, '/spec/minReplicas', lab.workersMin),
      replace({ kind: 'HorizontalPodAutoscaler', name: 'erp' }, '/spec/maxReplicas', lab.workersMax),
      ...(lab.place.kind === 'node' ? VOLUMES.map((member) => volumePatch(dir, lab.namespace, member)) : []),
    ],
  });
}

function literals(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).map(([name, value]) => `${name}=${value}`);
}

function volumePatch(dir: string, namespace: string, member: string): object {
  return {
    target: { kind: 'PersistentVolume', name: `peakproof-lab-${member}` },
    options: { allowNameChange: true },
    patch: JSON.stringify([
      { op: 'replace', path: '/metadata/name', value: volumeName(namespace, member) },
      { op: 'replace', path: '/spec/claimRef/namespace', value: namespace },
      { op: 'replace', path: '/spec/hostPath/path', value: join(dir, 'volumes', member) },
    ]),
  };
}
