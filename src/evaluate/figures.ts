/** Questions that the judges ask of the samples, answered by DuckDB. Exact percentiles (nearest rank), counts of whole numbers. */
import type { AnalysisPort, SqlRow, SqlValue } from '../clients/duckdb.ts';
import type { AttainmentObjectiveSpec, BusinessService, PhaseName, ScenarioSpec, SloObjectiveSpec } from '../model/plan.ts';
import { K6_METRICS } from '../model/run-records.ts';
import { serviceOf } from './history.ts';

const { call, started, journey } = K6_METRICS;

/** Journeys of one load in one phase (or in the whole run, `phase` null). */
export interface LoadCounts {
  readonly scenario: string;
  readonly phase: PhaseName | null;
  readonly started: number;
  readonly dropped: number;
  readonly finished: number;
  readonly ok: number;
  readonly fail: number;
  readonly unknown: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** `phase` null: samples outside every phase. */
export async function loadCounts(duckdb: AnalysisPort): Promise<readonly LoadCounts[]> {
  const rows = await duckdb.query(
    `SELECT scenario, phase, coalesce(sum(weight) FILTER (kind = '${started}'), 0)::BIGINT AS started,
       coalesce(sum(weight) FILTER (kind = 'dropped_iterations'), 0)::BIGINT AS dropped,
       count(*) FILTER (kind = '${journey}') AS finished,
       count(*) FILTER (kind = '${journey}' AND outcome = 'ok') AS ok,
       count(*) FILTER (kind = '${journey}' AND outcome = 'fail') AS fail,
       count(*) FILTER (kind = '${journey}' AND outcome NOT IN ('ok', 'fail')) AS unknown,
       ${[50, 95, 99].map((p) => `quantile_disc(ms, ${rank(p)}) FILTER (kind = '${journey}') AS p${p}`).join(', ')}
     FROM samples WHERE kind <> '${call}' GROUP BY scenario, phase ORDER BY scenario, phase`,
  );
  return rows.map((row) => ({
    scenario: String(row.scenario),
    phase: row.phase === null ? null : (String(row.phase) as PhaseName),
    started: Number(row.started),
    dropped: Number(row.dropped),
    finished: Number(row.finished),
    ok: Number(row.ok),
    fail: Number(row.fail),
    unknown: Number(row.unknown),
    p50Ms: numberOrNull(row.p50),
    p95Ms: numberOrNull(row.p95),
    p99Ms: numberOrNull(row.p99),
  }));
}

export interface CallFigures {
  readonly calls: number;
  readonly ok: number;
  readonly fail: number;
  readonly unknown: number;
  /** Nearest-rank percentile with every call that was not answered ok as slower than all others; null: it falls among those. */
  readonly percentileMs: number | null;
  /** Longest time seen, whatever the outcome. */
  readonly longestMs: number | null;
}

export async function callFigures(objective: SloObjectiveSpec, duckdb: AnalysisPort): Promise<CallFigures> {
  const percentile = objective.indicator.metric === 'latency' ? objective.indicator.percentile : 50;
  const parameters: SqlValue[] = [];
  const equals = (column: string, value: string | undefined): string => {
    if (value === undefined) return 'true';
    parameters.push(value);
    return `${column} = $${parameters.length}`;
  };
  const where = [
    equals('scenario', objective.scenario),
    equals('service', objective.service),
    equals('load_class', objective.loadClass),
    equals('journey', objective.journey),
    equals('step', objective.step),
    phaseFilter(objective.phases),
  ].join(' AND ');
  const [row] = await duckdb.query(
    `SELECT count(*) AS calls, count(*) FILTER (outcome = 'ok') AS ok, count(*) FILTER (outcome = 'fail') AS fail,
       count(*) FILTER (outcome NOT IN ('ok', 'fail')) AS unknown, max(ms) AS longest,
       quantile_disc(CASE WHEN outcome = 'ok' THEN ms ELSE 'infinity'::DOUBLE END, ${rank(percentile)}) AS percentile
     FROM samples WHERE kind = '${call}' AND ${where}`,
    parameters,
  );
  const reached = numberOrNull(row?.percentile);
  return {
    calls: Number(row?.calls ?? 0),
    ok: Number(row?.ok ?? 0),
    fail: Number(row?.fail ?? 0),
    unknown: Number(row?.unknown ?? 0),
    percentileMs: reached === Number.POSITIVE_INFINITY ? null : reached,
    longestMs: numberOrNull(row?.longest),
  };
}

export interface AttainmentFigures {
  readonly started: number;
  readonly dropped: number;
  readonly finished: number;
  /** Outcome ok, within the service level. */
  readonly attained: number;
  readonly ok: number;
}

export async function attainmentFigures(objective: AttainmentObjectiveSpec, duckdb: AnalysisPort): Promise<AttainmentFigures> {
  const [row] = await duckdb.query(
    `SELECT coalesce(sum(weight) FILTER (kind = '${started}'), 0)::BIGINT AS started,
       coalesce(sum(weight) FILTER (kind = 'dropped_iterations'), 0)::BIGINT AS dropped,
       count(*) FILTER (kind = '${journey}') AS finished, count(*) FILTER (kind = '${journey}' AND outcome = 'ok') AS ok,
       count(*) FILTER (kind = '${journey}' AND outcome = 'ok' AND ms <= $2) AS attained
     FROM samples WHERE kind <> '${call}' AND scenario = $1 AND ${phaseFilter(objective.phases)}`,
    [objective.scenario, objective.withinMs],
  );
  return {
    started: Number(row?.started ?? 0),
    dropped: Number(row?.dropped ?? 0),
    finished: Number(row?.finished ?? 0),
    attained: Number(row?.attained ?? 0),
    ok: Number(row?.ok ?? 0),
  };
}

/** Demand and what was served of it, second by second, by when the journeys were due or sent. */
export interface DemandSecond {
  readonly at: number;
  readonly scheduled: number;
  readonly ok: number;
}

/** Of one load. `withinMs` null: an ok journey counts however long it took. */
export async function demandOfScenario(
  scenario: string,
  withinMs: number | null,
  duckdb: AnalysisPort,
): Promise<readonly DemandSecond[]> {
  const limit = withinMs === null ? 'true' : 'ms <= $2';
  const rows = await duckdb.query(demandSql('scenario = $1', limit), withinMs === null ? [scenario] : [scenario, withinMs]);
  return rows.map(demandSecond);
}

/** Of the journeys of a service, whichever load they are part of. A dropped iteration never became one: it counts for its load's service. */
export async function demandOfService(
  service: BusinessService,
  scenarios: readonly ScenarioSpec[],
  duckdb: AnalysisPort,
): Promise<readonly DemandSecond[]> {
  const own = scenarios.filter((scenario) => serviceOf(scenario) === service).map((scenario) => scenario.id);
  const dropped = own.length === 0 ? 'false' : `scenario IN (${own.map((_, i) => `$${i + 2}`).join(', ')})`;
  const which = `(service = $1 OR (kind = 'dropped_iterations' AND ${dropped}))`;
  return (await duckdb.query(demandSql(which, 'true'), [service, ...own])).map(demandSecond);
}

function demandSql(which: string, limit: string): string {
  return `SELECT (start_us // 1000000) * 1000 AS at,
      coalesce(sum(weight) FILTER (kind IN ('${started}', 'dropped_iterations')), 0)::BIGINT AS scheduled,
      count(*) FILTER (kind = '${journey}' AND outcome = 'ok' AND ${limit}) AS ok
    FROM samples WHERE kind <> '${call}' AND ${which} GROUP BY 1 ORDER BY 1`;
}

function demandSecond(row: SqlRow): DemandSecond {
  return { at: Number(row.at), scheduled: Number(row.scheduled), ok: Number(row.ok) };
}

/**
 * For `quantile_disc`, which takes the rank from a floating-point product: 0.55 x 100 is a little more than 55 there and would
 * take the 56th value. A hair less is exact up to some 10^8 samples (seen with DuckDB 1.5, also for DECIMAL).
 */
export function rank(percentile: number): string {
  return `${Math.max(0, percentile / 100 - 1e-13).toFixed(15)}::DOUBLE`;
}

function phaseFilter(phases: readonly PhaseName[]): string {
  return phases.length === 0 ? 'false' : `phase IN (${phases.map((phase) => `'${phase}'`).join(', ')})`;
}

export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
