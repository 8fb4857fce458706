/** A rich evaluation of a made-up run: a miss, an undecided objective, a censored recovery, lost keys, three faults. */
import type {
  Evaluation,
  FaultWindow,
  ObjectiveResult,
  PhaseFigures,
  RecoveryBracket,
  Series,
  Timeline,
} from '../../src/model/evaluation.ts';
import type { PhaseName } from '../../src/model/plan.ts';
import { anAutoscaledPart } from './an-autoscaled-evaluation.ts';

/** 2026-11-27 09:30:00 UTC, a Black Friday. */
export const START = Date.UTC(2026, 10, 27, 9, 30, 0);
const DURATION_MS = 300_000;
const at = (seconds: number) => START + seconds * 1000;

export function anEvaluation(changes: Partial<Evaluation> = {}): Evaluation {
  return { ...sample(), ...changes };
}

/** All objectives met, nothing lost, all recovered. */
export function aPassingEvaluation(changes: Partial<Evaluation> = {}): Evaluation {
  const rich = sample();
  return {
    ...rich,
    verdict: 'pass',
    objectives: rich.objectives.filter((one) => one.verdict === 'pass'),
    guards: rich.guards.map((guard) => ({ ...guard, held: true, reason: guard.held ? guard.reason : 'held' })),
    faults: rich.faults.map((fault) => ({ ...fault, proven: true, reverted: true })),
    recoveries: rich.recoveries.filter((one) => !one.censored),
    dataLoss: rich.dataLoss.map((one) => ({ ...one, lostKeys: [], duplicatedKeys: [] })),
    invariants: rich.invariants.map((one) => ({ ...one, violations: [] })),
    ...changes,
  };
}

/** A target altered and left so. */
export function anUndoneEvaluation(changes: Partial<Evaluation> = {}): Evaluation {
  return anEvaluation({
    interrupted: true,
    aborted: 'order-capture had 62 % bad probes over 30 s (limit 50 %)',
    undoOpen: [{ id: 'undo-3', fault: 'redis-memory', action: 'delete 48,120 keys under pp:flood:5e1f:*' }],
    ...changes,
  });
}

function sample(): Evaluation {
  return {
    schemaVersion: 1,
    runId: '20261127-093000-peak-day-7f3a',
    ...anAutoscaledPart(START),
    verdict: 'fail',
    objectives: objectives(),
    plan: {
      name: 'Black Friday peak day',
      description: 'Flash sale and till backlogs while workers die, the database fails over and Redis fills up.',
      digest: 'sha256:9b1c4a7de05f3c9b8a2d10ce6c1fb0a4d57c3e9f6d2f4bb4e7a1c3d5e7f90123',
      seed: 20_261_127,
    },
    startedAt: START,
    endedAt: START + DURATION_MS,
    interrupted: false,
    aborted: null,
    undoOpen: [],
    guards: guards(),
    phases: phases(),
    faults: faults(),
    loadSteps: [{ scenario: 'flash-sale', at: at(80), fromPerSecond: 24, toPerSecond: 42 }],
    recoveries: recoveries(),
    scenarios: [
      { scenario: 'flash-sale', loadClass: 'user', service: 'order-capture', phases: figures(24, 420) },
      { scenario: 'pos-burst', loadClass: 'integration', service: 'pos', phases: figures(6, 640) },
      { scenario: 'month-end', loadClass: 'background', service: 'financial-posting', phases: figures(1.5, 910) },
    ],
    dataLoss: dataLoss(),
    invariants: [
      { invariant: 'stock-moves-match-quants', checked: 1_204, violations: [] },
      { invariant: 'debit-equals-credit', checked: 318, violations: [] },
      { invariant: 'one-invoice-per-order', checked: 4_902, violations: ['order S10233 has 2 invoices'] },
    ],
    timeline: aTimeline(),
    environment: environment(),
  };
}

function phases(): Evaluation['phases'] {
  const spans: readonly (readonly [PhaseName, number, number])[] = [
    ['warm-up', 0, 20],
    ['baseline', 20, 80],
    ['disturbance', 80, 220],
    ['recovery', 220, 280],
    ['settle', 280, 300],
  ];
  return spans.map(([phase, from, to]) => ({ phase, startAt: at(from), endAt: at(to) }));
}

