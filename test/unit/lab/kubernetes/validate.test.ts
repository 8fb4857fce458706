import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../../lab/processes/kubernetes/objects.ts';
import { mergePatch } from '../../../../lab/processes/kubernetes/patch.ts';
import { newAutoscaler, newDeployment } from '../../../../lab/processes/kubernetes/seed-objects.ts';
import { requireValid } from '../../../../lab/processes/kubernetes/validate.ts';

const deployment = newDeployment({ kind: 'Deployment', name: 'erp', replicas: 2 }, 'erp', 0);
const autoscaler = newAutoscaler(
  { target: 'erp', minReplicas: 2, maxReplicas: 4, targetUtilization: 60, behavior: {} },
  'erp',
  0,
);

function patched(object: KubeObject, patch: unknown): KubeObject {
  return mergePatch(object, patch) as KubeObject;
}

describe('requireValid', () => {
  test('passes the objects of the lab itself', () => {
    expect(() => requireValid('deployments', deployment, deployment)).not.toThrow();
    expect(() => requireValid('horizontalpodautoscalers', autoscaler, null)).not.toThrow();
  });

  test.each([
    [{ spec: { replicas: -1 } }, 'spec.replicas'],
    [{ spec: { replicas: '3' } }, 'spec.replicas'],
    [{ spec: { selector: { matchLabels: { app: 'other' } } } }, 'field is immutable'],
    [{ spec: { template: { metadata: { labels: { app: 'other' } } } } }, 'does not match template'],
    [{ spec: { template: { spec: { containers: [] } } } }, 'exactly its own container'],
    [{ spec: { template: { spec: { containers: [{ name: 'other', image: 'x' }] } } } }, 'exactly its own container'],
    [
      { spec: { template: { spec: { containers: [{ name: 'erp', image: 'x', resources: { requests: { cpu: 'lots' } } }] } } } },
      'not a quantity',
    ],
    [{ spec: { strategy: null } }, 'spec.strategy'],
    [{ metadata: { labels: { tier: 3 } } }, 'map of strings'],
  ])('refuses a deployment changed by %j', (patch, message) => {
    expect(() => requireValid('deployments', patched(deployment, patch), deployment)).toThrow(message);
  });

  test.each([
    [{ spec: { maxReplicas: 1 } }, 'greater than or equal to `minReplicas`'],
    [{ spec: { minReplicas: 0 } }, 'spec.minReplicas'],
    [{ spec: { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 0 } } }] } }, 'spec.metrics'],
    [{ spec: { behavior: { scaleUp: { selectPolicy: 'Fast' } } } }, 'selectPolicy'],
    [{ spec: { behavior: { scaleUp: { policies: [] } } } }, 'at least one Policy'],
    [{ spec: { behavior: { scaleDown: { policies: [{ type: 'Pods', value: 0, periodSeconds: 60 }] } } } }, 'policies[0]'],
    [{ spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 3601 } } } }, 'between 0 and 3600'],
    [{ spec: { behavior: { scaleDown: { tolerance: 'much' } } } }, 'tolerance'],
    [{ spec: null }, 'spec.maxReplicas'],
  ])('refuses an autoscaler changed by %j', (patch, message) => {
    expect(() => requireValid('horizontalpodautoscalers', patched(autoscaler, patch), autoscaler)).toThrow(message);
  });
});
