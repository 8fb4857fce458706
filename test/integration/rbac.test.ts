/** The roles that `peakproof rbac` prints, on an API server that honours them: enough for what the plan does, and nothing to spare. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clients/clock.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import type { KubernetesPort } from '../../src/clients/ports.ts';
import type { Connections } from '../../src/model/connections.ts';
import type { Plan } from '../../src/model/plan.ts';
import { readPlan } from '../../src/plan/read-plan.ts';
import { preflight } from '../../src/run/preflight.ts';
import { type RbacObject, rbacObjects } from '../../src/run/rbac/manifests.ts';
import { requiredAccess } from '../../src/run/rbac/required-access.ts';
import { shortPlan } from '../e2e/short-plan.ts';
import { FakeOdoo } from '../fakes/fake-odoo.ts';
import { aLabCluster, type LabCluster, until } from './lab-kubernetes-support.ts';

const NAMESPACE = 'erp';
const NAMES = { name: 'peakproof-check', namespace: NAMESPACE };
const kubernetes = { namespace: NAMESPACE, deployment: 'erp', hpa: 'erp' } as const;
const FAULTS = [
  { id: 'kill', kind: 'kubernetes/kill-pods', at: '1s', selector: 'app=erp', count: 1 },
  { id: 'update', kind: 'kubernetes/rolling-update', at: '4s', deployment: 'erp', change: 'restart' },
];

let cluster: LabCluster;
let port: KubernetesPort;
let plan: Plan;
let objects: readonly RbacObject[];

/** As the lab's own user. */
async function send(method: 'POST' | 'PUT', path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${cluster.api.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const PLACES: Readonly<Record<string, string>> = {
  ServiceAccount: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
  Role: `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/roles`,
  RoleBinding: `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/rolebindings`,
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
};
const placeOf = (object: RbacObject): string => PLACES[String(object.kind)] ?? '';
const nameOf = (object: RbacObject): string => (object.metadata as { readonly name: string }).name;

/** A kubeconfig of the account alone, as `kubectl create token` gives it. */
async function portOfAccount(): Promise<KubernetesPort> {
  const answer = (await send('POST', `${PLACES.ServiceAccount}/${NAMES.name}/token`, {})) as { status: { token: string } };
  const path = join(cluster.folder, 'account.json');
  const server = { server: cluster.api.url, 'insecure-skip-tls-verify': true };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'account',
    clusters: [{ name: 'lab', cluster: server }],
    users: [{ name: 'account', user: { token: answer.status.token } }],
    contexts: [{ name: 'account', context: { cluster: 'lab', user: 'account', namespace: NAMESPACE } }],
  };
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return createKubernetesPort({ kubeconfig: path, namespace: NAMESPACE });
}

async function permissionsMissing(): Promise<readonly string[]> {
  const odoo = new FakeOdoo();
  const connections: Connections = {
    odoo: { kind: 'odoo', url: odoo.url, database: odoo.database, login: 'admin', password: { env: 'P' } },
    kubernetes,
    guard: { hosts: ['fake', '127.0.0.1'], databases: ['erp'], contexts: ['account'], namespaces: [NAMESPACE] },
  };
  const doors = { odoo, faults: { clock: systemClock, kubernetes: port }, close: async () => undefined };
  const { checks } = await preflight(plan, connections, doors, { iMean: [] });
  return checks.filter(({ check, verdict }) => check === 'permissions' && verdict === 'fail').map(({ evidence }) => evidence);
}

beforeAll(async () => {
  cluster = await aLabCluster({ syncPeriodMs: 200 });
  plan = readPlan(
    shortPlan({
      name: 'check',
      faults: FAULTS,
      objectives: [{ id: 'no-loss', kind: 'data-loss', service: 'order-capture' }],
    }),
    'plan',
  );
  objects = rbacObjects(requiredAccess(plan, { kubernetes }), NAMES);
  for (const object of objects) await send('POST', placeOf(object), object);
  port = await portOfAccount();
  await until('the autoscaler has metrics', async () => (await port.fetchHpa('erp')).currentValue !== null);
}, 30_000);

afterAll(async () => {
  expect(await cluster.dispose()).toEqual([]);
});

describe('the printed roles', () => {
  test('are enough for watching, for preflight and for the faults', async () => {
    expect(await permissionsMissing()).toEqual([]);
    const { selector } = await port.fetchDeployment('erp');
    const [pod] = await port.fetchPods(selector);
    await Promise.all([port.fetchEvents(), port.fetchPodMetrics(selector), port.fetchNodeMetrics(), port.nodes.fetchNodes()]);
    await port.nodes.fetchDisruptionBudgets();
    await port.deletePod(pod?.name ?? '', { uid: pod?.uid ?? '', graceSeconds: 30, dryRun: true });
    await port.rollouts.fetchReplicaSets('erp');
    await port.rollouts.changeTemplate('erp', { kind: 'restart', annotations: { 'peakproof/test': 'now' } });
  });

  test('are not enough for anything else', async () => {
    await expect(port.rollouts.fetchRollout('postgres')).rejects.toThrow(/"postgres" is forbidden.*peakproof-check/);
    const other = createKubernetesPort({ kubeconfig: join(cluster.folder, 'account.json'), namespace: 'default' });
    await expect(other.fetchPods('')).rejects.toThrow(/forbidden/);
    await expect(port.nodes.fetchPodsOn('lab-node', { everyNamespace: true })).rejects.toThrow(/forbidden/);
    expect(await port.allowed({ verb: 'list', group: '', resource: 'secrets' })).toBe(false);
  });

  test('without any one of their rules fail preflight, which names what is missing', async () => {
    let rules = 0;
    for (const object of objects) {
      const all = (object.rules ?? []) as readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
      for (const removed of all) {
        rules += 1;
        await send('PUT', `${placeOf(object)}/${nameOf(object)}`, { ...object, rules: all.filter((rule) => rule !== removed) });
        const missing = await permissionsMissing();
        for (const verb of removed.verbs)
          expect(missing.join('\n'), `${verb} ${removed.resources[0]}`).toContain(`"${verb} ${removed.resources[0]}`);
      }
      if (all.length > 0) await send('PUT', `${placeOf(object)}/${nameOf(object)}`, object);
    }
    expect(rules).toBeGreaterThanOrEqual(9);
    expect(await permissionsMissing()).toEqual([]);
  });

  test('count for the account alone: a token that nobody gave out is refused', async () => {
    const response = await fetch(`${cluster.api.url}/api/v1/namespaces/${NAMESPACE}/pods`, {
      headers: { authorization: 'Bearer made-up' },
    });
    expect(response.status).toBe(401);
  });
});
