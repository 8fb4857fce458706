/**
 * The roles that `peakproof rbac` prints, on an API server that honours them: enough for what the plan does, and nothing to spare.
 * Called from a test file that has a cluster.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig, type KubernetesObject, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awaitCondition } from '../../src/clients/await-condition.ts';
import { systemClock } from '../../src/clients/clock.ts';
import { createKubernetesPort } from '../../src/clients/kubernetes.ts';
import type { KubernetesPort } from '../../src/clients/ports.ts';
import type { Connections } from '../../src/model/connections.ts';
import type { Plan } from '../../src/model/plan.ts';
import { readPlan } from '../../src/plan/read-plan.ts';
import { preflight } from '../../src/run/preflight.ts';
import { type RbacObject, type RbacRule, rbacObjects } from '../../src/run/rbac/manifests.ts';
import { requiredAccess } from '../../src/run/rbac/required-access.ts';
import { shortPlan } from '../e2e/short-plan.ts';
import { FakeOdoo } from '../fakes/fake-odoo.ts';

export interface ClusterWithWorkload {
  /** Of somebody who may grant. */
  readonly kubeconfig: string;
  readonly context?: string;
  readonly namespace: string;
  /** With an autoscaler of the same name, and pods labelled `app` with it too. */
  readonly deployment: string;
}

/** Authorizers of a real API server learn of a changed role a moment later; preflight waits for the metrics of pods just restarted. */
const PATIENCE_MS = 120_000;

type Rules = readonly RbacRule[];

export function printedRoles(cluster: () => ClusterWithWorkload): void {
  describe('the printed roles', () => {
    let folder: string;
    let admin: KubernetesObjectApi;
    let objects: readonly RbacObject[] = [];
    let account: KubernetesPort;
    let elsewhere: KubernetesPort;
    let plan: Plan;
    const asObject = (object: RbacObject): KubernetesObject => object as KubernetesObject;

    const missing = async (): Promise<readonly string[]> => {
      const { namespace, deployment } = cluster();
      const odoo = new FakeOdoo();
      const connections: Connections = {
        odoo: { kind: 'odoo', url: odoo.url, database: odoo.database, login: 'admin', password: { env: 'P' } },
        kubernetes: { namespace, deployment, hpa: deployment },
        guard: { hosts: ['fake', account.host], databases: ['erp'], contexts: ['account'], namespaces: [namespace] },
      };
      const doors = { odoo, faults: { clock: systemClock, kubernetes: account }, close: async () => undefined };
      const { checks } = await preflight(plan, connections, doors, { iMean: [] });
      expect(checks.filter(({ check }) => check === 'guard')).toMatchObject([{ verdict: 'ok' }]);
      return checks.filter(({ check, verdict }) => check === 'permissions' && verdict === 'fail').map(({ evidence }) => evidence);
    };
    const untilMissing = (what: string, until: (evidence: readonly string[]) => boolean) =>
      awaitCondition(what, missing, { until, timeoutMs: PATIENCE_MS, clock: systemClock });

    beforeAll(async () => {
      const { kubeconfig, context, namespace, deployment } = cluster();
      folder = await mkdtemp(join(tmpdir(), 'peakproof-roles-'));
      const config = new KubeConfig();
      config.loadFromFile(kubeconfig);
      if (context !== undefined) config.setCurrentContext(context);
      admin = KubernetesObjectApi.makeApiClient(config);
      plan = readPlan(shortPlan({ name: 'check', faults: faultsOn(deployment), objectives: [NO_LOSS] }), 'plan');
      const names = { name: 'peakproof-check', namespace };
      objects = rbacObjects(requiredAccess(plan, { kubernetes: { namespace, deployment, hpa: deployment } }), names);
      for (const object of objects) await admin.create(asObject(object));
      const path = join(folder, 'account.json');
      await writeFile(path, await accountConfig(config, names), { mode: 0o600 });
      account = createKubernetesPort({ kubeconfig: path, namespace });
      elsewhere = createKubernetesPort({ kubeconfig: path, namespace: 'default' });
      await untilMissing('the roles count', (evidence) => evidence.length === 0);
    }, 150_000);

    afterAll(async () => {
      await Promise.allSettled(objects.map((object) => admin.delete(asObject(object))));
      await rm(folder, { recursive: true, force: true });
    });

    test('are enough for watching, for preflight and for the faults', async () => {
      const { deployment } = cluster();
      const { selector } = await account.fetchDeployment(deployment);
      const [pod] = await account.fetchPods(selector);
      await account.fetchHpa(deployment);
      await Promise.all([account.fetchEvents(), account.fetchPodMetrics(selector), account.fetchNodeMetrics()]);
      await Promise.all([account.nodes.fetchNodes(), account.nodes.fetchDisruptionBudgets()]);
      await account.deletePod(pod?.name ?? '', { uid: pod?.uid ?? '', graceSeconds: 30, dryRun: true });
      await account.rollouts.fetchReplicaSets(deployment);
      await account.rollouts.changeTemplate(deployment, { kind: 'restart', annotations: { 'peakproof/test': 'now' } });
    });

    test('are not enough for anything else', async () => {
      await expect(account.rollouts.fetchRollout('another')).rejects.toThrow(/"another" is forbidden.*peakproof-check/);
      await expect(elsewhere.fetchPods('')).rejects.toThrow(/forbidden/);
      await expect(account.nodes.fetchPodsOn('some-node', { everyNamespace: true })).rejects.toThrow(/forbidden/);
      expect(await account.allowed({ verb: 'list', group: '', resource: 'secrets' })).toBe(false);
    });

    test('without any one of their rules fail preflight, which names what is missing', { timeout: 240_000 }, async () => {
      let tried = 0;
      for (const object of objects) {
        const all = (object.rules ?? []) as Rules;
        for (const removed of all) {
          tried += 1;
          await replaceRules(
            admin,
            object,
            all.filter((rule) => rule !== removed),
          );
          const names = removed.verbs.map((verb) => `"${verb} ${fullName(removed)}`);
          await untilMissing(`preflight names ${names.join(', ')}`, (evidence) =>
            names.every((name) => evidence.some((text) => text.includes(name))),
          );
        }
        if (all.length > 0) await replaceRules(admin, object, all);
      }
      expect(tried).toBeGreaterThanOrEqual(9);
      await untilMissing('nothing is missing', (evidence) => evidence.length === 0);
    });
  });
}