function guards(): Evaluation['guards'] {
  return [
    { id: 'load-delivered', held: true, reason: '99.8 % of 9,412 planned iterations were scheduled', objectives: [] },
    { id: 'baseline-held', held: true, reason: '0 of 180 probes were bad in the baseline', objectives: [] },
    { id: 'fault-proven:kill-workers', held: true, reason: '2 pods gone by UID, 2 new ones ready', objectives: [] },
    {
      id: 'fault-proven:redis-memory',
      held: false,
      reason: 'used_memory rose by 2.1 MiB, less than the 12 MiB that show an effect',
      objectives: ['redis-recovery'],
    },
  ];
}

function objective(changes: Partial<ObjectiveResult> & Pick<ObjectiveResult, 'id' | 'kind' | 'verdict'>): ObjectiveResult {
  return {
    service: 'order-capture',
    measured: null,
    target: 0,
    unit: 'ms',
    direction: 'at-most',
    margin: null,
    errorBar: null,
    censored: false,
    reason: '',
    evidence: [],
    details: [],
    ...changes,
  };
}

function objectives(): readonly ObjectiveResult[] {
  return [
    objective({
      id: 'checkout-p95',
      kind: 'slo',
      verdict: 'pass',
      measured: 842.4,
      target: 1_500,
      margin: 0.438,
      reason: 'p95 of 3,120 calls in the baseline is 842 ms',
      source: 'Digital board, decision 2026-14',
      evidence: [{ text: '3,120 samples, p50 311 ms, p95 842 ms, p99 1.32 s', file: 'load/main/samples.csv' }],
    }),
    objective({
      id: 'flash-sale-attainment',
      kind: 'attainment',
      verdict: 'fail',
      measured: 0.9412,
      target: 0.985,
      unit: 'ratio',
      direction: 'at-least',
      margin: -0.0445,
      reason: '277 of 4,710 scheduled journeys were late, wrong or dropped',
      source: 'Contract with the marketplace, annex 3',
      evidence: [
        { text: '4,433 in time, 121 late, 98 failed, 41 unknown, 17 dropped', file: 'load/main/samples.csv' },
        { text: '88 % of the misses fall between +120 s and +161 s (fault db-failover)' },
      ],
      details: [
        { name: 'scheduled', value: 4_710 },
        { name: 'dropped', value: 17 },
        { name: 'worst second', value: 0.12, unit: 'ratio' },
      ],
    }),
    objective({
      id: 'order-recovery-after-failover',
      kind: 'recovery',
      verdict: 'fail',
      measured: 41_200,
      target: 30_000,
      margin: -0.3733,
      errorBar: 500,
      reason: 'orders were back 41.2 s after the fault, 11.2 s later than allowed',
      source: 'RTO of order capture',
      evidence: [{ text: 'probes bad from +121.0 s, first good +148.5 s, steady from +161.2 s', file: 'probes.ndjson' }],
      details: [{ name: 'configured bound', value: 40_000, unit: 'ms' }],
    }),
    objective({
      id: 'posting-recovery-after-failover',
      kind: 'recovery',
      service: 'financial-posting',
      verdict: 'fail',
      measured: 160_000,
      target: 60_000,
      margin: -1.6667,
      errorBar: 1_000,
      censored: true,
      reason: 'posting had not recovered when the run ended',
      evidence: [{ text: 'p95 stayed at 3.1 x the baseline', file: 'probes.ndjson' }],
    }),
    objective({
      id: 'redis-recovery',
      kind: 'recovery',
      service: 'pos',
      verdict: 'inconclusive',
      target: 15_000,
      reason: 'guard fault-proven:redis-memory did not hold',
    }),
    objective({
      id: 'orders-not-lost',
      kind: 'data-loss',
      verdict: 'fail',
      measured: 3,
      target: 0,
      unit: 'writes',
      reason: '3 acknowledged orders are gone after two read-backs',
      evidence: [{ text: '4,433 acknowledged, 4,430 found', file: 'ledger.ndjson' }],
      details: [{ name: 'loss window', value: 640, unit: 'ms', target: 0 }],
    }),
    objective({
      id: 'tickets-not-lost',
      kind: 'data-loss',
      service: 'pos',
      verdict: 'pass',
      measured: 0,
      target: 0,
      unit: 'writes',
      reason: 'all 1,804 acknowledged tickets were found twice',
    }),
    objective({
      id: 'books-balance',
      kind: 'invariant',
      service: 'platform',
      verdict: 'pass',
      measured: 0,
      target: 0,
      unit: 'violations',
      reason: 'debit = credit in all 318 entries',
    }),
    objective({
      id: 'scale-out',
      kind: 'autoscaling',
      service: 'platform',
      verdict: 'pass',
      measured: 38_000,
      target: 60_000,
      margin: 0.3667,
      errorBar: 1_000,
      reason: 'the service level was back 38 s after the load step',
      evidence: [{ text: 'desiredReplicas 2 to 5 after 17 s, 5 ready after 31 s', file: 'observations.ndjson' }],
      details: [
        { name: 'desired', value: 17_000, unit: 'ms', target: 30_000 },
        { name: 'ready', value: 31_000, unit: 'ms', target: 45_000 },
        { name: 'replicas reached', value: 5, unit: 'replicas', target: 4 },
      ],
    }),
  ];
}

