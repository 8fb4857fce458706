/** The one time axis of the report: load by DuckDB, probes and observations from the small files. */
import type { AnalysisPort, SqlRow } from '../clients/duckdb.ts';
import type { Series, Timeline } from '../model/evaluation.ts';
import type { ScenarioSpec } from '../model/plan.ts';
import { K6_METRICS, type Observation } from '../model/run-records.ts';
import { rank } from './figures.ts';
import type { History } from './history.ts';
import { nearestRank } from './percentile.ts';

const MAX_POINTS = 600;
const STEPS_MS = [1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];

export interface Axis {
  readonly startAt: number;
  readonly stepMs: number;
  readonly points: number;
}

export function axisOf(startAt: number, endAt: number): Axis {
  const spanMs = Math.max(1, endAt - startAt);
  const stepMs = STEPS_MS.find((step) => spanMs / step <= MAX_POINTS) ?? Math.ceil(spanMs / MAX_POINTS);
  return { startAt, stepMs, points: Math.ceil(spanMs / stepMs) };
}

/** Load is placed by when it was sent, probes too, observations by when they were made. */
export async function buildTimeline(history: History, duckdb: AnalysisPort): Promise<Timeline> {
  const axis = axisOf(history.startedAt, history.endedAt);
  const load = await loadSeries(history, axis, duckdb);
  return { ...axis, series: [...load, ...observationSeries(history.observations, axis), ...probeSeries(history, axis)] };
}

async function loadSeries(history: History, axis: Axis, duckdb: AnalysisPort): Promise<readonly Series[]> {
  const bucket = `floor((start_us / 1000 - ${axis.startAt}) / ${axis.stepMs})::INTEGER`;
  const inside = `start_us >= ${axis.startAt * 1000} AND start_us < ${(axis.startAt + axis.points * axis.stepMs) * 1000}`;
  const calls = await duckdb.query(
    `SELECT ${bucket} AS i, count(*) FILTER (outcome = 'fail') AS fail, count(*) FILTER (outcome NOT IN ('ok', 'fail')) AS unknown,
       ${[50, 95, 99].map((p) => `quantile_disc(ms, ${rank(p)}) AS p${p}`).join(', ')}
     FROM samples WHERE kind = '${K6_METRICS.call}' AND ${inside} GROUP BY 1 ORDER BY 1`,
  );
  const journeys = await duckdb.query(
    `SELECT ${bucket} AS i, scenario,
       coalesce(sum(weight) FILTER (kind IN ('${K6_METRICS.started}', 'dropped_iterations')), 0)::BIGINT AS scheduled,
       coalesce(sum(weight) FILTER (kind = 'dropped_iterations'), 0)::BIGINT AS dropped,
       count(*) FILTER (kind = '${K6_METRICS.journey}' AND outcome = 'ok') AS ok,
       count(*) FILTER (kind = '${K6_METRICS.journey}' AND outcome = 'ok' AND ms <= ${limitSql(history)}) AS attained
     FROM samples WHERE kind <> '${K6_METRICS.call}' AND ${inside} GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  if (calls.length === 0 && journeys.length === 0) return [];
  const perSecond = (rows: readonly SqlRow[], column: string): Series['values'] => {
    const counts = new Array<number>(axis.points).fill(0);
    for (const row of rows) counts[Number(row.i)] = (counts[Number(row.i)] ?? 0) + Number(row[column]);
    return counts.map((n) => round((n * 1000) / axis.stepMs));
  };
  const own = (scenario: string): readonly SqlRow[] => journeys.filter((row) => row.scenario === scenario);
  const attainment = history.plan.load.scenarios.map(({ id }) => ({
    name: id,
    unit: 'ratio',
    panel: 'attainment' as const,
    values: spread(axis, own(id), (row) =>
      Number(row.scheduled) === 0 ? null : round(Math.min(1, Number(row.attained) / Number(row.scheduled))),
    ),
  }));
  return [
    { name: 'scheduled journeys', unit: '/s', panel: 'throughput', values: perSecond(journeys, 'scheduled') },
    { name: 'ok journeys', unit: '/s', panel: 'throughput', values: perSecond(journeys, 'ok') },
    ...attainment,
    ...[50, 95, 99].map((p) => ({
      name: `p${p} of calls`,
      unit: 'ms',
      panel: 'latency' as const,
      values: spread(axis, calls, (row) => roundOrNull(row[`p${p}`])),
    })),
    { name: 'failed calls', unit: '/s', panel: 'errors', values: perSecond(calls, 'fail') },
    { name: 'unknown calls', unit: '/s', panel: 'errors', values: perSecond(calls, 'unknown') },
    { name: 'dropped iterations', unit: '/s', panel: 'errors', values: perSecond(journeys, 'dropped') },
  ];
}

/** Service level of each load: that of its attainment objective, or any ok answer. */
function limitSql(history: History): string {
  const branches = history.plan.load.scenarios.flatMap(({ id }: ScenarioSpec) => {
    const own = history.plan.objectives.find((objective) => objective.kind === 'attainment' && objective.scenario === id);
    return own?.kind === 'attainment' ? [`WHEN scenario = '${id.replaceAll("'", "''")}' THEN ${Number(own.withinMs)}`] : [];
  });
  return branches.length === 0 ? "'infinity'::DOUBLE" : `CASE ${branches.join(' ')} ELSE 'infinity'::DOUBLE END`;
}

