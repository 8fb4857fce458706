/**
 * The printed roles on a real API server, with a Deployment and an autoscaler of their own in a namespace of their own. To be
 * called from a test file that has a cluster.
 */
import { randomBytes } from 'node:crypto';
import { KubeConfig, type KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe } from 'vitest';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import { printedRoles } from '../support/printed-roles.ts';

export interface ClusterForRoles {
  readonly kubeconfig: string;
  readonly context?: string;
  /** An image with `node` that the cluster has. */
  readonly nodeImage: string;
}

const NAME = 'herd';

export function rbacOnKubernetes(cluster: () => ClusterForRoles): void {
  describe('least privilege on a real Kubernetes', () => {
    const namespace = `peakproof-roles-${randomBytes(3).toString('hex')}`;
    let api: KubernetesObjectApi;

    beforeAll(async () => {
      const { kubeconfig, context, nodeImage } = cluster();
      const config = new KubeConfig();
      config.loadFromFile(kubeconfig);
      if (context !== undefined) config.setCurrentContext(context);
      api = KubernetesObjectApi.makeApiClient(config);
      for (const object of workload(namespace, nodeImage)) await api.create(object);
      const port = createKubernetesPort({ kubeconfig, ...(context === undefined ? {} : { context }), namespace });
      await awaitCondition('the autoscaler has metrics', () => port.fetchHpa(NAME), {
        until: ({ currentValue }) => currentValue !== null,
        timeoutMs: 180_000,
        clock: systemClock,
      });
    }, 200_000);

    afterAll(async () => {
      await api.delete({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    });

    printedRoles(() => ({ ...cluster(), namespace, deployment: NAME }));
  });
}

/** Two pods that do nothing. */
function workload(namespace: string, image: string): readonly KubernetesObject[] {
  const labels = { app: NAME };
  const container = {
    name: 'idle',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '-e', 'setInterval(() => {}, 1000); process.on("SIGTERM", () => process.exit())'],
    resources: { requests: { cpu: '20m', memory: '32Mi' } },
  };
  const metadata = { name: NAME, namespace, labels };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    } as KubernetesObject,
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: NAME },
        minReplicas: 2,
        maxReplicas: 3,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
      },
    } as KubernetesObject,
  ];
}
