/**
 * k6's CSV output -> the table `samples` in DuckDB. Only our metrics and `dropped_iterations` are kept. k6 writes the columns
 * of the system tags that are on, and every other tag into `extra_tags` in no particular order; a custom tag named as a
 * system tag (`scenario`, `service`) is in that tag's column.
 */
import type { AnalysisPort } from '../clients/duckdb.ts';
import { K6_METRICS } from '../model/run-records.ts';
import type { CutFile, History } from './history.ts';
import { cutFile, damaged } from './run-folder.ts';

const NEEDED = ['metric_name', 'timestamp', 'metric_value', 'scenario', 'extra_tags'] as const;
/** k6 samples far outside the run mean that the time column is not what it should be. */
const CLOCK_SLACK_MS = 3_600_000;

const MEASURED = `'${K6_METRICS.call}', '${K6_METRICS.started}', '${K6_METRICS.journey}', 'dropped_iterations'`;

/** Creates and fills `samples`. Returns the files whose last line was cut. @throws HarnessError ERR_RUN_FOLDER */
export async function loadSamples(runDir: string, history: History, duckdb: AnalysisPort): Promise<readonly CutFile[]> {
  // Compressed in memory: a third of the size, and the strings of tags become dictionary codes.
  await duckdb.query("ATTACH IF NOT EXISTS ':memory:' AS run (COMPRESS)");
  await duckdb.query('USE run');
  await duckdb.query(
    'CREATE OR REPLACE TABLE samples (kind VARCHAR, phase VARCHAR, start_us BIGINT, ms DOUBLE, weight INTEGER, outcome VARCHAR,' +
      ' scenario VARCHAR, load_class VARCHAR, service VARCHAR, journey VARCHAR, step VARCHAR)',
  );
  const cut: CutFile[] = [];
  for (const { runner, hasSamples } of history.runners) {
    if (!hasSamples) continue;
    const name = `load/${runner}/samples.csv`;
    const note = await loadFile(`${runDir}/${name}`, name, history, duckdb);
    if (note !== null) cut.push(note);
  }
  return cut;
}

async function loadFile(path: string, name: string, history: History, duckdb: AnalysisPort): Promise<CutFile | null> {
  const seen = await duckdb.inspect(path);
  if (seen === null || seen.firstLine === '') {
    if (history.interrupted) return null;
    throw damaged(path, 1, 'is empty: k6 wrote no samples');
  }
  const columns = seen.firstLine.split(',');
  const missing = NEEDED.find((column) => !columns.includes(column));
  if (missing !== undefined) throw damaged(path, 1, `is not the header of k6's CSV output: column ${missing} is missing`);
  const before = await countRows(duckdb);
  const insert = (tolerant: boolean): Promise<unknown> =>
    duckdb.query(`INSERT INTO samples ${selectFrom(path, columns, history, tolerant)}`);
  try {
    await insert(!seen.endsWithNewline);
  } catch (error) {
    throw csvDamage(path, error);
  }
  await checkClock(path, before, history, duckdb);
  return seen.endsWithNewline ? null : await checkOnlyLastLineCut(path, name, duckdb);
}

function selectFrom(path: string, columns: readonly string[], history: History, tolerant: boolean): string {
  const types = columns.map((column) => `${sql(column)}: '${TYPES[column] ?? 'VARCHAR'}'`).join(', ');
  const reject = tolerant ? ', ignore_errors=true, store_rejects=true' : '';
  const phase = history.phases
    .toReversed()
    .map((span) => `WHEN start_us >= ${span.startAt * 1000} AND start_us < ${span.endAt * 1000} THEN '${span.phase}'`);
  return `
    WITH rows AS (
      SELECT metric_name, "timestamp" AS end_us, metric_value, coalesce(scenario, '') AS scenario,
        ${columns.includes('service') ? "coalesce(service, '')" : "''"} AS service, '&' || coalesce(extra_tags, '') AS tags
      FROM read_csv(${sql(path)}, auto_detect=false, header=true, delim=',', quote='"', escape='"', nullstr='',
        columns={${types}}${reject})
      WHERE metric_name IN (${MEASURED})
    ), timed AS (
      SELECT *, metric_name IN ('${K6_METRICS.call}', '${K6_METRICS.journey}') AS lasted,
        CASE WHEN lasted THEN end_us - round(metric_value * 1000)::BIGINT ELSE end_us END AS start_us FROM rows
    )
    SELECT metric_name, ${phase.length === 0 ? 'NULL' : `CASE ${phase.join(' ')} END`}, start_us, CASE WHEN lasted THEN metric_value END,
      CASE WHEN lasted THEN 1 ELSE metric_value::INTEGER END, ${tag('outcome')},
      ${planScenarioSql(history.plan.load.scenarios.map((scenario) => scenario.id))}, ${tag('load_class')},
      CASE WHEN service <> '' THEN service ELSE ${tag('service')} END, ${tag('journey')}, ${tag('step')}
    FROM timed`;
}