function observationSeries(observations: readonly Observation[], axis: Axis): readonly Series[] {
  const series = (
    panel: Series['panel'],
    name: string,
    unit: string,
    value: (look: Observation) => number | null,
  ): readonly Series[] => {
    const values = new Array<number | null>(axis.points).fill(null);
    for (const look of observations) {
      const seen = value(look);
      const i = Math.floor((look.at - axis.startAt) / axis.stepMs);
      if (seen !== null && i >= 0 && i < axis.points) values[i] = round(seen);
    }
    return values.some((entry) => entry !== null) ? [{ name, unit, panel, values }] : [];
  };
  const watchesDeployment = observations.some((look) => look.source === 'deployment');
  const watchesPostgres = observations.some((look) => look.source === 'postgres');
  return [
    ...series('replicas', 'current', 'replicas', (look) => (look.source === 'hpa' ? look.currentReplicas : null)),
    ...series('replicas', 'desired', 'replicas', (look) => (look.source === 'hpa' ? look.desiredReplicas : null)),
    ...series('replicas', 'ready', 'replicas', (look) => {
      if (look.source === 'deployment') return look.readyReplicas;
      return look.source === 'pods' && !watchesDeployment ? look.pods.filter((pod) => pod.ready && !pod.deleting).length : null;
    }),
    ...series('replication', 'replay lag', 'bytes', (look) => {
      if (look.source === 'postgres') return largest(look.replicas.map((replica) => replica.replayLagBytes));
      return look.source === 'patroni' && !watchesPostgres
        ? largest(look.members.flatMap((member) => member.lagBytes ?? []))
        : null;
    }),
    ...series('replication', 'timeline', 'number', (look) => {
      if (look.source === 'patroni') return largest(look.members.map((member) => member.timeline));
      return look.source === 'postgres' ? look.timeline : null;
    }),
    ...series('redis', 'used memory', 'bytes', (look) => (look.source === 'redis' ? look.usedMemoryBytes : null)),
    ...series('redis', 'evicted keys', '/s', evictionRate()),
    ...series('redis', 'masters', 'servers', (look) =>
      look.source === 'sentinel' ? look.servers.filter(({ role }) => role === 'master').length : null,
    ),
    ...series('redis', 'connected replicas', 'servers', (look) =>
      look.source === 'sentinel' ? look.servers.filter(({ linkUp }) => linkUp === true).length : null,
    ),
    ...series('replication', 'Redis replica lag', 'bytes', (look) =>
      look.source === 'sentinel' ? largest(look.servers.flatMap(({ lagBytes }) => lagBytes ?? [])) : null,
    ),
  ];
}

/** `evicted_keys` counts from the server's start; a smaller number than before is a new server. */
function evictionRate(): (look: Observation) => number | null {
  let last: { readonly at: number; readonly evicted: number } | null = null;
  return (look) => {
    if (look.source !== 'redis') return null;
    const before = last;
    last = { at: look.at, evicted: look.evictedKeys };
    if (before === null || look.at <= before.at) return null;
    const grown = look.evictedKeys >= before.evicted ? look.evictedKeys - before.evicted : look.evictedKeys;
    return (grown * 1000) / (look.at - before.at);
  };
}

function probeSeries(history: History, axis: Axis): readonly Series[] {
  return history.plan.probes.flatMap(({ service }) => {
    const buckets = new Map<number, { good: number; latencies: number[] }>();
    for (const probe of history.probes) {
      const i = Math.floor((probe.sentAt - axis.startAt) / axis.stepMs);
      if (probe.service !== service || i < 0 || i >= axis.points) continue;
      const bucket = buckets.get(i) ?? { good: 0, latencies: [] };
      if (probe.good) bucket.good += 1;
      bucket.latencies.push(probe.latencyMs);
      buckets.set(i, bucket);
    }
    if (buckets.size === 0) return [];
    const values = (of: (bucket: { good: number; latencies: number[] }) => number | null): Series['values'] =>
      Array.from({ length: axis.points }, (_, i) => {
        const bucket = buckets.get(i);
        return bucket === undefined ? null : roundOrNull(of(bucket));
      });
    return [
      { name: `${service} good`, unit: 'ratio', panel: 'probes', values: values((b) => b.good / b.latencies.length) },
      { name: `${service} p95`, unit: 'ms', panel: 'probes', values: values((b) => nearestRank(b.latencies, 95)) },
    ] satisfies readonly Series[];
  });
}

function spread(axis: Axis, rows: readonly SqlRow[], value: (row: SqlRow) => number | null): Series['values'] {
  const values = new Array<number | null>(axis.points).fill(null);
  for (const row of rows) values[Number(row.i)] = value(row);
  return values;
}

function largest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function roundOrNull(value: unknown): number | null {
  return typeof value === 'number' ? round(value) : null;
}
