/** Each check of preflight holds, and fails or warns when what it looks at is broken. */
import { describe, expect, test } from 'vitest';
import type { HpaView, PodView } from '../../../../src/clients/ports.ts';
import type { Connections } from '../../../../src/model/connections.ts';
import type { Plan } from '../../../../src/model/plan.ts';
import { readPlan } from '../../../../src/plan/read-plan.ts';
import type { Doors } from '../../../../src/run/connections.ts';
import { checkClientTimeouts } from '../../../../src/run/preflight/client-timeouts.ts';
import { Findings } from '../../../../src/run/preflight/findings.ts';
import { isOlder } from '../../../../src/run/preflight/versions.ts';
import { type PreflightCheck, preflight } from '../../../../src/run/preflight.ts';
import { shortPlan } from '../../../e2e/short-plan.ts';
import { createFakeClock } from '../../../fakes/fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetesOptions } from '../../../fakes/fake-kubernetes.ts';
import { FakeOdoo } from '../../../fakes/fake-odoo.ts';
import { aMember, aStandby, createFakePatroni } from '../../../fakes/fake-patroni.ts';
import { createFakePostgres } from '../../../fakes/fake-postgres.ts';
import { createFakeRedis } from '../../../fakes/fake-redis.ts';

const SCALES = {
  id: 'scales',
  kind: 'autoscaling',
  scenario: 'flash-sale',
  maxDesired: '15s',
  maxReady: '20s',
  maxServiceLevelBack: '25s',
  minReplicasReached: 3,
};
const NO_LOSS = { id: 'no-loss', kind: 'data-loss', service: 'order-capture' };
const KILL = { id: 'kill', kind: 'kubernetes/kill-pods', at: '1s', selector: 'app=odoo', count: 2 };
const CRASH = { id: 'crash', kind: 'postgres/failover', at: '1s', mode: 'crash' };
const HPA: HpaView = {
  name: 'odoo',
  currentReplicas: 4,
  desiredReplicas: 4,
  minReplicas: 2,
  maxReplicas: 6,
  metric: 'cpu',
  currentValue: 20,
  targetValue: 60,
  metrics: [{ type: 'Resource', name: 'cpu', of: '', targetKind: 'Utilization', target: 60, current: 20 }],
  conditions: [],
  behavior: {},
};

interface Target extends Partial<FakeKubernetesOptions> {
  readonly requests?: PodView['requests'];
  readonly faults?: readonly object[];
  readonly objectives?: readonly object[];
  readonly patroni?: Partial<Parameters<typeof createFakePatroni>[0]>;
  readonly doors?: Partial<Doors['faults']>;
  readonly connections?: Partial<Connections['kubernetes']>;
  readonly change?: (kubernetes: ReturnType<typeof createFakeKubernetes>) => void;
  readonly version?: string;
}

async function checks(name: string, target: Target = {}): Promise<readonly PreflightCheck[]> {
  const { requests = { cpuCores: 0.5, memoryBytes: 1e9 }, faults = [], objectives = [SCALES], patroni, change } = target;
  const clock = createFakeClock();
  const kubernetes = createFakeKubernetes({ clock, ...target });
  kubernetes.hpa = HPA;
  kubernetes.pods.splice(0, kubernetes.pods.length, ...kubernetes.pods.map((pod) => ({ ...pod, requests })));
  change?.(kubernetes);
  const odoo = new FakeOdoo();
  odoo.serverVersion = target.version ?? '18.0';
  const connections: Connections = {
    odoo: { kind: 'odoo', url: odoo.url, database: odoo.database, login: 'admin', password: { env: 'P' } },
    kubernetes: { context: 'lab-1', namespace: 'erp', deployment: 'odoo', hpa: 'odoo', ...target.connections },
    guard: { hosts: ['fake', '127.0.0.1'], databases: ['erp'], contexts: ['lab-1'], namespaces: ['erp'] },
  };
  const doors: Doors = {
    odoo,
    faults: { clock, kubernetes, ...(patroni && { patroni: createFakePatroni({ clock, ...patroni }) }), ...target.doors },
    close: async () => undefined,
  };
  const plan = readPlan(shortPlan({ name: 'check', faults, objectives }), 'plan');
  const report = await preflight(plan, connections, doors, { iMean: [] });
  return report.checks.filter(({ check }) => check === name);
}

