import { describe, expect, test } from 'vitest';
import type { HpaView } from '../../../src/clients/ports.ts';
import type { Connections } from '../../../src/model/connections.ts';
import { readPlan } from '../../../src/plan/read-plan.ts';
import type { Doors } from '../../../src/run/connections.ts';
import { preflight, requirePassed } from '../../../src/run/preflight.ts';
import { shortPlan } from '../../e2e/short-plan.ts';
import { createFakeClock } from '../../fakes/fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetesOptions } from '../../fakes/fake-kubernetes.ts';
import { FakeOdoo } from '../../fakes/fake-odoo.ts';

const HPA: HpaView = {
  name: 'odoo',
  currentReplicas: 2,
  desiredReplicas: 2,
  minReplicas: 2,
  maxReplicas: 5,
  metric: 'cpu',
  currentValue: 20,
  targetValue: 60,
  conditions: [{ type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound', message: '' }],
  behavior: {},
};
const SCALES = {
  id: 'scales',
  kind: 'autoscaling',
  scenario: 'flash-sale',
  maxDesired: '15s',
  maxReady: '20s',
  maxServiceLevelBack: '25s',
  minReplicasReached: 2,
};
const KILL = { id: 'kill', kind: 'kubernetes/kill-pods', at: '1s', selector: 'app=odoo', count: 1 };

function aTarget(options: Partial<FakeKubernetesOptions> & { readonly hpa?: HpaView; readonly hosts?: readonly string[] } = {}) {
  const clock = createFakeClock();
  const kubernetes = createFakeKubernetes({ clock, ...options });
  kubernetes.hpa = options.hpa ?? HPA;
  const odoo = new FakeOdoo();
  const connections: Connections = {
    odoo: { kind: 'odoo', url: odoo.url, database: odoo.database, login: 'admin', password: { env: 'P' } },
    kubernetes: { context: 'lab-1', namespace: 'erp', deployment: 'odoo', hpa: 'odoo' },
    guard: { hosts: options.hosts ?? ['fake', '127.0.0.1'], databases: ['erp'], contexts: ['lab-1'], namespaces: ['erp'] },
  };
  const doors: Doors = { odoo, faults: { clock, kubernetes }, close: async () => undefined };
  const check = (faults: readonly object[], objectives: readonly object[]) =>
    preflight(readPlan(shortPlan({ name: 'check', faults, objectives }), 'plan'), connections, doors, { iMean: [] });
  return { odoo, kubernetes, check };
}

describe('preflight', () => {
  test('passes a target that has everything, and says what it looked at', async () => {
    const report = await aTarget().check([KILL], [SCALES]);
    expect(report.problems).toEqual([]);
    expect(report.passed.join('\n')).toMatch(
      /Odoo 18\.0[\s\S]*Kubernetes v1\.34[\s\S]*HPA odoo has metrics[\s\S]*kill: kubernetes\/kill-pods/,
    );
  });

  test('an HPA without metrics is a problem when autoscaling is judged, and a warning when it is not', async () => {
    const hpa = {
      ...HPA,
      currentValue: null,
      conditions: [{ type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric', message: '' }],
    };
    const judged = await aTarget({ hpa }).check([], [SCALES]);
    expect(judged.problems).toMatchObject([
      { code: 'ERR_PREFLIGHT', at: 'hpa odoo', message: expect.stringContaining('FailedGetResourceMetric') },
    ]);
    const unjudged = await aTarget({ hpa }).check([], [{ id: 'x', kind: 'data-loss', service: 'order-capture' }]);
    expect(unjudged.problems).toEqual([]);
    expect(unjudged.checks.filter(({ check }) => check === 'hpa-metrics')).toMatchObject([{ at: 'hpa odoo', verdict: 'warn' }]);
  });

  test('a fault whose door is not open is refused by name', async () => {
    const report = await aTarget().check([{ id: 'flood', kind: 'redis/flood', at: '1s', mode: 'memory' }], [SCALES]);
    expect(report.problems).toMatchObject([
      { code: 'ERR_FAULT_UNSUPPORTED', at: 'faults[0] "flood"', message: expect.stringContaining('redis/flood needs redis') },
    ]);
  });

  test('names every problem at once: a selector that matches nothing beside a permission that is missing', async () => {
    const report = await aTarget({ denied: ['delete pods'] }).check([{ ...KILL, selector: 'app=nobody' }], [SCALES]);
    expect(report.problems.map(({ code }) => code)).toEqual(expect.arrayContaining(['ERR_SELECTOR_EMPTY']));
    expect(() => requirePassed(report)).toThrow(/nothing was touched/);
  });

  test('asks a target that is not allowed nothing at all', async () => {
    const target = aTarget({ hosts: ['127.0.0.1'] });
    const report = await target.check([KILL], [SCALES]);
    expect(report.problems.map(({ code }) => code)).toEqual(['ERR_GUARD']);
    expect(target.odoo.calls).toEqual([]);
  });
});