function faults(): readonly FaultWindow[] {
  return [
    {
      fault: 'kill-workers',
      kind: 'kubernetes/kill-pods',
      target: 'deployment/odoo in namespace shop',
      blastRadius: '2 of 5 pods (40 %)',
      injectedAt: at(95),
      endedAt: at(97),
      revertedAt: at(108),
      proven: true,
      reverted: true,
      evidence: ['UIDs 1f0c and 77ab are gone', '2 new pods ready after 9.4 s'],
    },
    {
      fault: 'db-failover',
      kind: 'postgres/failover',
      target: 'cluster shop-db, primary pg-0',
      blastRadius: 'every write until a new primary is up',
      prediction: 'ttl 30 s + loop_wait 10 s: no primary for at most 40 s',
      injectedAt: at(120),
      endedAt: at(146),
      revertedAt: at(171),
      proven: true,
      reverted: true,
      evidence: ['timeline 4 to 5', 'pg-1 is writable', 'pg-0 is a streaming standby again'],
    },
    {
      fault: 'redis-memory',
      kind: 'redis/flood',
      target: 'redis at 127.0.0.1:6379',
      blastRadius: 'at most 64 MiB under pp:flood:5e1f:*',
      prediction: 'allkeys-lru: sessions are evicted',
      injectedAt: at(185),
      endedAt: at(205),
      revertedAt: at(206),
      proven: false,
      reverted: true,
      evidence: ['used_memory +2.1 MiB'],
    },
  ];
}

function recoveries(): readonly RecoveryBracket[] {
  const bound = { text: 'Patroni ttl 30 s + loop_wait 10 s', ms: 40_000 };
  const bracket = (
    service: RecoveryBracket['service'],
    fault: string,
    moments: readonly [number, number | null, number | null, number | null],
  ): RecoveryBracket => {
    const [injected, impact, firstOk, recovered] = moments;
    const instant = (seconds: number | null) => (seconds === null ? null : at(seconds));
    return {
      service,
      fault,
      injectedAt: at(injected),
      impactAt: instant(impact),
      firstOkAt: instant(firstOk),
      recoveredAt: instant(recovered),
      recoveryMs: recovered === null ? null : (recovered - injected) * 1000,
      errorBarMs: 500,
      censored: false,
      bound: fault === 'db-failover' ? bound : null,
    };
  };
  return [
    bracket('order-capture', 'kill-workers', [95, 95.5, 96.5, 102.4]),
    bracket('pos', 'kill-workers', [95, null, null, null]),
    bracket('order-capture', 'db-failover', [120, 121, 148.5, 161.2]),
    bracket('pos', 'db-failover', [120, 121.5, 147, 152]),
    { ...bracket('financial-posting', 'db-failover', [120, 122, 150, null]), recoveryMs: 160_000, censored: true },
    bracket('pos', 'redis-memory', [185, null, null, null]),
  ];
}