const TYPES: Readonly<Record<string, string>> = { timestamp: 'BIGINT', metric_value: 'DOUBLE' };

/** Several times cheaper than a regular expression, and the values of our tags hold no `&`. */
function tag(name: string): string {
  return `split_part(split_part(tags, '&${name}=', 2), '&', 1)`;
}

function sql(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * One load of the plan may be several scenarios of k6, named after it (`month-end-reports`, `month-end_shop`); k6's own
 * `dropped_iterations` carries that name and no tag of ours. A name of no load stays as it is and is judged by nobody.
 */
export function planScenarioSql(ids: readonly string[]): string {
  const longestFirst = ids.toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const branches = longestFirst.map(
    (id) =>
      `WHEN starts_with(scenario, ${sql(id)}) AND substr(scenario, ${id.length + 1}, 1) IN ('-', '_', '.', ':', '/') THEN ${sql(id)}`,
  );
  if (branches.length === 0) return 'scenario';
  return `CASE WHEN scenario IN (${ids.map(sql).join(', ')}) THEN scenario ${branches.join(' ')} ELSE scenario END`;
}

async function checkClock(path: string, before: number, history: History, duckdb: AnalysisPort): Promise<void> {
  const [row] = await duckdb.query(
    'SELECT min(start_us) / 1000 AS first, max(start_us) / 1000 AS last, count(*) AS n FROM samples',
  );
  if (row === undefined || Number(row.n) === before) return;
  const [first, last] = [Number(row.first), Number(row.last)];
  if (first > history.startedAt - CLOCK_SLACK_MS && last < history.endedAt + CLOCK_SLACK_MS) return;
  throw damaged(
    path,
    0,
    `has samples at ${first} to ${last} ms, but the run lasted from ${history.startedAt} to ${history.endedAt} ms`,
    'k6 must write its times with K6_CSV_TIME_FORMAT=unix_micro on the machine of the harness',
  );
}

async function countRows(duckdb: AnalysisPort): Promise<number> {
  const [row] = await duckdb.query('SELECT count(*) AS n FROM samples');
  return Number(row?.n ?? 0);
}

async function checkOnlyLastLineCut(path: string, name: string, duckdb: AnalysisPort): Promise<CutFile | null> {
  const rejects = await duckdb.query('SELECT DISTINCT line FROM reject_errors ORDER BY line');
  await duckdb.query('DROP TABLE IF EXISTS reject_errors');
  await duckdb.query('DROP TABLE IF EXISTS reject_scans');
  const [length] = await duckdb.query(
    `SELECT count(*) AS n FROM read_csv(${sql(path)}, auto_detect=false, header=false, delim=chr(1), quote='', escape='', columns={'line': 'VARCHAR'})`,
  );
  const lines = Number(length?.n ?? 0);
  const wrong = rejects.map((row) => Number(row.line)).find((line) => line < lines);
  if (wrong !== undefined) throw damaged(path, wrong, 'is no row of k6 samples');
  return cutFile(name, lines);
}

/** DuckDB says where: `CSV Error on Line: 123`. */
function csvDamage(path: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  const line = /Line: (\d+)/.exec(text)?.[1];
  if (line === undefined) return error instanceof Error ? error : new Error(text);
  const reason =
    text
      .split('\n')
      .find((part) => /^(Expected|Error|Value|Possible)/.test(part.trim()))
      ?.trim() ?? '';
  return damaged(path, Number(line), `is no row of k6 samples${reason === '' ? '' : ` (${reason})`}`);
}
