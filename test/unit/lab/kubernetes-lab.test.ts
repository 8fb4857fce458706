/** What a lab on Kubernetes is made of, as far as it can be told without one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { createWork } from '../../../lab/erp/work.ts';
import { ERP_PACKAGES } from '../../../lab/kubernetes/images/erp-image.ts';
import { loader } from '../../../lab/kubernetes/load-images.ts';
import { parseKubernetesOptions } from '../../../lab/kubernetes/options.ts';
import type { LabOptions } from '../../../lab/processes/options.ts';
import { packageRoot } from '../../../src/clients/package-root.ts';

const OPTIONS: LabOptions = {
  name: 'shop',
  dir: '/nowhere',
  workersMin: 2,
  workersMax: 5,
  synchronous: false,
  redisMaxMemoryMiB: 48,
  redisPolicy: 'allkeys-lru',
  ingressPort: null,
  sabotage: {},
  parentPid: null,
  nodes: 1,
};

describe('options', () => {
  test('name a place: a node of its own, or the context of a cluster', () => {
    expect(parseKubernetesOptions(OPTIONS, { node: true }, {}).place).toEqual({ kind: 'node' });
    expect(parseKubernetesOptions(OPTIONS, { node: false, context: 'kind-x', registry: 'r/lab' }, {})).toMatchObject({
      place: { kind: 'context', context: 'kind-x', registry: 'r/lab' },
      namespace: 'peakproof-shop',
    });
    expect(() => parseKubernetesOptions(OPTIONS, { node: false }, {})).toThrow('needs to know where');
    expect(() => parseKubernetesOptions(OPTIONS, { node: true, context: 'kind-x' }, {})).toThrow('without --context');
  });

  test('refuse what only the lab of processes can do', () => {
    expect(() => parseKubernetesOptions({ ...OPTIONS, sabotage: { 'never-recover': true } }, { node: true }, {})).toThrow(
      'never-recover: not on Kubernetes',
    );
    expect(() => parseKubernetesOptions({ ...OPTIONS, ingressPort: 8_080 }, { node: true }, {})).toThrow('--port');
    expect(() => parseKubernetesOptions({ ...OPTIONS, nodes: 3 }, { node: true }, {})).toThrow('--nodes 3');
  });

  test('hand settings of the ERP on, and nothing else of the environment', () => {
    const env = { ERP_SERVICE_FACTOR: '2', HOME: '/root', PGPASSWORD: 'x' };
    expect(parseKubernetesOptions(OPTIONS, { node: true }, env).erpSettings).toEqual({ ERP_SERVICE_FACTOR: '2' });
  });
});

test('images are loaded by the tool that made the context', () => {
  expect(loader('kind-ci')).toMatchObject({ program: 'kind' });
  expect(loader('kind-ci')?.args('/a.tar')).toEqual(['load', 'image-archive', '/a.tar', '--name', 'ci']);
  expect(loader('k3d-shop')?.args('/a.tar')).toEqual(['image', 'import', '/a.tar', '--cluster', 'shop']);
  expect(loader('minikube')?.program).toBe('minikube');
  expect(loader('staging-eu')).toBeNull();
});

test('the image of the ERP has exactly the packages that the ERP imports', () => {
  const root = join(packageRoot(), 'lab/erp');
  const imported = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(root, name), 'utf8').matchAll(/from '([^.'][^']*)'/g)].map(([, from = '']) => from))
    .filter((from) => !from.startsWith('node:'));
  expect([...new Set(imported)].sort()).toEqual([...ERP_PACKAGES].sort());
});

interface Container {
  readonly image: string;
  readonly resources?: { readonly requests?: { readonly cpu?: string; readonly memory?: string }; readonly limits?: object };
  readonly readinessProbe?: object;
  readonly livenessProbe?: object;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly template?: { readonly spec: { readonly containers: readonly Container[]; readonly securityContext?: object } };
  };
}

describe('manifests', () => {
  const base = join(packageRoot(), 'lab/kubernetes/manifests/base');
  const objects = readdirSync(base)
    .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
    .flatMap((name) => parseAllDocuments(readFileSync(join(base, name), 'utf8')).map((document) => document.toJS() as Manifest));

  test('hold no secret', () => {
    expect(objects.length).toBeGreaterThan(25);
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  test('ask for what every container needs, run nothing as root, and probe what runs for ever', () => {
    for (const { kind, metadata, spec } of objects) {
      for (const container of spec?.template?.spec.containers ?? []) {
        const told = `${kind} ${metadata.name}`;
        expect(container.image, told).toMatch(/^peakproof\/lab-(erp|servers)$/);
        expect(container.resources, told).toMatchObject({
          requests: { cpu: expect.any(String), memory: expect.any(String) },
          limits: { memory: expect.any(String) },
        });
        expect(spec?.template?.spec.securityContext, told).toMatchObject({ runAsNonRoot: true });
        // The migration ends by itself, and nobody calls the cron.
        if (kind !== 'Job' && metadata.name !== 'cron') expect(container.readinessProbe, told).toBeDefined();
      }
    }
  });
});

test('a worker computes for the given share of its time and waits for the rest', async () => {
  let now = 0;
  const waited: number[] = [];
  const work = createWork(0.25, {
    now: () => {
      now += 1;
      return now;
    },
    sleep: async (ms) => void waited.push(ms),
  });
  await work(40);
  expect(now).toBeGreaterThanOrEqual(10);
  expect(now).toBeLessThan(20);
  expect(waited).toEqual([30]);
});