function figures(perSecond: number, p95: number): readonly PhaseFigures[] {
  return phases().map(({ phase, startAt, endAt }, index) => {
    const strained = phase === 'disturbance';
    const scheduled = Math.round((perSecond * (endAt - startAt)) / 1000);
    const dropped = strained ? Math.round(scheduled * 0.004) : 0;
    const fail = strained ? Math.round(scheduled * 0.021) : 0;
    const unknown = strained ? Math.round(scheduled * 0.009) : 0;
    return {
      phase,
      scheduled,
      dropped,
      interrupted: 0,
      ok: scheduled - dropped - fail - unknown,
      fail,
      unknown,
      p50Ms: p95 * 0.4 + index,
      p95Ms: strained ? p95 * 6.2 : p95,
      p99Ms: strained ? p95 * 14 : p95 * 1.7,
      perSecond,
    };
  });
}

function dataLoss(): Evaluation['dataLoss'] {
  return [
    {
      service: 'order-capture',
      acknowledged: 4_433,
      unknown: 41,
      unknownThatHappened: 29,
      lostKeys: [
        { key: 'PP7f3a-o-001873', model: 'sale.order', effect: 'create', answeredAt: at(119.36) },
        { key: 'PP7f3a-o-001874', model: 'sale.order', effect: 'create', answeredAt: at(119.71) },
        { key: 'PP7f3a-o-001876', model: 'sale.order', effect: 'confirm', answeredAt: at(120.002) },
      ],
      duplicatedKeys: ['PP7f3a-o-001902'],
      readBacks: 2,
    },
    { service: 'pos', acknowledged: 1_804, unknown: 12, unknownThatHappened: 12, lostKeys: [], duplicatedKeys: [], readBacks: 2 },
    {
      service: 'financial-posting',
      acknowledged: 318,
      unknown: 4,
      unknownThatHappened: 1,
      lostKeys: [],
      duplicatedKeys: [],
      readBacks: 2,
    },
  ];
}

/** Deterministic noise in [0, 1): a sine hash, so that charts look alive without a random source. */
function noise(index: number, salt: number): number {
  const value = Math.sin(index * 12.9898 + salt * 78.233) * 43_758.5453;
  return value - Math.floor(value);
}