const NO_LOSS = { id: 'no-loss', kind: 'data-loss', service: 'order-capture' };

const faultsOn = (deployment: string): readonly object[] => [
  { id: 'kill', kind: 'kubernetes/kill-pods', at: '1s', selector: `app=${deployment}`, count: 1 },
  { id: 'update', kind: 'kubernetes/rolling-update', at: '4s', deployment, change: 'restart' },
];

const fullName = ({ apiGroups: [group = ''], resources: [resource = ''] }: RbacRule): string => {
  const [plural = '', subresource] = resource.split('/');
  return `${plural}${group === '' ? '' : `.${group}`}${subresource === undefined ? '' : `/${subresource}`}`;
};

async function replaceRules(admin: KubernetesObjectApi, object: RbacObject, rules: Rules): Promise<void> {
  const header = object as { readonly apiVersion: string; readonly kind: string; readonly metadata: { readonly name: string } };
  const current = await admin.read(header);
  await admin.replace({ ...current, rules } as KubernetesObject);
}

/** A kubeconfig of the account alone, as one makes it from `kubectl create token`. */
async function accountConfig(
  admin: KubeConfig,
  { name, namespace }: { readonly name: string; readonly namespace: string },
): Promise<string> {
  const body = { spec: { audiences: [], expirationSeconds: 3_600 } };
  const { status } = await admin.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({ name, namespace, body });
  const cluster = admin.getCurrentCluster();
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'account',
    clusters: [
      {
        name: 'cluster',
        cluster: {
          server: cluster?.server,
          ...(cluster?.caData !== undefined && { 'certificate-authority-data': cluster.caData }),
          ...(cluster?.caFile !== undefined && { 'certificate-authority': cluster.caFile }),
          ...(cluster?.skipTLSVerify === true && { 'insecure-skip-tls-verify': true }),
        },
      },
    ],
    users: [{ name: 'account', user: { token: status?.token } }],
    contexts: [{ name: 'account', context: { cluster: 'cluster', user: 'account', namespace } }],
  });
}
