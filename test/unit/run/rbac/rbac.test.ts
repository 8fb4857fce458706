import { describe, expect, test } from 'vitest';
import type { Connections } from '../../../../src/model/connections.ts';
import type { Plan } from '../../../../src/model/plan.ts';
import { readPlan } from '../../../../src/plan/read-plan.ts';
import { preflight } from '../../../../src/run/preflight.ts';
import { type RbacRule, rbacObjects, rulesOf } from '../../../../src/run/rbac/manifests.ts';
import { requiredAccess, resourceName } from '../../../../src/run/rbac/required-access.ts';
import { shortPlan } from '../../../e2e/short-plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeKubernetes } from '../../../fakes/fake-kubernetes.ts';
import { FakeOdoo } from '../../../fakes/fake-odoo.ts';

const NO_LOSS = { id: 'no-loss', kind: 'data-loss', service: 'order-capture' };
const KILL = { id: 'kill', kind: 'kubernetes/kill-pods', at: '1s', selector: 'app=odoo', count: 1 };
const CRASH = { id: 'crash', kind: 'postgres/failover', at: '1s', mode: 'crash' };
const UPDATE = { id: 'update', kind: 'kubernetes/rolling-update', at: '1s', deployment: 'erp-jobs', change: 'restart' };
const DRAIN = { id: 'drain', kind: 'kubernetes/drain-node', at: '1s', selector: 'app=odoo' };

const kubernetes = { context: 'lab-1', namespace: 'erp', deployment: 'odoo', hpa: 'odoo' } as const;
const PATRONI = { driver: 'patroni', patroniUrls: ['http://127.0.0.1:8008'] } as const;

const planWith = (...faults: readonly object[]): Plan =>
  readPlan(shortPlan({ name: 'check', faults, objectives: [NO_LOSS] }), 'plan');
const accessOf = (plan: Plan, connections: Partial<Connections> = {}) => requiredAccess(plan, { kubernetes, ...connections });
const namesOf = (plan: Plan, connections: Partial<Connections> = {}) =>
  accessOf(plan, connections).map((access) => `${access.verb} ${resourceName(access)}${access.clusterWide ? ' everywhere' : ''}`);

describe('requiredAccess', () => {
  test('of a plan without faults is what watching needs, the deployment and its autoscaler by name', () => {
    expect(namesOf(planWith())).toEqual([
      'get deployments.apps odoo',
      'list pods',
      'list pods.metrics.k8s.io',
      'list events',
      'get horizontalpodautoscalers.autoscaling odoo',
      'get horizontalpodautoscalers.autoscaling keda-hpa-odoo',
      'list nodes.metrics.k8s.io everywhere',
      'list nodes everywhere',
    ]);
  });

  test('has nothing outside the namespace when the plan wants none', () => {
    const only = { kubernetes: { ...kubernetes, namespaceOnly: true } };
    expect(namesOf(planWith(KILL), only).filter((name) => name.endsWith('everywhere'))).toEqual([]);
  });

  test('adds what each fault uses, once, and names who needs it', () => {
    const access = accessOf(planWith(KILL, CRASH), { postgres: PATRONI });
    const pods = access.filter(
      ({ group, resource, subresource }) => resource === 'pods' && group === '' && subresource === undefined,
    );
    expect(pods).toMatchObject([
      { verb: 'list', neededFor: ['watching the pods', 'fault kill', 'fault crash'] },
      { verb: 'delete', neededFor: ['fault kill', 'fault crash'] },
    ]);
    expect(namesOf(planWith(CRASH)).some((name) => name.startsWith('delete'))).toBe(false);
  });

  test('in every namespace takes the place of that in one, and a rollout changes its own deployment alone', () => {
    const names = namesOf(planWith(UPDATE, DRAIN));
    expect(names.filter((name) => name.includes('deployments'))).toEqual([
      'get deployments.apps odoo',
      'get deployments.apps erp-jobs',
      'patch deployments.apps erp-jobs',
    ]);
    expect(names).toContain('list pods everywhere');
    expect(names).not.toContain('list pods');
    expect(names).toContain('patch nodes everywhere');
  });

  test('without Kubernetes is none', () => {
    expect(requiredAccess(planWith(), {})).toEqual([]);
  });
});