const verdicts = (found: readonly PreflightCheck[]): readonly string[] => found.map(({ verdict }) => verdict);

describe('versions', () => {
  test('of what was tried pass; an older one warns, one that lacks what is called fails', async () => {
    expect(verdicts(await checks('versions', { patroni: {} }))).toEqual(['ok', 'ok']);
    const with_ = (version: string) =>
      checks('versions', { change: (kubernetes) => Object.assign(kubernetes, { fetchVersion: async () => version }) });
    expect(await with_('v1.28.3+k3s1')).toMatchObject([{ verdict: 'warn', evidence: expect.stringContaining('untested') }]);
    expect(await with_('v1.22.0')).toMatchObject([{ verdict: 'fail', evidence: expect.stringContaining('autoscaling/v2') }]);
    const redis = createFakeRedis({ clock: createFakeClock() });
    const told = await checks('versions', { doors: { redis: { ...redis, info: async () => ({ redis_version: '4.0.9' }) } } });
    expect(told.at(-1)).toMatchObject({ verdict: 'fail', evidence: expect.stringContaining('Redis 4.0.9 is too old') });
  });

  test('compare by numbers, not by text', () => {
    expect([isOlder('v1.9.1', '1.23'), isOlder('18.4', '14'), isOlder('16beta1', '14'), isOlder('3', '3.0')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('another Odoo than 18 is told and gone on with', async () => {
    expect(verdicts(await checks('odoo', { version: '17.0' }))).toEqual(['warn', 'ok']);
  });
});

describe('permissions', () => {
  test('are told with their number when all are there', async () => {
    expect(await checks('permissions', { faults: [KILL] })).toMatchObject([
      { verdict: 'ok', evidence: expect.stringMatching(/^all \d+/) },
    ]);
  });

  test('that are missing are named, with what needs them', async () => {
    expect(await checks('permissions', { faults: [KILL], denied: ['delete pods'] })).toMatchObject([
      { verdict: 'fail', evidence: expect.stringMatching(/"delete pods" in namespace erp, needed for fault kill$/) },
    ]);
    expect(await checks('permissions', { denied: ['list nodes'] })).toMatchObject([
      { verdict: 'fail', evidence: expect.stringContaining('"list nodes.metrics.k8s.io" in the whole cluster') },
      { verdict: 'fail', evidence: expect.stringContaining('"list nodes" in the whole cluster') },
    ]);
  });

  test('outside the namespace are not asked for when the plan wants none', async () => {
    const found = await checks('permissions', { denied: ['list nodes'], connections: { namespaceOnly: true } });
    expect(verdicts(found)).toEqual(['ok']);
    expect(await checks('capacity', { connections: { namespaceOnly: true } })).toEqual([]);
  });
});

describe('the autoscaler', () => {
  test('needs requests on every container when a share of them is compared', async () => {
    expect(verdicts(await checks('hpa-requests'))).toEqual(['ok']);
    const without = { cpuCores: null, memoryBytes: 1e9 };
    expect(await checks('hpa-requests', { requests: without })).toMatchObject([
      {
        verdict: 'fail',
        evidence: expect.stringContaining('4 of 4 pods (first: odoo-6d-1) have a container without a request for cpu'),
      },
    ]);
    expect(verdicts(await checks('hpa-requests', { requests: without, objectives: [NO_LOSS] }))).toEqual(['warn']);
    const byValue = {
      ...HPA,
      metric: 'queue',
      metrics: [{ ...(HPA.metrics?.[0] ?? ({} as never)), targetKind: 'AverageValue' as const }],
    };
    const found = await checks('hpa-requests', {
      requests: without,
      change: (kubernetes) => Object.assign(kubernetes, { hpa: byValue }),
    });
    expect(verdicts(found)).toEqual(['ok']);
  });

  test('without metrics fails what judges it', async () => {
    const blind = { ...HPA, currentValue: null };
    const found = await checks('hpa-metrics', { change: (kubernetes) => Object.assign(kubernetes, { hpa: blind }) });
    expect(verdicts(found)).toEqual(['fail']);
  });
});

describe('free capacity', () => {
  const allocatable = (cpuCores: number) => (kubernetes: ReturnType<typeof createFakeKubernetes>) => {
    const [node] = kubernetes.nodes.list;
    if (node !== undefined) kubernetes.nodes.list[0] = { ...node, allocatable: { ...node.allocatable, cpuCores } };
  };

  test('counts what ready nodes can take beside all that runs on them', async () => {
    // 4 pods of 0.5 are there, 2 more are needed for maxReplicas 6: exactly 3 cores.
    expect(await checks('capacity', { change: allocatable(3) })).toMatchObject([
      {
        verdict: 'ok',
        evidence: expect.stringContaining('room for 2 more pods of 0.5 cores, 954 MiB; up to maxReplicas 6 are 2 more'),
      },
    ]);
    expect(verdicts(await checks('capacity', { change: allocatable(2.9) }))).toEqual(['warn']);
  });

  test('that is too small for the replicas that an objective asks for fails', async () => {
    const found = await checks('capacity', {
      change: allocatable(2.4),
      objectives: [{ ...SCALES, minReplicasReached: 3 }],
      replicas: 2,
    });
    expect(verdicts(found)).toEqual(['warn']);
    const short = await checks('capacity', {
      change: allocatable(1.2),
      objectives: [{ ...SCALES, minReplicasReached: 3 }],
      replicas: 2,
    });
    expect(short).toMatchObject([{ verdict: 'fail', evidence: expect.stringContaining('the plan asks for 1 more') }]);
  });

  test('does not count nodes that take nobody, and says when other namespaces could not be counted', async () => {
    const cordoned = await checks('capacity', {
      change: (kubernetes) => {
        const [node] = kubernetes.nodes.list;
        if (node !== undefined) kubernetes.nodes.list[0] = { ...node, unschedulable: true };
      },
    });
    expect(cordoned).toMatchObject([{ verdict: 'warn', evidence: expect.stringContaining('0 ready nodes have room for 0') }]);
    const blind = await checks('capacity', {
      change: (kubernetes) =>
        Object.assign(kubernetes, { allowed: async (question: { everyNamespace?: true }) => question.everyNamespace !== true }),
    });
    expect(blind).toMatchObject([{ evidence: expect.stringContaining('pods of other namespaces could not be counted') }]);
  });
});

describe('a planned kill', () => {
  test('leaves ready pods and stays within the disruption budget', async () => {
    const two = (minAvailable: number) => (kubernetes: ReturnType<typeof createFakeKubernetes>) => {
      kubernetes.nodes.minAvailable = minAvailable;
    };
    expect(verdicts(await checks('planned-kill', { faults: [KILL] }))).toEqual(['ok']);
    expect(verdicts(await checks('disruption-budget', { faults: [KILL], change: two(2) }))).toEqual(['ok']);
    expect(await checks('disruption-budget', { faults: [KILL], change: two(3) })).toMatchObject([
      { verdict: 'fail', evidence: expect.stringMatching(/lets 1 of 4 pods go \(4 healthy, 3 wanted\), and 2 would be killed/) },
    ]);
  });

  test('of everybody is told when the plan means it, and refused when it does not', async () => {
    const all = { ...KILL, count: 4 };
    expect(await checks('planned-kill', { faults: [{ ...all, maxAffected: '100%' }] })).toMatchObject([
      { verdict: 'warn', evidence: expect.stringContaining('nobody is left to serve') },
    ]);
    expect(await checks('fault', { faults: [all] })).toMatchObject([{ verdict: 'fail', code: 'ERR_BLAST_RADIUS' }]);
  });
});

describe('Patroni', () => {
  const postgresTarget = { driver: 'patroni', patroniUrls: ['http://127.0.0.1:8008'] } as const;
  const withPatroni = (patroni: Target['patroni'], more: Target = {}): Target => ({
    patroni: patroni ?? {},
    faults: [CRASH],
    objectives: [NO_LOSS],
    doors: { postgresTarget },
    ...more,
  });

  test('that is paused fails a failover, and is only told without one', async () => {
    expect(verdicts(await checks('patroni-paused', withPatroni({})))).toEqual(['ok']);
    expect(verdicts(await checks('patroni-paused', withPatroni({ paused: true })))).toEqual(['fail']);
    expect(verdicts(await checks('patroni-paused', withPatroni({ paused: true }, { faults: [] })))).toEqual(['warn']);
  });

  test('tells its times, and warns of a recovery target that they cannot meet', async () => {
    expect(await checks('patroni-ttl', withPatroni({}))).toMatchObject([
      { verdict: 'ok', evidence: expect.stringMatching(/ttl \d+ s, loop_wait \d+ s/) },
    ]);
    const hasty = { id: 'hasty', kind: 'recovery', service: 'order-capture', fault: 'crash', max: '2s' };
    expect(await checks('patroni-ttl', withPatroni({}, { objectives: [hasty] }))).toMatchObject([
      { verdict: 'warn', evidence: expect.stringContaining('objective "hasty" allows 2 s, less than that') },
    ]);
  });

  test('without synchronous mode is told, and warned of where no write may be lost', async () => {
    expect(verdicts(await checks('synchronous-mode', withPatroni({ synchronous: true })))).toEqual(['ok']);
    expect(verdicts(await checks('synchronous-mode', withPatroni({ synchronous: false })))).toEqual(['warn']);
    expect(verdicts(await checks('synchronous-mode', withPatroni({ synchronous: false }, { objectives: [SCALES] })))).toEqual([
      'ok',
    ]);
  });

  test('whose standbys are all far behind, or gone, fails a failover', async () => {
    const lag = (lagBytes: number) => ({ members: [aMember(), aStandby({ lagBytes })] });
    expect(verdicts(await checks('standby-lag', withPatroni(lag(1_000))))).toEqual(['ok']);
    expect(await checks('standby-lag', withPatroni(lag(2_000_000)))).toMatchObject([
      { verdict: 'fail', evidence: expect.stringContaining('pg-1 streaming, 2000000 bytes behind') },
    ]);
    const stopped = { members: [aMember(), aStandby({ state: 'stopped' })] };
    expect(await checks('standby-lag', withPatroni(stopped))).toMatchObject([
      { verdict: 'fail', evidence: expect.stringContaining('no standby is streaming') },
    ]);
  });
});

describe('a database without Patroni', () => {
  const commands = {
    driver: 'command',
    connection: { url: 'postgresql://x@127.0.0.1/erp', standbyUrls: [] },
    commands: { crash: ['x'] },
  } as const;
  const withReplicas = (replicas: Parameters<typeof createFakePostgres>[0]): Target => ({
    faults: [CRASH],
    objectives: [NO_LOSS],
    doors: { postgres: createFakePostgres(replicas), postgresTarget: commands },
  });

  test('needs a standby that is not far behind', async () => {
    expect(verdicts(await checks('standby-lag', withReplicas({})))).toEqual(['ok']);
    expect(verdicts(await checks('standby-lag', withReplicas({ replicas: [] })))).toEqual(['fail']);
    const behind = { name: 's1', state: 'streaming', syncState: 'async', replayLagBytes: 5_000_000 };
    expect(verdicts(await checks('standby-lag', withReplicas({ replicas: [behind] })))).toEqual(['fail']);
  });

  test('is synchronous when a standby is', async () => {
    const sync = { name: 's1', state: 'streaming', syncState: 'quorum', replayLagBytes: 0 };
    expect(verdicts(await checks('synchronous-mode', withReplicas({ replicas: [sync] })))).toEqual(['ok']);
    expect(verdicts(await checks('synchronous-mode', withReplicas({})))).toEqual(['warn']);
  });
});

describe('Redis', () => {
  const FLOOD = { id: 'flood', kind: 'redis/flood', at: '1s', mode: 'memory' };

  test('is on the path when somebody else is connected, and warned of when nobody is', async () => {
    const redis = (offPath: boolean) => ({ redis: createFakeRedis({ clock: createFakeClock(), offPath }) });
    const on = await checks('redis', { faults: [FLOOD], doors: redis(false) });
    const off = await checks('redis', { faults: [FLOOD], doors: redis(true) });
    expect([verdicts(on), verdicts(off)]).toEqual([['ok'], ['warn']]);
  });
});

describe('clocks', () => {
  test('of API server and database are told, and warned of when they are off', async () => {
    const postgres = createFakePostgres();
    const off = { ...postgres, fetchClockOffsetMs: async () => 5_000 };
    expect(verdicts(await checks('clocks', { doors: { postgres } }))).toEqual(['ok', 'ok']);
    expect(await checks('clocks', { doors: { postgres: off } })).toMatchObject([
      { at: 'kubernetes', verdict: 'ok' },
      { at: 'postgres', verdict: 'warn', evidence: expect.stringContaining('5000 ms off') },
    ]);
  });

  test('of nodes show in the stamps of the metrics', async () => {
    const stamped = (shiftMs: number) => (kubernetes: ReturnType<typeof createFakeKubernetes>) => {
      const now = createFakeClock().now();
      Object.assign(kubernetes, {
        fetchPodMetrics: async () => [
          { name: 'odoo-6d-1', cpuCores: 0.1, memoryBytes: 1, serverAt: now + shiftMs, windowMs: 15_000 },
        ],
      });
    };
    const verdictAt = async (shiftMs: number) => (await checks('clocks', { change: stamped(shiftMs) })).at(-1);
    expect(await verdictAt(-15_000)).toMatchObject({ at: 'node node-1', verdict: 'ok' });
    expect(await verdictAt(8_000)).toMatchObject({
      verdict: 'warn',
      evidence: expect.stringContaining('at least 8000 ms ahead'),
    });
    expect(await verdictAt(-300_000)).toMatchObject({ verdict: 'warn', evidence: expect.stringContaining('300 s old') });
  });
});

describe('client timeouts', () => {
  test('shorter than the longest recovery target fail, by name', () => {
    const recovery = { id: 'back', kind: 'recovery', service: 'order-capture', fault: 'kill', max: '20s' };
    const plan = readPlan(shortPlan({ name: 'check', faults: [KILL], objectives: [recovery] }), 'plan');
    const judge = (judged: Plan) => {
      const findings = new Findings();
      checkClientTimeouts({ plan: judged, connections: {} as Connections, doors: {} as Doors }, findings);
      return findings.checks;
    };
    expect(judge(plan)).toMatchObject([
      { verdict: 'ok', evidence: 'clients wait at least 30 s, recovery targets are at most 20 s' },
    ]);
    const hasty: Plan = { ...plan, probes: plan.probes.map((probe) => ({ ...probe, timeoutMs: 5_000 })) };
    expect(judge(hasty)).toMatchObject([{ at: 'probe order-capture', verdict: 'fail' }]);
  });
});