/** Curves of the sample over `points` steps of `stepMs`; `copies` multiplies the series for size tests. */
export function aTimeline({ points = 300, stepMs = 1000, copies = 1 } = {}): Timeline {
  const scale = DURATION_MS / (points * stepMs);
  const curve = (of: (second: number, index: number) => number | null, decimals = 2) =>
    Array.from({ length: points }, (_, index) => {
      const value = of((index * stepMs * scale) / 1000, index);
      return value === null ? null : Number(value.toFixed(decimals));
    });
  /** Seen every other second only, as an observer does. */
  const looked = (of: (second: number, index: number) => number | null) =>
    curve((s, index) => (index % 2 === 0 ? of(s, index) : null), 0);
  const down = (s: number) => s >= 121 && s < 148;
  const hurt = (s: number) => (s >= 95.5 && s < 101) || (s >= 120 && s < 161);
  const load = (s: number) => (s < 20 ? s * 1.2 : s < 80 ? 24 : s < 220 ? 42 : s < 280 ? 26 : 2);
  const latency = (s: number, i: number, base: number) =>
    s >= 285 ? null : base * (0.85 + 0.3 * noise(i, base)) * (down(s) ? 14 : hurt(s) ? 4 : s > 80 && s < 118 ? 1.7 : 1);
  const series: Series[] = [
    { panel: 'throughput', name: 'scheduled', unit: '/s', values: curve((s) => load(s)) },
    {
      panel: 'throughput',
      name: 'answered correctly',
      unit: '/s',
      values: curve((s, i) => load(s) * (down(s) ? 0.08 : hurt(s) ? 0.7 : 1) * (0.95 + 0.05 * noise(i, 1))),
    },
    {
      panel: 'attainment',
      name: 'flash-sale',
      unit: 'ratio',
      values: curve((s, i) => (down(s) ? 0.1 * noise(i, 2) : hurt(s) ? 0.7 : 1 - 0.01 * noise(i, 3)), 4),
    },
    { panel: 'attainment', name: 'pos-burst', unit: 'ratio', values: curve((s) => (s < 100 ? null : down(s) ? 0.2 : 0.995), 4) },
    { panel: 'latency', name: 'p50', unit: 'ms', values: curve((s, i) => latency(s, i, 310), 1) },
    { panel: 'latency', name: 'p95', unit: 'ms', values: curve((s, i) => latency(s, i, 842), 1) },
    { panel: 'latency', name: 'p99', unit: 'ms', values: curve((s, i) => latency(s, i, 1_450), 1) },
    {
      panel: 'errors',
      name: 'failed',
      unit: '/s',
      values: curve((s, i) => (down(s) ? 9 + 4 * noise(i, 5) : hurt(s) ? 1 : 0)),
    },
    { panel: 'errors', name: 'unknown', unit: '/s', values: curve((s, i) => (down(s) ? 2 * noise(i, 6) : 0)) },
    {
      panel: 'replicas',
      name: 'current',
      unit: 'replicas',
      values: curve((s) => (s < 100 ? 2 : s < 112 ? 4 : s < 262 ? 5 : 4), 0),
    },
    { panel: 'replicas', name: 'desired', unit: 'replicas', values: looked((s) => (s < 97 ? 2 : s < 255 ? 5 : 4)) },
    {
      panel: 'replicas',
      name: 'ready',
      unit: 'replicas',
      values: looked((s) => (s < 95 ? 2 : s < 104 ? 1 : s < 115 ? 3 : s < 262 ? 5 : 4)),
    },
    {
      panel: 'replication',
      name: 'replay lag pg-1',
      unit: 'bytes',
      values: looked((s, i) => (s >= 120 && s < 171 ? null : 180_000 * noise(i, 7))),
    },
    { panel: 'replication', name: 'timeline', unit: 'number', values: looked((s) => (s < 146 ? 4 : 5)) },
    {
      panel: 'redis',
      name: 'used memory',
      unit: 'bytes',
      values: looked((s, i) => 41e6 + 2e6 * noise(i, 8) + (s > 185 && s < 206 ? 2.1e6 : 0)),
    },
    { panel: 'redis', name: 'connected clients', unit: 'clients', values: looked((s) => (s < 100 ? 14 : 26)) },
    { panel: 'probes', name: 'order-capture p95', unit: 'ms', values: curve((s, i) => latency(s, i, 95), 1) },
    { panel: 'probes', name: 'order-capture', unit: 'ratio', values: curve((s) => (down(s) ? 0 : hurt(s) ? 0.5 : 1)) },
    { panel: 'probes', name: 'pos', unit: 'ratio', values: curve((s) => (s > 121.5 && s < 147 ? 0 : 1)) },
    {
      panel: 'probes',
      name: 'financial-posting',
      unit: 'ratio',
      values: curve((s) => (s > 122 && s < 150 ? 0 : s > 150 ? 0.6 : 1)),
    },
  ];
  const more = Array.from({ length: copies - 1 }, (_, copy) =>
    series.map((one) => ({ ...one, name: `${one.name} ${copy + 2}` })),
  );
  return { startAt: START, stepMs: stepMs * scale, points, series: [...series, ...more.flat()] };
}

function environment(): Evaluation['environment'] {
  return {
    schemaVersion: 1,
    runId: '20261127-093000-peak-day-7f3a',
    harnessVersion: '0.1.0',
    nodeVersion: 'v22.12.0',
    k6Version: 'v2.2.0',
    host: { platform: 'linux-x64', cpus: 8, memoryBytes: 16 * 1024 ** 3 },
    seed: 20_261_127,
    planDigest: 'sha256:9b1c4a7de05f3c9b8a2d10ce6c1fb0a4d57c3e9f6d2f4bb4e7a1c3d5e7f90123',
    target: { kind: 'odoo', url: 'http://127.0.0.1:8069', database: 'shop', version: '18.0' },
    kubernetes: {
      version: 'v1.34.1',
      context: 'staging',
      namespace: 'shop',
      hpa: { minReplicas: 2, maxReplicas: 5, targetCpuUtilization: 70 },
      hpaSyncSeconds: 15,
    },
    postgres: {
      version: '18.4',
      patroni: { ttlSeconds: 30, loopWaitSeconds: 10, retryTimeoutSeconds: 10, synchronousMode: false, version: '4.0.5' },
    },
    redis: { version: '8.2.1', maxMemoryBytes: 64 * 1024 ** 2, policy: 'allkeys-lru', maxClients: 10_000 },
    clockOffsets: [{ source: 'kubernetes', offsetMs: 12 }],
  };
}