describe('rbacObjects', () => {
  const objectsOf = (plan: Plan, connections: Partial<Connections> = {}) =>
    rbacObjects(accessOf(plan, connections), { name: 'peakproof-check', namespace: 'erp' });

  test('are an account, a role and its binding, with one rule a resource', () => {
    const objects = objectsOf(planWith(KILL), { kubernetes: { ...kubernetes, namespaceOnly: true } });
    expect(objects.map(({ kind }) => kind)).toEqual(['ServiceAccount', 'Role', 'RoleBinding']);
    expect(objects[1]?.rules).toEqual([
      { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['odoo'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['delete', 'list'] },
      { apiGroups: ['metrics.k8s.io'], resources: ['pods'], verbs: ['list'] },
      { apiGroups: [''], resources: ['events'], verbs: ['list'] },
      {
        apiGroups: ['autoscaling'],
        resources: ['horizontalpodautoscalers'],
        resourceNames: ['keda-hpa-odoo', 'odoo'],
        verbs: ['get'],
      },
      { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['list'] },
    ]);
    expect(objects[2]).toMatchObject({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'peakproof-check' },
      subjects: [{ kind: 'ServiceAccount', name: 'peakproof-check', namespace: 'erp' }],
    });
  });

  test('have a cluster role, of a name that says whose it is, only where something is cluster-wide', () => {
    const objects = objectsOf(planWith());
    expect(objects.map(({ kind }) => kind)).toEqual([
      'ServiceAccount',
      'Role',
      'RoleBinding',
      'ClusterRole',
      'ClusterRoleBinding',
    ]);
    expect(objects[3]).toMatchObject({
      metadata: { name: 'erp-peakproof-check' },
      rules: [
        { apiGroups: ['metrics.k8s.io'], resources: ['nodes'], verbs: ['list'] },
        { apiGroups: [''], resources: ['nodes'], verbs: ['list'] },
      ],
    });
    expect(JSON.stringify(objects)).not.toContain('*');
  });

  test('say exactly what preflight asks for: with all rules it passes, without any one of them it fails and names it', async () => {
    const plan = planWith(KILL, CRASH, UPDATE);
    const needed = accessOf(plan, { postgres: PATRONI });
    const rules = [...rulesOf(needed, false), ...rulesOf(needed, true)];
    const judge = async (granted: readonly RbacRule[]) => {
      const clock = createFakeClock();
      const port = createFakeKubernetes({ clock });
      const odoo = new FakeOdoo();
      Object.assign(port, {
        allowed: async ({ verb, group, resource, subresource, name }: Parameters<typeof port.allowed>[0]) =>
          granted.some(
            (rule) =>
              rule.verbs.includes(verb) &&
              rule.apiGroups.includes(group) &&
              rule.resources.includes(subresource === undefined ? resource : `${resource}/${subresource}`) &&
              (rule.resourceNames === undefined || (name !== undefined && rule.resourceNames.includes(name))),
          ),
      });
      const report = await preflight(
        plan,
        {
          odoo: { kind: 'odoo', url: odoo.url, database: odoo.database, login: 'admin', password: { env: 'P' } },
          kubernetes,
          postgres: PATRONI,
          guard: { hosts: ['fake', '127.0.0.1'], databases: ['erp'], contexts: ['lab-1'], namespaces: ['erp'] },
        },
        { odoo, faults: { clock, kubernetes: port, postgresTarget: PATRONI }, close: async () => undefined },
        { iMean: [] },
      );
      return report.checks
        .filter(({ check, verdict }) => check === 'permissions' && verdict === 'fail')
        .map(({ evidence }) => evidence);
    };
    expect(await judge(rules)).toEqual([]);
    for (const removed of rules) {
      const missing = await judge(rules.filter((rule) => rule !== removed));
      expect(missing).toHaveLength(removed.verbs.length * (removed.resourceNames?.length ?? 1));
      for (const verb of removed.verbs)
        expect(missing.some((evidence) => evidence.includes(`"${verb} ${removed.resources[0]?.split('/')[0] ?? ''}`))).toBe(true);
    }
  });
});
