/** The printed roles on the embedded lab's API. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printedRoles } from '../support/printed-roles.ts';
import { aLabCluster, type LabCluster } from './lab-kubernetes-support.ts';

let cluster: LabCluster;

beforeAll(async () => {
  cluster = await aLabCluster({ syncPeriodMs: 200 });
}, 30_000);

afterAll(async () => {
  expect(await cluster.dispose()).toEqual([]);
});

printedRoles(() => ({ kubeconfig: cluster.kubeconfigPath, namespace: 'erp', deployment: 'erp' }));

test('a token that nobody gave out is refused', async () => {
  const response = await fetch(`${cluster.api.url}/api/v1/namespaces/erp/pods`, { headers: { authorization: 'Bearer made-up' } });
  expect(response.status).toBe(401);
});
